//! The examples of asyncio's documentation for protocols: a TCP echo server with its client, and the same by UDP.
//!
//! ```console
//! cargo run --example echo_protocol
//! ```

use std::io;
use std::net::SocketAddr;

use bowerbird::future::{Promise, promise};
use bowerbird::protocols::{
    DatagramProtocol, DatagramTransport, Protocol, Transport, create_connection,
    create_datagram_endpoint, create_server,
};

/// Sends back what it gets, once.
#[derive(Default)]
struct EchoServerProtocol {
    transport: Option<Transport>,
}

impl Protocol for EchoServerProtocol {
    fn connection_made(&mut self, transport: Transport) {
        println!("Connection from {:?}", transport.peer_addr());
        self.transport = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        let Some(transport) = &self.transport else { return };
        println!("Data received: {:?}", String::from_utf8_lossy(data));
        println!("Send: {:?}", String::from_utf8_lossy(data));
        transport.write(data);
        println!("Close the client socket");
        transport.close();
    }
}

/// Sends a message, and says when the connection is lost.
struct EchoClientProtocol {
    message: &'static str,
    on_con_lost: Option<Promise<bool>>,
}

impl Protocol for EchoClientProtocol {
    fn connection_made(&mut self, transport: Transport) {
        transport.write(self.message.as_bytes());
        println!("Data sent: {:?}", self.message);
    }

    fn data_received(&mut self, data: &[u8]) {
        println!("Data received: {:?}", String::from_utf8_lossy(data));
    }

    fn connection_lost(&mut self, _error: Option<io::Error>) {
        println!("The server closed the connection");
        if let Some(on_con_lost) = self.on_con_lost.take() {
            let _nobody_waits = on_con_lost.set_result(true);
        }
    }
}

async fn tcp() -> io::Result<()> {
    let server = create_server(EchoServerProtocol::default, "127.0.0.1:0").await?;
    let address = server.local_addr().expect("it listens on TCP");

    let (on_con_lost, connection_lost) = promise();
    let message = "Hello World!";
    let factory = move || EchoClientProtocol { message, on_con_lost: Some(on_con_lost) };
    let transport = create_connection(factory, address).await?;

    // Wait until the protocol signals that the connection is lost, and close the transport.
    let _lost = connection_lost.await;
    transport.close();

    server.close();
    server.wait_closed().await;
    Ok(())
}

/// Sends each datagram back.
#[derive(Default)]
struct UdpEchoServerProtocol {
    transport: Option<DatagramTransport>,
}

impl DatagramProtocol for UdpEchoServerProtocol {
    fn connection_made(&mut self, transport: DatagramTransport) {
        self.transport = Some(transport);
    }

    fn datagram_received(&mut self, data: &[u8], from: SocketAddr) {
        let message = String::from_utf8_lossy(data);
        println!("Received {message:?} from {from}");
        if let Some(transport) = &self.transport {
            println!("Send {message:?} to {from}");
            transport.sendto(data, from);
        }
    }
}

/// Sends a message and waits for one.
struct UdpEchoClientProtocol {
    message: &'static str,
    transport: Option<DatagramTransport>,
    on_con_lost: Option<Promise<bool>>,
}

impl DatagramProtocol for UdpEchoClientProtocol {
    fn connection_made(&mut self, transport: DatagramTransport) {
        println!("Send: {}", self.message);
        transport.sendto(self.message.as_bytes(), None);
        self.transport = Some(transport);
    }

    fn datagram_received(&mut self, data: &[u8], _from: SocketAddr) {
        println!("Received: {}", String::from_utf8_lossy(data));
        println!("Close the socket");
        if let Some(transport) = &self.transport {
            transport.close();
        }
    }

    fn error_received(&mut self, error: io::Error) {
        println!("Error received: {error}");
    }

    fn connection_lost(&mut self, _error: Option<io::Error>) {
        println!("Connection closed");
        if let Some(on_con_lost) = self.on_con_lost.take() {
            let _nobody_waits = on_con_lost.set_result(true);
        }
    }
}

async fn udp() -> io::Result<()> {
    println!("Starting UDP server");
    let server = create_datagram_endpoint(UdpEchoServerProtocol::default);
    let server = server.local_addr("127.0.0.1:0").await?;
    let address = server.local_addr().expect("it is bound");

    let (on_con_lost, connection_lost) = promise();
    let client = create_datagram_endpoint(move || UdpEchoClientProtocol {
        message: "Hello World!",
        transport: None,
        on_con_lost: Some(on_con_lost),
    });
    let transport = client.remote_addr(address).await?;

    let _lost = connection_lost.await;
    transport.close();
    server.close();
    Ok(())
}

#[bowerbird::main]
async fn main() -> io::Result<()> {
    tcp().await?;
    udp().await
}
