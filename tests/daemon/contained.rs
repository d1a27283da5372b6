//! As the first process of a PID namespace, as containers have one.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::tools::{CONTAINED, may_be_contained};
use crate::support::{Server, Start, until};

/// The server itself, which the command that has made its container waits for.
fn first(server: &Server) -> Pid {
    let path = format!("/proc/{0}/task/{0}/children", server.pid().as_raw_nonzero());
    let children = fs::read_to_string(path).unwrap();
    Pid::from_raw(children.trim().parse().unwrap()).unwrap()
}

#[test]
fn the_first_process_of_a_container_reloads_and_stops_when_it_is_told_to() {
    if !may_be_contained() {
        return;
    }
    let server = Start::serve(&[]).listen("echo=127.0.0.1:0").under(&CONTAINED).go();
    server.client(0).ask(b"1\n", b"1\n");
    kill_process(first(&server), Signal::HUP).unwrap();
    server.log.wait("a reload", |line| line.contains("reloaded: nothing has changed"));
    kill_process(first(&server), Signal::TERM).unwrap();
    assert_eq!(server.wait().code(), 0);
}

#[test]
fn the_first_process_of_a_container_can_be_stopped_before_it_serves() {
    if !may_be_contained() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let accounts = folder.path().join("accounts");
    mkfifoat(CWD, &accounts, Mode::from_raw_mode(0o600)).unwrap();
    let start = Start::serve(&["--no-history", "--listen", "chat=127.0.0.1:0"]).under(&CONTAINED);
    let server = start.flags(&["--accounts", accounts.to_str().unwrap()]).begun();
    // It waits for its accounts, which we could write, and don't.
    let mut ours = None;
    until("somebody who reads", || {
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        ours = OpenOptions::new().write(true).custom_flags(flags).open(&accounts).ok();
        ours.is_some()
    });
    kill_process(first(&server), Signal::TERM).unwrap();
    assert_eq!(server.wait().code(), 143);
}

/// The first processes of two containers have one number.
#[test]
fn a_history_of_another_container_is_said_to_be_so() {
    if !may_be_contained() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let start = || Start::serve(&["--data", folder.path().to_str().unwrap()]).listen("chat=127.0.0.1:0");
    let _first = start().under(&CONTAINED).go();
    let finished = start().under(&CONTAINED).run();
    assert_eq!(finished.code(), 1);
    let wanted = "process 1 of another container keeps its history there";
    assert!(finished.stderr.iter().any(|line| line.ends_with(wanted)), "{finished:#?}");
}

#[test]
fn where_no_history_can_be_kept_it_is_said_what_can_be_done() {
    // Nobody makes a folder there, whoever they are.
    let finished = Start::serve(&["--data", "/proc/parlor", "--listen", "chat=127.0.0.1:0"]).run();
    assert_eq!(finished.code(), 1);
    let line = finished.stderr.last().unwrap();
    assert!(line.starts_with("parlor: cannot keep the history in /proc/parlor: making the folder failed: "), "{line}");
    assert!(line.ends_with("; --data names another folder, --no-history keeps none"), "{line}");
}
