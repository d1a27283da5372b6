//! Listeners that can't be had: one line that names the listener and the cause, and the exit code.

use std::fs;
use std::path::Path;

use crate::support::tools::needs;
use crate::support::{Finished, Server, Start};

/// One line, exit 1, and the words in it.
fn expect_refusal(finished: &Finished, words: &[&str]) {
    assert_eq!(finished.code(), 1, "{finished:#?}");
    assert_eq!(finished.stdout, "");
    assert_eq!(finished.stderr.len(), 1, "one line: {finished:#?}");
    for word in words {
        assert!(finished.stderr[0].contains(word), "no {word:?} in {finished:#?}");
    }
}

fn unix(path: &Path) -> String {
    format!("echo=unix:{}", path.display())
}

#[test]
fn an_address_in_use_is_named_with_its_listener() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    let taken = format!("upper+length={}", server.place(0));
    expect_refusal(&Start::serve(&[]).listen(&taken).run(), &[&taken, "address in use"]);
    server.client(0).ask(b"still here\n", b"still here\n");
}

#[test]
fn a_port_without_permission_is_named_with_its_listener() {
    if !needs("strace") {
        return;
    }
    let start = Start::serve(&[]).listen("echo=127.0.0.1:0").listen("upper=127.0.0.1:0");
    let finished = start.strace(&["trace=bind", "inject=bind:error=EACCES:when=2"]).run();
    expect_refusal(&finished, &["upper=127.0.0.1:0", "permission denied"]);
}

#[test]
fn an_address_that_is_not_ours_is_named_with_its_listener() {
    // TEST-NET-1: an address of documents, which no machine has.
    let finished = Start::serve(&["--open"]).listen("echo=192.0.2.1:0").run();
    expect_refusal(&finished, &["echo=192.0.2.1:0"]);
}

#[test]
fn a_path_that_cannot_be_is_named_with_its_listener() {
    let folder = tempfile::tempdir().expect("ours");
    let nowhere = unix(&folder.path().join("no/such/folder/u.sock"));
    expect_refusal(&Start::serve(&[]).listen(&nowhere).run(), &[&nowhere, "No such file"]);
    let long = unix(&folder.path().join("x".repeat(108)));
    expect_refusal(&Start::serve(&[]).listen(&long).run(), &[&long]);
}

#[test]
fn what_is_no_socket_is_never_removed() {
    let folder = tempfile::tempdir().expect("ours");
    let (file, link) = (folder.path().join("letter"), folder.path().join("link"));
    fs::write(&file, "precious").expect("ours");
    std::os::unix::fs::symlink(&file, &link).expect("ours");
    for path in [file.as_path(), folder.path(), &link] {
        let listener = unix(path);
        expect_refusal(&Start::serve(&[]).listen(&listener).run(), &[&listener, "no socket"]);
    }
    assert_eq!(fs::read_to_string(&link).expect("both are still there"), "precious");
}

#[test]
fn a_path_on_which_somebody_listens_is_refused_and_left_to_them() {
    let folder = tempfile::tempdir().expect("ours");
    let listener = unix(&folder.path().join("u.sock"));
    let server = Server::with(&[&listener]);
    expect_refusal(&Start::serve(&[]).listen(&listener).run(), &[&listener, "address in use"]);
    server.client(0).ask(b"still here\n", b"still here\n");
}

#[test]
fn one_listener_that_fails_leaves_no_file_of_the_others_behind() {
    let folder = tempfile::tempdir().expect("ours");
    let path = folder.path().join("u.sock");
    let twice = unix(&path);
    expect_refusal(&Start::serve(&[]).listen(&twice).listen(&twice).run(), &[&twice, "address in use"]);
    assert!(!path.exists(), "the first of the two was bound, and its file was left");
}

#[test]
fn a_listener_that_nobody_can_understand_is_wrong_usage() {
    for (listener, cause) in [
        ("nope=127.0.0.1:0", "unknown service"),
        ("=127.0.0.1:0", "unknown service"),
        ("echo", "expected SERVICE"),
        ("echo+loud=127.0.0.1:0", "unknown option"),
        ("upper+stamp=127.0.0.1:0", "unknown option"),
        ("echo+length+fixed=127.0.0.1:0", "more than one framing"),
        ("echo=unix:", "needs a path"),
        ("echo=127.0.0.1", "is no HOST:PORT"),
        ("echo=127.0.0.1:65536", "is no HOST:PORT"),
    ] {
        let finished = Start::serve(&[]).listen(listener).run();
        assert_eq!((finished.code(), finished.stdout.as_str()), (2, ""), "{finished:#?}");
        let first = &finished.stderr[0];
        assert!(first.contains(listener) && first.contains(cause), "{listener}: {finished:#?}");
        // The environment is judged like the flags.
        let finished = Start::serve(&[]).env("PARLOR_LISTEN", &format!("echo=127.0.0.1:0 {listener}")).run();
        assert_eq!((finished.code(), finished.stdout.as_str()), (2, ""), "{finished:#?}");
        let first = &finished.stderr[0];
        assert!(first.contains(listener) && first.contains(cause), "{listener}: {finished:#?}");
    }
}

#[test]
fn whoever_listens_at_a_path_with_blanks_is_found_too() {
    let folder = tempfile::tempdir().expect("a folder of ours");
    let path = folder.path().join("a socket of ours");
    let _listener = std::os::unix::net::UnixListener::bind(&path).expect("nobody has this path");
    let who = format!("process {} (", std::process::id());
    expect_refusal(&Start::serve(&[]).listen(&unix(&path)).run(), &["address in use", &who, "listens there already"]);
}
