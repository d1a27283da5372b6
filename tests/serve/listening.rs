//! Listeners that stand, and how they say so.

use crate::support::{Client, Place, Server, Start};

#[test]
fn readiness_lines_come_in_the_order_of_the_flags_with_real_ports() {
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("unix:{}", folder.path().join("u.sock").display());
    let wanted = [
        ("echo", "127.0.0.1:0"),
        ("upper+length", "[::1]:0"),
        ("echo+length", path.as_str()),
        ("echo+fixed+stamp", "127.0.0.1:0"),
        ("upper+lines", "localhost:0"),
    ];
    let start = wanted.iter().fold(Start::serve(&[]), |start, (name, at)| start.listen(&format!("{name}={at}")));
    let server = start.go();
    let finished = {
        let lines = server.log.lines();
        assert_eq!(lines.len(), wanted.len(), "one line each and nothing else: {lines:#?}");
        for (line, (name, at)) in lines.iter().zip(wanted) {
            let (_, said) = line.split_once(" listening ").expect("a readiness line");
            let (service, address) = said.split_once(' ').expect("SERVICE ADDRESS");
            assert_eq!(service, name);
            match Place::parse(address) {
                Place::Unix(_) => assert_eq!(address, at),
                Place::Tcp(real) => {
                    assert_ne!(real.port(), 0, "{line}");
                    assert!(real.ip().is_loopback(), "{line}");
                    assert_eq!(at.starts_with('['), real.is_ipv6() && at != "localhost:0", "{line}");
                }
            }
        }
        server.stop()
    };
    assert_eq!((finished.code(), finished.stdout.as_str()), (0, ""));
}

#[test]
fn the_three_listeners_of_the_first_example_all_serve() {
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("echo+length=unix:{}", folder.path().join("x.sock").display());
    let server = Server::with(&["echo=127.0.0.1:0", "upper=[::1]:0", &path]);
    for (index, question, answer) in [
        (0, &b"a\nb\r\n\n"[..], &b"a\nb\n"[..]),
        (1, b"a\nb\r\n\n", b"A\nB\n"),
        (2, b"\0\0\0\x01a\0\0\0\x02b\n\0\0\0\0", b"\0\0\0\x01a\0\0\0\x02b\n\0\0\0\0"),
    ] {
        let mut client = server.client(index);
        client.send(question);
        client.finish();
        assert_eq!(client.rest(), answer, "listener {index}");
    }
}

#[test]
fn one_server_serves_many_clients_at_once_and_mixes_none_up() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    let mut clients: Vec<Client> = (0..50).map(|_| server.client(0)).collect();
    for round in 0..5 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(format!("client {number} ").as_bytes());
        }
        for (number, client) in clients.iter_mut().enumerate().rev() {
            let line = format!("round {round}\n");
            client.ask(line.as_bytes(), format!("client {number} {line}").as_bytes());
        }
    }
}

#[test]
fn a_listener_beyond_this_machine_needs_open() {
    for listener in ["echo=0.0.0.0:0", "upper=[::]:0"] {
        let finished = Start::serve(&[]).listen(listener).run();
        assert_eq!(finished.code(), 1, "{finished:#?}");
        assert_eq!(finished.stderr.len(), 1, "one line: {finished:#?}");
        assert!(finished.stderr[0].contains(listener) && finished.stderr[0].contains("--open"), "{finished:#?}");
        let server = Start::serve(&["--open"]).listen(listener).go();
        let Place::Tcp(mut address) = server.place(0).clone() else { panic!("TCP was asked for") };
        address.set_ip(if address.is_ipv6() { [0, 0, 0, 0, 0, 0, 0, 1].into() } else { [127, 0, 0, 1].into() });
        Client::to(&Place::Tcp(address)).ask(b"1\n", b"1\n");
    }
}

#[test]
fn connections_past_the_limit_hear_why_and_are_closed() {
    let server =
        Start::serve(&["--max-connections", "2"]).listen("echo=127.0.0.1:0").listen("upper+length=[::1]:0").go();
    let mut first = server.client(0);
    first.ask(b"1\n", b"1\n");
    let mut second = server.client(1);
    second.ask(b"\0\0\0\x01b", b"\0\0\0\x01B");

    let mut third = server.client(0);
    assert!(third.line().starts_with("! full: "));
    third.expect_end();
    // In the framing of its listener.
    let mut fourth = server.client(1);
    let reason = fourth.rest();
    let (length, text) = reason.split_first_chunk().expect("a frame");
    assert_eq!(u32::from_be_bytes(*length) as usize, text.len());
    assert!(text.starts_with(b"! full: ") && text.is_ascii(), "{}", text.escape_ascii());

    first.ask(b"2\n", b"2\n");
    drop((first, third, fourth));
    server.figures_when("room for another", |figures| figures.connections == 1);
    server.client(0).ask(b"3\n", b"3\n");
    assert_eq!(server.figures().refused, 2);
}
