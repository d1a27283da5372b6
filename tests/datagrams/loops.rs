//! Two servers that were pointed at each other, as a forged source would do it.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::Duration;

use crate::peer::{Peer, place};
use crate::support::{Server, own_address};

/// Stands between two servers, and is for each of them the other one. Answers how many datagrams it carried until
/// neither had anything more to say.
fn relay(left: &Server, right: &Server, begin: &[Vec<u8>], most: usize) -> usize {
    let (to_left, to_right) = (Peer::to(left, 0), Peer::to(right, 0));
    for datagram in begin {
        to_left.send(datagram);
    }
    let mut carried = 0;
    let mut quiet = 0;
    for peer in [&to_left, &to_right] {
        peer.socket.set_read_timeout(Some(Duration::from_millis(20))).expect("every socket takes this");
    }
    let mut bytes = [0; 8192];
    let mut carry = |from: &UdpSocket, to: &UdpSocket| {
        let Ok(size) = from.recv(&mut bytes) else { return 0 };
        to.send(&bytes[..size]).expect("loopback takes it");
        1
    };
    // Both at rest for as long as a hundred waits: what is on its way takes a thousandth of that.
    while quiet < 100 {
        let moved = carry(&to_left.socket, &to_right.socket) + carry(&to_right.socket, &to_left.socket);
        quiet = if moved == 0 { quiet + 1 } else { 0 };
        carried += moved;
        assert!(carried < most, "{carried} and no end");
    }
    carried
}

#[test]
fn a16_two_servers_pointed_at_each_other_stop_by_themselves() {
    for (left, right) in [("echo+udp", "echo+udp"), ("upper+udp", "echo+udp")] {
        let (left, right) =
            (Server::with(&[&format!("{left}=127.0.0.1:0")]), Server::with(&[&format!("{right}=127.0.0.1:0")]));
        let carried = relay(&left, &right, &[b"ping".to_vec()], 10_000);
        assert!(carried > 1000, "whoever says the same a thousand times is answered: {carried}");
        for server in [&left, &right] {
            Peer::to(server, 0).ask(b"ALIVE", b"ALIVE");
            assert_eq!(server.figures().connections, 2);
        }
    }
}

#[test]
fn a16_a_hundred_datagrams_in_one_loop_stop_too() {
    let (left, right) = (Server::with(&["echo+udp=127.0.0.1:0"]), Server::with(&["echo+udp=127.0.0.1:0"]));
    let begin: Vec<Vec<u8>> = (0..100).map(|number: u32| format!("{number}").into_bytes()).collect();
    relay(&left, &right, &begin, 50_000);
    Peer::to(&left, 0).ask(b"alive", b"alive");
}

#[test]
fn a16_a_service_that_asks_is_not_answered() {
    let server = Server::with(&["echo+udp=127.0.0.1:0"]);
    // The old services that answer whatever they hear: echo, chargen. Their words are not ours come back, so a loop with one
    // of them would be known by nothing else.
    for port in [7, 19, 1023] {
        let service = match UdpSocket::bind((own_address(), port)) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return println!("skipped: this test needs the right to have port {port}");
            }
            bound => bound.expect("nobody else is at this address"),
        };
        service.send_to(b"chargen", place(&server, 0)).expect("loopback takes it");
        // Behind it in the server's queue, so it has been heard when this is answered.
        Peer::to(&server, 0).ask(b"heard", b"heard");
        service.set_nonblocking(true).expect("every socket takes this");
        assert_eq!(service.recv(&mut [0; 10]).expect_err("no answer").kind(), ErrorKind::WouldBlock);
    }
}
