//! The poll: interrupted, stormed by signals, and asleep.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::tools::needs;
use crate::support::{Server, Start, until};

/// The call that mio polls with, whatever it is called on this processor.
const POLLS: &str = "?epoll_wait,?epoll_pwait,?epoll_pwait2";

fn traced(faults: &[&str]) -> Start {
    let expressions: Vec<String> = [format!("trace={POLLS}")]
        .into_iter()
        .chain(faults.iter().map(|fault| format!("inject={POLLS}:{fault}")))
        .collect();
    let expressions: Vec<&str> = expressions.iter().map(String::as_str).collect();
    Start::serve(&[]).listen("echo=127.0.0.1:0").strace(&expressions)
}

#[test]
fn an_interrupted_poll_is_taken_up_again() {
    if !needs("strace") {
        return;
    }
    for when in ["1..50", "1+2", "2+3"] {
        let server = traced(&[&format!("error=EINTR:when={when}")]).go();
        let mut client = server.client(0);
        for round in 0..100 {
            let line = format!("{round}\n");
            client.ask(line.as_bytes(), line.as_bytes());
        }
        client.finish();
        client.expect_end();
        let injected = server.traced().iter().filter(|line| line.contains("(INJECTED)")).count();
        assert!(injected >= 33, "only {injected} were interrupted");
        assert_eq!(server.stop().code(), 0);
    }
}

#[test]
fn a_poll_that_fails_for_good_ends_the_server_with_a_line_and_not_with_a_spin() {
    if !needs("strace") {
        return;
    }
    let finished = traced(&["error=EBADF:when=1"]).run();
    assert_eq!(finished.code(), 1, "{finished:#?}");
    assert!(finished.stderr.last().is_some_and(|line| line.starts_with("parlor: ")), "{finished:#?}");
}

/// Signals without end, as long as `meanwhile` lasts and until there were many.
fn storm(server: &Server, meanwhile: impl FnOnce()) {
    let (over, count, pid) = (AtomicBool::new(false), AtomicU32::new(0), server.pid());
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                for signal in [Signal::HUP, Signal::USR1, Signal::HUP] {
                    rustix::process::kill_process(pid, signal).expect("it runs");
                    count.fetch_add(1, Relaxed);
                }
                thread::sleep(Duration::from_micros(50));
            }
        });
        // Whatever goes wrong in there must not leave the storm, and so this scope, without an end.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            meanwhile();
            until("a storm", || count.load(Relaxed) > 2000);
        }));
        over.store(true, Relaxed);
        outcome.unwrap_or_else(|panic| resume_unwind(panic));
    });
}

#[test]
fn a_storm_of_signals_loses_no_byte_and_no_connection() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    storm(&server, || {
        let mut clients = [server.client(0), server.client(0)];
        for round in 0..500 {
            let lines: Vec<u8> = (0..50).flat_map(|line| format!("{round} {line}\n").into_bytes()).collect();
            for client in &mut clients {
                client.send(&lines);
            }
            for client in &mut clients {
                client.expect(&lines);
            }
        }
        server.client(0).ask(b"and a newcomer\n", b"and a newcomer\n");
    });
    assert_eq!(server.stop().code(), 0);
}

#[test]
fn urgent_bytes_in_a_storm_of_signals_stall_nothing() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    storm(&server, || {
        let mut client = server.client(0);
        for _ in 0..500 {
            client.send(b"before\n");
            assert_eq!(client.socket.send_out_of_band(b"!").expect("TCP"), 1);
            client.ask(b"after\n", b"before\nafter\n");
        }
    });
    assert_eq!(server.stop().code(), 0);
}

#[test]
fn an_idle_server_returns_from_no_poll() {
    if !needs("strace") {
        return;
    }
    let server = traced(&[]).go();
    let mut client = server.client(0);
    client.ask(b"1\n", b"1\n");
    server.settled();
    let returned = |server: &Server| server.traced().iter().filter(|line| line.contains(" = ")).count();
    // The last one has begun, and says nothing of its end.
    until("a poll under way", || server.traced().last().is_some_and(|line| !line.contains(" = ")));
    let before = returned(&server);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(returned(&server), before, "{:#?}", server.traced());
    client.ask(b"2\n", b"2\n");
    assert!(returned(&server) > before, "the trace tells nothing");
}
