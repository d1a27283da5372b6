//! Every service on IPv4, IPv6 and Unix sockets, and who it is that comes through the last.

use std::net::SocketAddrV4;

use crate::support::proc::{self, TIME_WAIT};
use crate::support::tools::{CONTAINED, may_be_contained};
use crate::support::{Server, Start, own_address, until};

/// The first line of a service, if it says one, and what it answers to a line.
const SERVICES: [(&str, &str, &str, &str); 5] = [
    ("echo", "", "a ñ\n", "a ñ\n"),
    ("upper", "", "a ñ\n", "A Ñ\n"),
    ("chat", "- parlor chat: ", "PING x\n", "PONG x\n"),
    ("files", "- parlor files: ", "list\n", "- end list\n"),
    ("metrics", "", "GET /healthz HTTP/1.0\n\n", "HTTP/1.1 200 OK\r\n"),
];

#[test]
fn d22_every_service_is_the_same_on_ipv4_ipv6_and_unix_sockets() {
    let folder = tempfile::tempdir().expect("ours");
    let data = folder.path().join("data");
    let mut start =
        Start::serve(&["--no-history", "--data", data.to_str().expect("temporary folders have plain names")]);
    for (service, ..) in SERVICES {
        for place in
            ["127.0.0.1:0", "[::1]:0", &format!("unix:{}", folder.path().join(format!("{service}.sock")).display())]
        {
            start = start.listen(&format!("{service}={place}"));
        }
    }
    let server = start.go();
    for (number, (service, greeting, question, answer)) in SERVICES.into_iter().enumerate() {
        for family in 0..3 {
            let mut client = server.client(3 * number + family);
            if !greeting.is_empty() {
                let line = client.line();
                assert!(line.starts_with(greeting), "{service}: {line}");
            }
            client.ask(question.as_bytes(), answer.as_bytes());
        }
    }
}

#[test]
fn d22_who_comes_through_a_unix_socket_stands_in_the_log() {
    let folder = tempfile::tempdir().expect("ours");
    let path = folder.path().join("u.sock");
    let server = Server::with(&[&format!("echo=unix:{}", path.display()), "echo=127.0.0.1:0"]);
    let seen = server.log.len();
    server.client(1).ask(b"1\n", b"1\n");
    server.client(0).ask(b"2\n", b"2\n");
    let (pid, uid, gid) = (std::process::id(), rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let wanted = format!("connected unix:{}: process {pid}, user {uid}, group {gid}", path.display());
    server.log.wait_from(seen, "the client's process", |line| line.ends_with(&wanted));
    assert_eq!(server.log.lines().iter().filter(|line| line.contains(" connected ")).count(), 1);
}

#[test]
fn d22_who_comes_from_outside_of_the_servers_container_is_known_by_user() {
    if !may_be_contained() {
        return;
    }
    let folder = tempfile::tempdir().expect("ours");
    let path = folder.path().join("u.sock");
    let server = Start::serve(&[]).listen(&format!("echo=unix:{}", path.display())).under(&CONTAINED).go();
    server.client(0).ask(b"1\n", b"1\n");
    let wanted = format!("connected unix:{}: process 0, user 0, group 0", path.display());
    server.log.wait_from(0, "the client's user", |line| line.ends_with(&wanted));
}

/// Starts a second server where the first one listens, and answers the line in which it is refused.
fn refusal(listener: &str) -> String {
    let finished = Start::serve(&[]).listen(listener).run();
    assert_eq!((finished.code(), finished.stderr.len()), (1, 1), "{finished:#?}");
    finished.stderr[0].clone()
}

#[test]
fn d24_a_second_copy_is_told_whose_process_has_the_address_and_what_to_do() {
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("unix:{}", folder.path().join("u.sock").display());
    let server = Server::with(&["echo=127.0.0.1:0", "echo=[::1]:0", "echo+udp=127.0.0.1:0", &format!("echo={path}")]);
    for (index, option) in ["", "", "+udp", ""].into_iter().enumerate() {
        let line = refusal(&format!("upper{option}={}", server.place(index)));
        let who = format!("process {} (parlor) listens there already; stop it", server.pid().as_raw_nonzero());
        assert!(line.contains("address in use: ") && line.contains(&who), "{line}");
    }
}

#[test]
fn two_listeners_of_one_server_that_want_one_address_are_told_so() {
    let folder = tempfile::tempdir().expect("ours");
    for at in [format!("{}:8084", own_address()), format!("unix:{}", folder.path().join("u.sock").display())] {
        let finished = Start::serve(&["--listen", &format!("echo={at}"), "--listen", &format!("upper={at}")]).run();
        assert_eq!((finished.code(), finished.stderr.len()), (1, 1), "{finished:#?}");
        let wanted = format!(
            "cannot listen upper={at}: address in use: another listener of this server has it; expected each once"
        );
        assert!(finished.stderr[0].ends_with(&wanted), "{finished:#?}");
    }
}

#[test]
fn d24_a_restart_binds_at_once_though_connections_are_in_time_wait() {
    // At an address that is nobody else's while no server has it.
    let at = SocketAddrV4::new(own_address(), 8888);
    let listener = format!("echo={at}");
    let mut server = Server::with(&[&listener]);
    for round in 0..3 {
        // Whoever closes first is the one that waits: the server does, when it is told to stop.
        let mut clients: Vec<_> = (0..5).map(|_| server.client(0)).collect();
        for client in &mut clients {
            client.ask(b"hello\n", b"hello\n");
        }
        server.signal(rustix::process::Signal::TERM);
        for client in &mut clients {
            client.expect_end();
        }
        drop(clients);
        assert_eq!(server.wait().code(), 0);
        // The kernel may still be at it; and without them this would show nothing.
        until("five connections in TIME_WAIT", || proc::connections(at, TIME_WAIT) >= 5);
        if round == 1 {
            // Without the option, the same start fails.
            let finished = Start::serve(&["--reuse-address", "off"]).listen(&listener).run();
            assert_eq!(finished.code(), 1, "{finished:#?}");
            assert!(finished.stderr[0].contains("TIME_WAIT"), "{finished:#?}");
        }
        server = Server::with(&[&listener]);
        server.client(0).ask(b"again\n", b"again\n");
    }
}
