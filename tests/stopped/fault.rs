//! A sync fails, a write fails, the disk is full.

use std::path::Path;
use std::process::Command;

use tempfile::{NamedTempFile, TempDir};

use crate::support::tools::needs;
use crate::support::{Client, Server, Start, until};

/// One who speaks in objects, and one who listens to plain lines.
struct Pair {
    speaker: Client,
    listener: Client,
    token: String,
}

impl Pair {
    fn come(server: &Server) -> Self {
        let (mut speaker, mut listener) = (server.client(0), server.client(0));
        // A guest: their session is written down together with the first thing that they say.
        speaker.send(b"/format json\n");
        let welcome = line_with(&mut speaker, "\"welcome\"");
        let (_, token) = welcome.split_once("\"session\":\"").unwrap();
        let token = token.split('"').next().unwrap().to_owned();
        listener.send(b"/format json\n");
        line_with(&mut listener, "\"welcome\"");
        Self { speaker, listener, token }
    }

    /// Says something with an id; answers the receipt or the error.
    fn say(&mut self, id: &str, text: &str) -> String {
        self.speaker.send(format!("{{\"say\":\"{text}\",\"id\":\"{id}\"}}\n").as_bytes());
        loop {
            let line = self.speaker.line();
            if line.contains("\"receipt\"") || line.contains("\"error\"") {
                return line;
            }
        }
    }

    /// What the listener hears of something said without an id.
    fn hear(&mut self, text: &str) -> String {
        self.speaker.send(format!("{text}\n").as_bytes());
        line_with(&mut self.listener, &format!("\"{text}\""))
    }
}

fn line_with(client: &mut Client, what: &str) -> String {
    loop {
        let line = client.line();
        if line.contains(what) {
            return line;
        }
    }
}

/// The texts of the history, in order; that they are numbered in a row is looked at.
fn history(data: &Path) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    let out = command.args(["history", "lobby", "--format", "json", "--data"]).arg(data).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let field = |line: &str, name: &str| line.split_once(name).unwrap().1.to_owned();
    let lines: Vec<_> = String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect();
    for (at, line) in lines.iter().enumerate() {
        assert!(field(line, "\"seq\":").starts_with(&format!("{},", at + 1)), "number {} is {line}", at + 1);
    }
    lines.iter().map(|line| field(line, "\"text\":\"").split('"').next().unwrap().to_owned()).collect()
}

fn serve(data: &Path, sync: &str) -> Start {
    Start::serve(&["--sync", sync, "--data", data.to_str().unwrap()]).listen("chat=127.0.0.1:0")
}

/// Under strace, helpers too, with these calls failing.
fn failing(data: &Path, sync: &str, inject: &str, trace: &NamedTempFile) -> Server {
    let path = trace.path().to_str().unwrap();
    let calls = "trace=fdatasync,pwrite64,ftruncate";
    serve(data, sync).under(&["strace", "-f", "-D", "-q", "-o", path, "-e", calls, "-e", inject]).go()
}

/// Calls are counted for each thread: on the loop's the first two are for the new segment and its folder, on the
/// helper's all are for what was said.
const THIRD_SYNC: &str = "inject=fdatasync:error=EIO:when=3";

/// After the fault: what has an id is refused, everything else is heard without a number, and the log says so, once.
fn expect_stopped(server: &Server, pair: &mut Pair) {
    let refused = pair.say("late", "late");
    assert!(refused.contains("\"code\":\"history\""), "{refused}");
    let heard = pair.hear("all the same");
    assert!(heard.contains("\"message\"") && !heard.contains("\"seq\""), "{heard}");
    let history = pair.hear_answer("/history\n");
    assert!(history.contains("\"code\":\"no-history\""), "{history}");
    let mut newcomer = server.client(0);
    assert!(newcomer.line().contains("not recorded for now"));
    let errors = server.log.lines().iter().filter(|line| line.contains(" ERROR ")).count();
    assert_eq!(errors, 1, "{:#?}", server.log.lines());
}

impl Pair {
    fn hear_answer(&mut self, question: &str) -> String {
        self.listener.send(question.as_bytes());
        line_with(&mut self.listener, "\"error\"")
    }
}

/// What was called after the call that failed.
fn after_fault(trace: &NamedTempFile) -> Vec<String> {
    let text = std::fs::read_to_string(trace.path()).unwrap();
    text.lines().skip_while(|line| !line.contains("INJECTED")).skip(1).map(str::to_owned).collect()
}

#[test]
fn a_sync_that_fails_is_never_tried_again() {
    if !needs("strace") {
        return;
    }
    let (data, trace) = (TempDir::new().unwrap(), NamedTempFile::new().unwrap());
    let server = failing(data.path(), "second", THIRD_SYNC, &trace);
    let mut pair = Pair::come(&server);
    let syncs = || std::fs::read_to_string(trace.path()).unwrap().matches("fdatasync(").count();
    for (number, (id, text)) in [("a", "one"), ("b", "two"), ("c", "three")].into_iter().enumerate() {
        let before = syncs();
        let receipt = pair.say(id, text);
        assert!(receipt.contains(&format!("\"seq\":{}", number + 1)), "{receipt}");
        until("a sync of what was said", || syncs() > before);
    }
    server.log.wait("the fault", |line| line.contains("syncing the history failed"));
    expect_stopped(&server, &mut pair);
    // What was receipted before is receipted again: it was written.
    assert!(pair.say("a", "one").contains("\"seq\":1"));
    assert_eq!(server.stop().code(), 0);
    let calls = after_fault(&trace);
    assert!(!calls.iter().any(|call| call.contains("fdatasync(") || call.contains("pwrite64(")), "{calls:#?}");
    expect_recovery(data.path(), &pair.token, &["one", "two", "three"]);
}

