//! Listeners for datagrams: how they are asked for, reported and refused.

use std::net::SocketAddr;

use crate::peer::{Peer, place};
use crate::support::{Client, Server, Start, own_address, until};

#[test]
fn a_listener_for_datagrams_reports_itself_with_its_real_port() {
    let server = Server::with(&["upper+udp=127.0.0.1:0", "echo+stamp=127.0.0.1:0", "echo+udp=[::1]:0"]);
    let lines = server.log.lines();
    let said: Vec<&str> = lines.iter().map(|line| line.split_once(" listening ").expect("readiness").1).collect();
    let wanted: Vec<String> = ["upper+udp", "echo+stamp", "echo+udp"]
        .iter()
        .enumerate()
        .map(|(index, name)| format!("{name} {}", server.place(index)))
        .collect();
    assert_eq!(said, wanted);
    assert!(wanted.iter().all(|line| !line.ends_with(":0")));
}

#[test]
fn d23_tcp_and_udp_serve_on_one_port_at_once() {
    // The documents' number, at an address that nobody else has.
    let address = SocketAddr::from((own_address(), 9000));
    // Another process may have the other protocol's port of that number.
    let first = Server::with(&[&format!("echo={address}")]);
    let second = Server::with(&[&format!("upper+udp={address}")]);
    first.client(0).ask(b"over tcp\n", b"over tcp\n");
    Peer::to(&second, 0).ask(b"over udp", b"OVER UDP");
    drop((first, second));

    let both = Server::with(&[&format!("echo={address}"), &format!("upper+udp={address}")]);
    assert_eq!(both.place(0), both.place(1));
    let (mut client, peer): (Client, Peer) = (both.client(0), Peer::to(&both, 1));
    for round in 0..10 {
        let line = format!("round {round}\n");
        client.ask(line.as_bytes(), line.as_bytes());
        peer.ask(line.as_bytes(), line.to_uppercase().as_bytes());
    }
}

#[test]
fn what_makes_no_sense_over_datagrams_is_wrong_usage() {
    for (listener, cause) in [
        ("chat+udp=127.0.0.1:0", "chat needs streams"),
        ("echo+udp+length=127.0.0.1:0", "one datagram is one frame"),
        ("echo+lines+udp=127.0.0.1:0", "one datagram is one frame"),
        ("upper+udp=unix:/tmp/parlor-no-such.sock", "udp needs HOST:PORT"),
    ] {
        let finished = Start::serve(&[]).listen(listener).run();
        assert_eq!((finished.code(), finished.stdout.as_str()), (2, ""), "{finished:#?}");
        assert!(finished.stderr[0].contains(cause), "{listener}: {finished:#?}");
    }
}

#[test]
fn a_listener_that_can_never_answer_is_warned_of_at_the_start() {
    let server = Server::with(&["echo+stamp+udp=127.0.0.1:0", "echo+stamp=127.0.0.1:0", "echo+udp=127.0.0.1:0"]);
    let warned = server.log.wait("a warning", |line| line.contains("WARN"));
    assert!(warned.contains(" echo+stamp+udp=127.0.0.1:0: it will never answer: "), "{warned}");
    Peer::to(&server, 2).ask(b"1", b"1");
    let (all, lines) = (server.log.len(), server.log.lines());
    assert_eq!(all, 4, "three that listen and one warning behind them: {lines:#?}");
    assert!(lines[3].contains("WARN"), "{lines:#?}");
}

#[test]
fn a_second_copy_is_refused_though_datagrams_know_no_connections() {
    let server = Server::with(&["echo+udp=127.0.0.1:0"]);
    let taken = format!("upper+udp={}", server.place(0));
    let finished = Start::serve(&[]).listen(&taken).run();
    assert_eq!((finished.code(), finished.stderr.len()), (1, 1), "{finished:#?}");
    assert!(finished.stderr[0].contains(&taken) && finished.stderr[0].contains("address in use"), "{finished:#?}");
    Peer::to(&server, 0).ask(b"still here", b"still here");
}

#[test]
fn a17_datagrams_from_beyond_this_machine_need_open() {
    let finished = Start::serve(&[]).listen("echo+udp=0.0.0.0:0").run();
    assert_eq!((finished.code(), finished.stderr.len()), (1, 1), "{finished:#?}");
    assert!(finished.stderr[0].contains("--open"), "{finished:#?}");
    let server = Start::serve(&["--open"]).listen("echo+udp=0.0.0.0:0").go();
    let mut address = place(&server, 0);
    address.set_ip([127, 0, 0, 1].into());
    Peer::from(address.ip(), address).ask(b"1", b"1");
}

#[test]
fn a_server_for_datagrams_sleeps_when_nothing_comes_and_stops_when_it_is_told() {
    let server = Server::with(&["echo+udp=127.0.0.1:0", "upper+udp=127.0.0.1:0"]);
    Peer::to(&server, 0).ask(b"1", b"1");
    Peer::to(&server, 1).ask(b"a", b"A");
    server.expect_sleep();
    assert_eq!(server.figures().connections, 2);
    assert_eq!(server.stop().code(), 0);
}

#[test]
fn asked_and_granted_options_of_a_socket_for_datagrams_are_in_the_log() {
    let server = Start::serve(&["--log", "debug"]).listen("echo+udp=127.0.0.1:0").go();
    let facts = server.log.lines();
    let says = |text: &str| facts.iter().any(|line| line.contains(text));
    assert!(says(": type: datagram") && says(": receive-buffer: asked 1048576, granted "), "{facts:#?}");
    assert!(!says("backlog") && !says("nodelay"), "those are TCP's: {facts:#?}");
}

/// Takes half a minute, so only when asked for.
#[test]
#[ignore = "takes half a minute; tests/long.sh datagrams"]
fn a_silent_source_is_forgotten_after_thirty_seconds_and_welcome_again() {
    let server = Server::with(&["echo+udp=127.0.0.1:0"]);
    let peer = Peer::to(&server, 0);
    peer.ask(b"1", b"1");
    assert_eq!(server.figures().connections, 1);
    until("the source is forgotten", || server.figures().connections == 0);
    assert!(peer.gather().is_empty(), "nobody asked for a goodbye");
    peer.ask(b"2", b"2");
}
