//! Many sources, many datagrams, forged shapes: bounded, and alive.

use std::net::{Ipv4Addr, UdpSocket};

use crate::peer::{Peer, place};
use crate::support::{Server, Start, proc, until};

/// The source number `number` of many: another address each, all of this machine.
fn source(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + number)
}

#[test]
fn the_source_that_was_silent_for_longest_makes_room_for_the_1025th() {
    let server = Server::with(&["echo+udp=127.0.0.1:0"]);
    let first = Peer::from(source(0).into(), place(&server, 0));
    for number in 1..1100 {
        Peer::from(source(number).into(), place(&server, 0)).ask(b"one of many", b"one of many");
        if number % 500 == 0 {
            first.ask(b"spoken since", b"spoken since");
        }
    }
    let figures = server.figures();
    assert_eq!((figures.connections, figures.accepted, figures.freed), (1024, 1100, 76));
    first.ask(b"known still", b"known still");
    assert_eq!(server.figures().accepted, 1100, "the first one was forgotten, though others were silent for longer");
}

#[test]
fn sources_of_datagrams_take_no_place_from_connections() {
    let server =
        Start::serve(&["--max-connections", "1"]).listen("echo+udp=127.0.0.1:0").listen("echo=127.0.0.1:0").go();
    for number in 0..100 {
        Peer::from(source(number).into(), place(&server, 0)).ask(b"x", b"x");
    }
    let mut client = server.client(1);
    client.ask(b"there is room\n", b"there is room\n");
    assert!(server.client(1).line().starts_with("! full: "));
    Peer::to(&server, 0).ask(b"and for datagrams", b"and for datagrams");
}

#[test]
fn a16_a_hundred_thousand_datagrams_in_bursts_leave_the_server_small_and_alive() {
    let server = Server::with(&["echo+udp=127.0.0.1:0", "upper+udp=127.0.0.1:0", "echo=127.0.0.1:0"]);
    let mut client = server.client(2);
    client.ask(b"before\n", b"before\n");
    let before = proc::resident(server.pid());
    let payload = [b'x'; 8193];
    let mut sent = 0;
    for burst in 0..100 {
        // Each burst from an address of its own, in every size, to both services.
        let socket = UdpSocket::bind((source(burst), 0)).expect("a port is left");
        for number in 0..1000_usize {
            let size = [0, 1, 7, 64, 500, 1400, 8192, 8193][number % 8];
            socket.send_to(&payload[..size], place(&server, number / 8 % 2)).expect("loopback takes it");
            sent += 1;
        }
        if burst % 10 == 0 {
            client.ask(b"meanwhile\n", b"meanwhile\n");
        }
    }
    assert_eq!(sent, 100_000);
    for index in [0, 1] {
        let peer = Peer::to(&server, index);
        peer.ask(b"ALIVE", b"ALIVE");
    }
    let figures = server.settled();
    assert!(figures.connections <= 1024, "{figures:?}");
    let grown = proc::resident(server.pid()).saturating_sub(before);
    assert!(grown < 16 * 1024, "grew by {grown} KiB");
}

#[test]
fn a_source_that_is_gone_before_its_answer_harms_nobody() {
    let server = Server::with(&["echo+udp=127.0.0.1:0"]);
    let peer = Peer::to(&server, 0);
    for _ in 0..20 {
        server.freeze();
        for number in 0..10 {
            // Gone when the answer comes: the kernel says so to the server, by ICMP.
            Peer::from(source(number).into(), place(&server, 0)).send(b"knock");
        }
        server.thaw();
        peer.ask(b"here", b"here");
    }
    until("nothing more to do", || server.settled().frames >= 220);
    server.expect_sleep();
}
