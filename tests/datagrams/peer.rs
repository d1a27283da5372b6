//! A socket for datagrams that never waits for ever.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::support::client::show;
use crate::support::{PATIENCE, Place, Server};

/// One source, towards one listener.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) socket: UdpSocket,
}

/// Where the server's listener is, which reports UDP as it reports TCP.
pub(crate) fn place(server: &Server, index: usize) -> SocketAddr {
    match server.place(index) {
        Place::Tcp(address) => *address,
        Place::Unix(path) => panic!("{} takes no datagrams", path.display()),
    }
}

impl Peer {
    pub(crate) fn to(server: &Server, index: usize) -> Self {
        Self::from(place(server, index).ip(), place(server, index))
    }

    /// From an address of our choice: all of 127.0.0.0/8 is ours.
    pub(crate) fn from(ours: IpAddr, theirs: SocketAddr) -> Self {
        let socket = UdpSocket::bind((ours, 0)).expect("a port is left");
        socket.connect(theirs).expect("an address that can be sent to");
        socket.set_read_timeout(Some(PATIENCE)).expect("every socket takes this");
        Self { socket }
    }

    pub(crate) fn send(&self, datagram: &[u8]) {
        assert_eq!(self.socket.send(datagram).expect("loopback takes it"), datagram.len());
    }

    pub(crate) fn hear(&self) -> Vec<u8> {
        let mut bytes = vec![0; 65536];
        let size = self.socket.recv(&mut bytes).expect("an answer");
        bytes.truncate(size);
        bytes
    }

    /// Asks, and asks again if nothing comes: a datagram may be lost. Fails if the answer is another.
    pub(crate) fn ask(&self, question: &[u8], answer: &[u8]) {
        self.socket.set_read_timeout(Some(Duration::from_secs(2))).expect("every socket takes this");
        for _ in 0..PATIENCE.as_secs() / 2 {
            self.send(question);
            let mut bytes = vec![0; 65536];
            match self.socket.recv(&mut bytes) {
                Ok(size) => {
                    assert_eq!(show(&bytes[..size]), show(answer), "asked {}", show(question));
                    assert_eq!(&bytes[..size], answer, "asked {}", show(question));
                    return self.socket.set_read_timeout(Some(PATIENCE)).expect("every socket takes this");
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("never answered: {}", show(question));
    }

    /// What is here already, without waiting for more.
    pub(crate) fn gather(&self) -> Vec<Vec<u8>> {
        self.socket.set_nonblocking(true).expect("every socket takes this");
        let mut found = Vec::new();
        let mut bytes = vec![0; 65536];
        while let Ok(size) = self.socket.recv(&mut bytes) {
            found.push(bytes[..size].to_vec());
        }
        self.socket.set_nonblocking(false).expect("every socket takes this");
        found
    }
}
