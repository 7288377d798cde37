//! nc (netcat-openbsd).

use bowerbird::{start_server, start_unix_server};
use bowerbird_tests::on_workers;

use crate::support::{Directory, Serving, connect, echo, free_port, lines, peer};

#[test]
fn nc_gets_back_what_it_sends_before_it_ends_its_half() {
    on_workers(2, async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port().to_string();
        let text = lines(200);
        let said = peer("nc", &["-N", "127.0.0.1", &port], text.clone()).await;
        assert!(said == text.as_bytes());
        server.close();
    });
}

#[test]
fn nc_speaks_to_a_unix_server() {
    on_workers(2, async {
        let directory = Directory::new();
        let path = directory.path("socket");
        let server = start_unix_server(echo, &path).await.unwrap();
        let said = peer("nc", &["-N", "-U", &path], "a line\n").await;
        assert_eq!(said, b"a line\n");
        server.close();
    });
}

#[test]
fn nc_that_listens_hears_and_ends() {
    on_workers(2, async {
        let port = free_port();
        let _server = Serving::start("nc", &["-l", "-k", "-N", "127.0.0.1", &port.to_string()]);
        let mut stream = connect(port).await;
        stream.write_all(b"to nobody in particular").await.unwrap();
        // nc has no input and ends its half.
        assert_eq!(stream.read(&mut [0; 10]).await.unwrap(), 0);
    });
}
