//! A system that lacks something when the server starts.

use rustix::process::Signal;

use crate::support::Start;
use crate::support::tools::needs;

#[test]
fn a_socket_option_that_the_system_does_not_take_is_one_line_and_no_failure() {
    if !needs("strace") {
        return;
    }
    // SO_REUSEADDR comes first, then the buffers; the rest of the options is well.
    let start = Start::serve(&[]).listen("echo=127.0.0.1:0");
    let server = start.strace(&["trace=setsockopt", "inject=setsockopt:error=ENOPROTOOPT:when=2"]).go();
    let trace = server.traced();
    let refused = trace.iter().filter(|line| line.contains("(INJECTED)")).count();
    assert_eq!(refused, 1, "{trace:#?}");
    let lines = server.log.lines();
    assert_eq!(lines.len(), 2, "one warning and one listener: {lines:#?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("receive-buffer"), "{lines:#?}");
    server.client(0).ask(b"1\n", b"1\n");
}

#[test]
fn an_option_that_the_system_does_not_tell_of_is_said_to_be_unknown() {
    if !needs("strace") {
        return;
    }
    let start = Start::serve(&["--log", "debug"]).listen("echo=127.0.0.1:0");
    let server = start.strace(&["trace=getsockopt", "inject=getsockopt:error=ENOPROTOOPT"]).go();
    let lines = server.log.lines();
    let buffer = lines.iter().find(|line| line.contains("receive-buffer: asked 65536, granted not known ("));
    assert!(buffer.is_some(), "{lines:#?}");
    server.client(0).ask(b"1\n", b"1\n");
}

#[test]
fn helpers_that_cannot_be_started_are_tried_again_with_the_next_job() {
    if !needs("strace") {
        return;
    }
    let start = Start::serve(&[]).listen("echo=127.0.0.1:0");
    let server = start.strace(&["trace=clone,clone3", "inject=clone,clone3:error=EAGAIN:when=1..2"]).go();
    for wanted in ["the helper that read the settings died", "reloaded: nothing has changed"] {
        let seen = server.log.len();
        server.signal(Signal::HUP);
        let line = server.log.wait_from(seen, "a reload", |line| line.contains("reloaded"));
        assert!(line.contains(wanted), "{line}");
    }
    server.client(0).ask(b"1\n", b"1\n");
}

#[test]
fn a_system_without_room_for_another_epoll_is_told_in_one_line() {
    if !needs("strace") {
        return;
    }
    let folder = tempfile::tempdir().expect("ours");
    let path = folder.path().join("u.sock");
    let start = Start::serve(&[]).listen(&format!("echo=unix:{}", path.display()));
    let finished = start.strace(&["trace=epoll_create1", "inject=epoll_create1:error=EMFILE"]).run();
    assert_eq!((finished.code(), finished.stderr.len()), (1, 1), "{finished:#?}");
    assert!(!path.exists(), "its file was left behind");
}
