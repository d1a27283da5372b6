//! Signals, goodbye, and coming back.

use rustix::process::Signal;

use crate::support::tools::needs;
use crate::support::{Client, Place, Server, Start};

/// A client that takes as little as the kernel lets it.
fn small_client(place: &Place) -> Client {
    Client::with(place, |socket| socket.set_recv_buffer_size(4096).expect("every socket takes this")).expect("listens")
}

/// A server with answers that wait for a client who has read nothing yet, and what the client will read.
fn with_answers_waiting() -> (Server, Client, Vec<u8>) {
    let server = Start::serve(&["--send-buffer", "4096"]).listen("echo=127.0.0.1:0").go();
    let mut client = small_client(server.place(0));
    let lines: Vec<u8> = (0..600).flat_map(|number| format!("{number:0>99}\n").into_bytes()).collect();
    client.send(&lines);
    let figures = server.figures_when("all lines answered", |figures| figures.frames == 600);
    assert!(figures.bytes_out < lines.len() as u64, "nothing waits: {figures:?}");
    (server, client, lines)
}

#[test]
fn either_signal_to_stop_flushes_what_waits_and_exits_with_success() {
    for signal in [Signal::TERM, Signal::INT] {
        let (server, mut client, lines) = with_answers_waiting();
        server.signal(signal);
        server.log.wait("stopping", |line| line.ends_with("stopping"));
        assert_eq!(client.rest(), lines, "{signal:?}");
        drop(client);
        let finished = server.wait();
        assert_eq!((finished.code(), finished.stdout.as_str()), (0, ""), "{finished:#?}");
    }
}

#[test]
fn a_stopping_server_accepts_nobody() {
    let (server, client, _) = with_answers_waiting();
    server.signal(Signal::TERM);
    server.log.wait("stopping", |line| line.ends_with("stopping"));
    // The line comes first and the door is closed behind it; whoever answers this has done both.
    assert_eq!(server.figures().connections, 1, "it is still draining");
    let refused = Client::try_to(server.place(0)).expect_err("the door is closed");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    drop(client);
    assert_eq!(server.wait().code(), 0);
}

#[test]
fn a_second_signal_ends_the_drain_at_once() {
    for (first, second) in [(Signal::TERM, Signal::INT), (Signal::INT, Signal::INT)] {
        let (server, client, _) = with_answers_waiting();
        server.signal(first);
        server.log.wait("stopping", |line| line.ends_with("stopping"));
        server.signal(second);
        // A drain that came to its end, or to its limit, would have been a success.
        assert_eq!(server.wait().code(), 1, "{first:?}, {second:?}");
        drop(client);
    }
}

#[test]
fn a_client_that_never_reads_does_not_keep_the_server_past_its_limit() {
    let (server, client, _) = with_answers_waiting();
    assert_eq!(server.stop().code(), 0);
    drop(client);
}

#[test]
fn a_client_that_never_leaves_does_not_keep_the_server() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    let mut client = server.client(0);
    client.ask(b"1\n", b"1\n");
    assert_eq!(server.stop().code(), 0);
    client.expect_end();
}

#[test]
fn a_signal_in_the_moment_of_readiness_is_obeyed_already() {
    if !needs("strace") {
        return;
    }
    // Whoever reads the first of these lines may send a signal before the second is written.
    for signal in ["SIGTERM", "SIGINT"] {
        let inject = format!("inject=write:signal={signal}:when=1");
        let finished = Start::serve(&[]).listen("echo=127.0.0.1:0").strace(&["trace=write", &inject]).run();
        assert_eq!(finished.code(), 0, "{signal}: {finished:#?}");
    }
}

#[test]
fn a_hangup_without_a_terminal_drops_nobody() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    let mut client = server.client(0);
    for _ in 0..3 {
        server.signal(Signal::HUP);
        client.ask(b"still here\n", b"still here\n");
    }
    server.client(0).ask(b"and so is the door\n", b"and so is the door\n");
    assert_eq!(server.stop().code(), 0);
}

#[test]
fn a_hangup_stops_a_server_on_a_terminal_but_not_under_nohup() {
    let server = Start::serve(&[]).listen("echo=127.0.0.1:0").on_terminal().go();
    server.signal(Signal::HUP);
    assert_eq!(server.wait().code(), 0);

    let server = Start::serve(&[]).listen("echo=127.0.0.1:0").on_terminal().after("trap '' HUP").go();
    server.signal(Signal::HUP);
    server.client(0).ask(b"still here\n", b"still here\n");
    assert_eq!(server.stop().code(), 0);
}

#[test]
fn figures_tell_what_happened() {
    let server = Start::serve(&["--max-connections", "2"]).listen("echo=127.0.0.1:0").listen("upper=[::1]:0").go();
    let start = server.figures();
    assert_eq!((start.connections, start.accepted, start.frames, start.bytes_in, start.bytes_out), (0, 0, 0, 0, 0));
    let (mut first, mut second) = (server.client(0), server.client(1));
    first.ask(b"one\n\ntwo\r\n", b"one\ntwo\n");
    second.ask("ŉ\n".as_bytes(), "ʼN\n".as_bytes());
    let mut third = server.client(0);
    let refusal = third.rest().len() as u64;
    drop((first, third));
    let now = server.figures_when("two freed", |figures| figures.freed == 2);
    assert_eq!((now.connections, now.accepted, now.refused), (1, 3, 1));
    // A blank line is a frame of the hub's, which the service skips.
    assert_eq!((now.frames, now.bytes_in, now.bytes_out), (4, 13, 12 + refusal));
    assert!(now.turns > start.turns);
}
