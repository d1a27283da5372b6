//! Two servers that were pointed at each other, as a forged source would do it.

use std::net::UdpSocket;
use std::time::Duration;

use crate::peer::Peer;
use crate::support::Server;

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