#[test]
fn what_waits_for_a_sync_that_fails_is_refused_and_the_rest_heard_without_a_number() {
    if !needs("strace") {
        return;
    }
    let (data, trace) = (TempDir::new().unwrap(), NamedTempFile::new().unwrap());
    let server = failing(data.path(), "always", THIRD_SYNC, &trace);
    let mut pair = Pair::come(&server);
    assert!(pair.say("a", "one").contains("\"seq\":1"));
    assert!(pair.say("b", "two").contains("\"seq\":2"));
    let refused = pair.say("c", "three");
    assert!(refused.contains("\"code\":\"history\""), "{refused}");
    expect_stopped(&server, &mut pair);
    assert_eq!(server.stop().code(), 0);
    // It was written, and nobody knows whether it is on the disk: the next start may find it. Never twice.
    let server = serve(data.path(), "second").go();
    let mut again = come_back(&server, &pair.token);
    again.send(b"{\"say\":\"three\",\"id\":\"c\"}\n");
    assert!(line_with(&mut again, "\"receipt\"").contains("\"seq\":3"));
    assert_eq!(history(data.path()), ["one", "two", "three"]);
}

#[test]
fn a_write_that_fails_in_the_middle_leaves_what_was_before_and_nothing_of_itself() {
    if !needs("strace") {
        return;
    }
    for error in ["EIO", "ENOSPC"] {
        let (data, trace) = (TempDir::new().unwrap(), NamedTempFile::new().unwrap());
        // The head, then one write for each of what is said.
        let server = failing(data.path(), "never", &format!("inject=pwrite64:error={error}:when=4"), &trace);
        let mut pair = Pair::come(&server);
        assert!(pair.say("a", "one").contains("\"seq\":1"));
        assert!(pair.say("b", "two").contains("\"seq\":2"));
        let refused = pair.say("c", "three");
        assert!(refused.contains("\"code\":\"history\""), "{refused}");
        expect_stopped(&server, &mut pair);
        assert_eq!(server.stop().code(), 0);
        let calls = after_fault(&trace);
        assert!(!calls.iter().any(|call| call.contains("pwrite64(") || call.contains("fdatasync(")), "{calls:#?}");
        expect_recovery(data.path(), &pair.token, &["one", "two"]);
    }
}

#[test]
fn what_was_kept_before_the_fault_is_receipted_again_also_in_the_turn_of_the_fault() {
    if !needs("strace") {
        return;
    }
    let (data, trace) = (TempDir::new().unwrap(), NamedTempFile::new().unwrap());
    let server = failing(data.path(), "never", "inject=pwrite64:error=EIO:when=3", &trace);
    let mut pair = Pair::come(&server);
    assert!(pair.say("a", "one").contains("\"seq\":1"));
    // In one turn: something new, which can't be written, and what was said before.
    pair.speaker.send(b"{\"say\":\"two\",\"id\":\"b\"}\n{\"say\":\"one\",\"id\":\"a\"}\n");
    let (first, second) = (pair.speaker.line(), pair.speaker.line());
    assert!(first.contains("\"code\":\"history\""), "{first}");
    assert!(second.contains("\"receipt\"") && second.contains("\"seq\":1"), "{second}");
}

#[test]
fn a_full_disk_stops_the_history_and_not_the_chat() {
    if !needs("prlimit") {
        return;
    }
    let data = TempDir::new().unwrap();
    // A file may have 64 KiB. Who passes that is sent a signal, too.
    let server = serve(data.path(), "second").under(&["prlimit", "--fsize=65536:65536"]).go();
    let mut pair = Pair::come(&server);
    let text = ".".repeat(1000);
    let mut kept = Vec::new();
    let refused = loop {
        let text = format!("{} {text}", kept.len());
        let answer = pair.say(&kept.len().to_string(), &text);
        if !answer.contains("\"receipt\"") {
            break answer;
        }
        kept.push(text);
    };
    assert!(refused.contains("\"code\":\"history\""), "{refused}");
    assert!(kept.len() > 40, "{} fitted", kept.len());
    expect_stopped(&server, &mut pair);
    assert_eq!(server.stop().code(), 0);
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    expect_recovery(data.path(), &pair.token, &kept);
}

/// Somebody comes back under an earlier session, with objects.
fn come_back(server: &Server, token: &str) -> Client {
    let mut client = server.client(0);
    client.send(format!("/format json\n/session {token} lobby 0\n").as_bytes());
    line_with(&mut client, &format!("\"{token}\""));
    client
}

/// The next start has what was receipted, knows its ids, and goes on with the next number.
fn expect_recovery(data: &Path, token: &str, kept: &[&str]) {
    assert_eq!(history(data), kept);
    let server = serve(data, "second").go();
    let mut client = come_back(&server, token);
    client.send(b"{\"say\":\"after\",\"id\":\"after\"}\n");
    let seq = format!("\"seq\":{}", kept.len() + 1);
    let receipt = line_with(&mut client, "\"receipt\"");
    assert!(receipt.contains(&seq), "{receipt} instead of {seq}");
    assert_eq!(server.stop().code(), 0);
    assert_eq!(history(data), [kept, &["after"]].concat());
}
