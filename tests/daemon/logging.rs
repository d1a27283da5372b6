//! The log: for people, for programs, for the journal, and how much of addresses it shows.

use std::io::{BufRead, BufReader, PipeWriter};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Start, proc, until};

#[test]
fn programs_get_pairs() {
    let server = Start::serve(&["--log-format", "logfmt"]);
    let finished = server.flags(&["--listen", "echo=127.0.0.1:0", "--listen", "echo=192.0.2.1:0"]).run();
    assert_eq!(finished.code(), 1);
    let server = Start::serve(&["--log-format", "logfmt", "--listen", "echo=127.0.0.1:0"]).go();
    let line = server.log.wait("readiness", |line| line.contains("listening echo 127.0.0.1:"));
    let (time, rest) = line.split_once(' ').unwrap();
    assert_eq!((time.len(), &time[..5]), ("time=2026-11-20T18:46:03.120Z".len(), "time="));
    assert!(rest.starts_with("level=info msg=\"listening echo 127.0.0.1:") && rest.ends_with('"'), "{rest}");
}

/// Standard error is what the service manager says that it is.
#[test]
fn the_journal_gets_priorities_and_no_time_stamps() {
    let named = "export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)";
    for (flags, wanted) in
        [(&[][..], "<6>listening echo 127.0.0.1:"), (&["--log-format", "logfmt"], "<6>level=info msg=\"")]
    {
        let server = Start::serve(flags).flags(&["--listen", "echo=127.0.0.1:0"]).after(named).go();
        let line = server.log.wait("readiness", |line| line.contains("listening echo "));
        assert!(line.starts_with(wanted), "{line}");
    }
    // Somebody else's stream, left over in the environment.
    let server = Start::serve(&[]).env("JOURNAL_STREAM", "1:1").listen("echo=127.0.0.1:0").go();
    let line = server.log.wait("readiness", |line| line.contains("listening echo "));
    assert!(line.contains("Z INFO  listening"), "{line}");
}

#[test]
fn as_much_of_an_address_is_logged_as_was_chosen() {
    for (detail, wanted) in [("full", "127.0.0.1:"), ("net", "127.0.0.0/24"), ("none", "somewhere")] {
        let flags = ["--log", "debug", "--log-addresses", detail];
        let server = Start::serve(&flags).listen("echo=127.0.0.1:0").go();
        let mut client = server.client(0);
        client.ask(b"a\n", b"a\n");
        let line = server.log.wait("who came", |line| line.contains(": opened, from "));
        let (_, from) = line.split_once(", from ").unwrap();
        assert!(from.starts_with(wanted), "{line}");
        let port = client.address().port().to_string();
        let lines = server.log.lines();
        assert_eq!(lines.iter().any(|line| line.contains(&port)), detail == "full", "{lines:#?}");
    }
}

#[test]
fn what_is_said_is_logged_at_no_level() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--log", "trace", "--data", folder.path().to_str().unwrap()];
    let server = Start::serve(&flags).listen("chat=127.0.0.1:0").listen("echo=127.0.0.1:0").go();
    let mut client = server.client(0);
    assert!(client.line().starts_with("- parlor chat"));
    client.send(
        b"xyzzy to all\n/msg guest1 xyzzy to me\n/topic xyzzy\n/nick xyzzy\n/login xyzzy xyzzy\n/xyzzy\nPING xyzzy\n",
    );
    while client.line() != "PONG xyzzy" {}
    client.send(b"/quit xyzzy\n");
    client.rest();
    server.client(1).ask(b"xyzzy\n", b"xyzzy\n");
    let finished = server.stop();
    assert_eq!(finished.code(), 0);
    assert!(!finished.stderr.iter().any(|line| line.contains("xyzzy")), "{:#?}", finished.stderr);
}

#[test]
fn whoever_starts_it_is_told_of_what_will_not_be_as_they_think() {
    let start = Start::serve(&["--max-connections", "100"]).env("PARLOR_MAX_CONNECTION", "5");
    let server = start.env("PARLOR_BACKLOG", "7").under(&["prlimit", "--nofile=80:80"]).listen("echo=127.0.0.1:0").go();
    let warnings: Vec<String> = server.log.lines().into_iter().filter(|line| line.contains(" WARN ")).collect();
    let texts: Vec<&str> = warnings.iter().map(|line| line.split_once(" WARN  ").unwrap().1).collect();
    let room = "max-connections = 100, but the limit of descriptors leaves room for 64; more will have to wait (ulimit -n, \
                LimitNOFILE=)";
    assert_eq!(texts, ["PARLOR_MAX_CONNECTION is no setting; parlor serve --help names those that are", room]);
}

/// A server whose log does not block and has no room left, and whoever came to fill it.
fn with_a_full_log(log: PipeWriter) -> (Child, Vec<UnixStream>) {
    ioctl_fionbio(&log, true).unwrap();
    let kept = log.try_clone().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("echo");
    let listener = format!("echo=unix:{}", path.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    let server = command.args(["serve", "--log", "debug", "--listen", &listener]).stderr(log).spawn().unwrap();
    until("a server that listens", || path.exists());
    let mut callers = Vec::new();
    until("a log that is full", || {
        callers.extend((0..5).filter_map(|_| UnixStream::connect(&path).ok()));
        let mut full = [PollFd::new(&kept, PollFlags::OUT)];
        poll(&mut full, Some(&Timespec::default())).unwrap() == 0
    });
    (server, callers)
}

/// Whoever started it may have set the pipe so for themselves: it is one and the same.
#[test]
fn a_log_that_does_not_block_gets_whole_lines_all_the_same() {
    let (ours, theirs) = std::io::pipe().unwrap();
    let (mut server, callers) = with_a_full_log(theirs);
    let came = callers.len();
    drop(callers);
    // It has said what it could, and waits: for us, or, if it had lost the rest, for nobody.
    let mut asleep = 0;
    until("a server at rest", || {
        asleep = if proc::state(Pid::from_child(&server)) == 'S' { asleep + 1 } else { 0 };
        asleep == 20
    });
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    let lines: Vec<String> = BufReader::new(ours).lines().map(Result::unwrap).collect();
    assert!(server.wait().unwrap().success());
    let count = |what: &str| lines.iter().filter(|line| line.starts_with("20") && line.contains(what)).count();
    assert_eq!([count(": opened, from "), count(": closed, "), count("stopping")], [came, came, 1]);
}

#[test]
fn a_reader_of_the_log_who_is_stuck_keeps_no_server_whose_log_does_not_block() {
    let (stuck, theirs) = std::io::pipe().unwrap();
    let (mut server, callers) = with_a_full_log(theirs);
    drop(callers);
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    until("the end of the server", || server.try_wait().unwrap().is_some());
    drop(stuck);
}
