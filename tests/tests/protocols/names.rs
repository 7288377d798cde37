//! What the tasks of connections are called.

use std::sync::{Arc, Mutex};

use bowerbird::TaskHandle;
use bowerbird::net::UdpSocket;
use bowerbird::protocols::{
    DatagramProtocol, Protocol, connect_accepted_socket, create_connection,
    create_datagram_endpoint, create_server,
};
use bowerbird_tests::{Journal, on_workers, until};

use crate::support::{Noted, sockets};

struct Quiet;
impl Protocol for Quiet {}
impl DatagramProtocol for Quiet {}
#[cfg(unix)]
impl bowerbird::protocols::SubprocessProtocol for Quiet {}

fn task_of(name: &str) -> Option<TaskHandle> {
    bowerbird::all_tasks().into_iter().find(|task| &*task.name() == name)
}

#[test]
fn protocol_and_peer_are_the_name() {
    on_workers(2, async {
        let (client, server) = sockets().await;
        let peer = server.peer_addr().unwrap();
        let _transport = connect_accepted_socket(|| Quiet, server).await.unwrap();
        let task = task_of(&format!("Quiet, tcp {peer}")).expect("it is one of the tasks");
        let graph = bowerbird::format_call_graph(Some(&task));
        assert!(graph.contains(&format!("Task(name='Quiet, tcp {peer}'")), "{graph}");
        drop(client);
        until(|| task.done()).await;
    });
}

#[test]
fn both_ends_of_a_server_have_names() {
    on_workers(2, async {
        let journal = Journal::new();
        let noted = journal.clone();
        let server = create_server(move || Noted::new(&noted), "127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Quiet));
        let client = create_connection(move || shared, address).await.unwrap();
        assert!(task_of(&format!("Arc<Mutex<Quiet>>, tcp {address}")).is_some());
        let theirs = format!("Noted, tcp {}", client.local_addr().unwrap());
        until(|| task_of(&theirs).is_some()).await;
    });
}

#[test]
fn datagram_socket_is_named_by_its_peer_or_itself() {
    on_workers(2, async {
        let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let peer = other.local_addr().unwrap();
        let endpoint = create_datagram_endpoint(|| Quiet).remote_addr(peer).await.unwrap();
        assert!(task_of(&format!("Quiet, udp {peer}")).is_some());
        endpoint.close();
        let endpoint = create_datagram_endpoint(|| Quiet).local_addr("127.0.0.1:0").await.unwrap();
        let own = endpoint.local_addr().unwrap();
        assert!(task_of(&format!("Quiet, udp {own}")).is_some());
    });
}

#[cfg(unix)]
#[test]
fn pipe_unix_socket_and_process_have_names() {
    use bowerbird::process::create_subprocess_exec;
    use bowerbird::protocols::{connect_read_pipe, subprocess_exec};

    on_workers(2, async {
        let (_sender, receiver) = bowerbird::net::pipe::pipe().unwrap();
        connect_read_pipe(|| Quiet, receiver).await.unwrap();
        assert!(task_of("Quiet, pipe").is_some());
        let (_peer, socket) = bowerbird::net::UnixStream::pair().unwrap();
        connect_accepted_socket(|| Quiet, socket).await.unwrap();
        assert!(task_of("Quiet, unix").is_some());
        let sleep = create_subprocess_exec("sleep", ["600"]);
        let child = subprocess_exec(|| Quiet, sleep).await.unwrap();
        assert!(task_of(&format!("Quiet, process {}", child.get_pid())).is_some());
        child.close();
    });
}
