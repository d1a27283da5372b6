//! An accept that fails: none of its errors is the end of the listener.

use crate::support::tools::needs;
use crate::support::{Server, Start};

/// All that `accept` can fail with though the listener is well.
const ERRORS: [&str; 8] = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED", "EPROTO", "EINTR", "ENETDOWN"];

fn failing(error: &str, when: &str) -> Server {
    let inject = format!("inject=accept4:error={error}:when={when}");
    Start::serve(&[]).listen("echo=127.0.0.1:0").strace(&["trace=accept4", &inject]).go()
}

fn injected(server: &Server) -> usize {
    server.traced().iter().filter(|line| line.contains("(INJECTED)")).count()
}

#[test]
fn whoever_waits_while_accept_fails_is_let_in_after_all() {
    if !needs("strace") {
        return;
    }
    for error in ERRORS {
        let server = failing(error, "1..3");
        // Nobody comes after these: no new edge will help.
        let mut clients = [server.client(0), server.client(0), server.client(0)];
        for client in &mut clients {
            client.ask(b"1\n", b"1\n");
        }
        assert_eq!(injected(&server), 3, "{error}");
        server.client(0).ask(b"2\n", b"2\n");
    }
}

#[test]
fn after_an_accept_that_failed_with_nobody_waiting_the_loop_sleeps() {
    if !needs("strace") {
        return;
    }
    std::thread::scope(|scope| {
        for error in ERRORS {
            scope.spawn(move || {
                // The second call is the one that finds out that nobody else waits.
                let server = failing(error, "2");
                let mut client = server.client(0);
                client.ask(b"1\n", b"1\n");
                server.settled();
                assert_eq!(injected(&server), 1, "{error}");
                server.expect_sleep();
                client.ask(b"2\n", b"2\n");
                server.client(0).ask(b"3\n", b"3\n");
            });
        }
    });
}

#[test]
fn a_hiccup_with_nobody_inside_turns_nobody_away() {
    if !needs("strace") {
        return;
    }
    for error in ["ENOBUFS", "ENOMEM", "ECONNABORTED", "EPROTO", "EINTR", "ENETDOWN"] {
        let server = failing(error, "1");
        server.client(0).ask(b"1\n", b"1\n");
        assert_eq!(injected(&server), 1, "{error}");
    }
}

#[test]
fn every_other_accept_failing_loses_nobody() {
    if !needs("strace") {
        return;
    }
    for error in ["ECONNABORTED", "EINTR", "EMFILE"] {
        let server = failing(error, "2+2");
        let mut first = server.client(0);
        first.ask(b"1\n", b"1\n");
        server.freeze();
        let mut clients: Vec<_> = (0..20).map(|_| server.client(0)).collect();
        server.thaw();
        // Short of descriptors, each that leaves is a reason to try at once again.
        for client in &mut clients {
            client.ask(b"2\n", b"2\n");
        }
        drop((first, clients));
        server.figures_when("nobody inside", |figures| figures.connections == 0);
        assert_eq!(server.figures().accepted, 21, "{error}");
    }
}

#[test]
fn a_loop_that_stops_while_it_is_short_of_descriptors_does_not_spin() {
    if !needs("strace") {
        return;
    }
    let polls = "?epoll_wait,?epoll_pwait,?epoll_pwait2";
    let start = Start::serve(&[]).listen("echo=127.0.0.1:0");
    let server = start.strace(&[&format!("trace=accept4,{polls}"), "inject=accept4:error=EMFILE:when=2+"]).go();
    let mut client = server.client(0);
    client.ask(b"1\n", b"1\n");
    assert!(injected(&server) > 0);
    server.signal(rustix::process::Signal::TERM);
    // Our side stays open, so the server lingers, for longer than it would have waited before it tried again.
    client.expect_end();
    let finished = server.wait_traced();
    assert_eq!(finished.0.code(), 0);
    let stopped = finished.1.iter().position(|line| line.contains("SIGTERM")).expect("it was asked to");
    let polls = finished.1[stopped..].len();
    assert!(polls < 40, "{polls} polls with nothing to do");
}
