//! `--sync always`: nothing is heard, and no receipt given, before the disk has it.

use tempfile::NamedTempFile;

use crate::people::Chat;
use crate::support::tools::needs;

const SYNCED: [&str; 4] = ["--flood", "off", "--sync", "always"];

/// Under strace, with each sync made to take its time; and the file that strace writes.
fn traced(inject: &str) -> (Chat, NamedTempFile) {
    let trace = NamedTempFile::new().unwrap();
    let path = trace.path().to_str().unwrap().to_owned();
    let calls = "trace=fdatasync,fsync,write,writev,sendto,pwrite64,pwritev,pwritev2";
    let words = ["strace", "-D", "-f", "-q", "-s", "512", "-o", &path, "-e", calls, "-e", inject];
    (Chat::started(&SYNCED, |start| start.under(&words)), trace)
}

#[test]
fn with_sync_always_everything_works_as_without() {
    let chat = Chat::with(&SYNCED);
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    for number in 1..=20 {
        alice.says(&format!(r#"{{"say":"line {number}","id":"a-{number}"}}"#));
    }
    for number in 1..=20 {
        alice.hear(&format!(r#"{{"type":"receipt","room":"lobby","seq":{number},"id":"a-{number}"}}"#));
        let line = bob.hears();
        assert!(line.contains(&format!(r#""seq":{number},"#)), "{line}");
    }
    let chat = chat.killed_and_started_again();
    let [mut carol] = chat.people(["carol"]);
    carol.says("/history 1");
    carol.hear("- #lobby 20 TIME <alice> line 20");
}

#[test]
fn what_is_said_is_heard_and_receipted_after_the_sync_and_never_before() {
    if !needs("strace") {
        return;
    }
    let (chat, trace) = traced("inject=fdatasync:delay_enter=50000");
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    for number in 1..=5 {
        alice.says(&format!(r#"{{"say":"durable {number}","id":"a-{number}"}}"#));
        alice.hear(&format!(r#"{{"type":"receipt","room":"lobby","seq":{number},"id":"a-{number}"}}"#));
        bob.hears();
    }
    let lines: Vec<String> = std::fs::read_to_string(trace.path()).unwrap().lines().map(str::to_owned).collect();
    for number in 1..=5 {
        let said = format!("durable {number}");
        let at: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].contains(&said)).collect();
        let [kept, heard] = at[..] else { panic!("{said} was written {} times", at.len()) };
        let receipt = lines.iter().position(|line| line.contains("receipt") && line.contains(&format!("a-{number}")));
        let is_synced = |line: &String| line.contains("fdatasync") && line.contains("= 0");
        for told in [heard, receipt.unwrap()] {
            assert!(lines[kept..told].iter().any(is_synced), "{said}: {:#?}", &lines[kept..=told]);
        }
    }
}

/// The place of somebody who went while their batch was on its way is taken by a newcomer, who gets nothing of it.
#[test]
fn a_newcomer_gets_nothing_that_was_meant_for_somebody_who_went() {
    if !needs("strace") {
        return;
    }
    let (chat, _trace) = traced("inject=fdatasync:delay_enter=300000");
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    chat.server.settled();
    chat.server.freeze();
    alice.says("not for strangers");
    bob.says_all(&[r#"{"say":"last words","id":"b-1"}"#, "/leave", "/quit"]);
    chat.server.thaw();
    bob.hears();
    let mut stranger = chat.guest();
    let heard = stranger.fence();
    assert!(heard.is_empty(), "{heard:#?}");
}

#[test]
fn a_history_that_fails_refuses_what_is_to_be_kept_and_the_chat_goes_on() {
    if !needs("strace") {
        return;
    }
    let (chat, _trace) = traced("inject=pwrite64:error=EIO:when=2+");
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    for number in 1..=3 {
        alice.says(&format!(r#"{{"say":"to be kept","id":"a-{number}"}}"#));
        let answer = alice.hears();
        assert!(answer.starts_with(r#"{"type":"error","code":"history","#), "{answer}");
    }
    alice.says("heard all the same");
    bob.hear(r#"{"type":"message","room":"lobby","at":"TIME","from":"alice","text":"heard all the same"}"#);
    alice.is_refused("/history", "no-history");
    alice.is_refused("/resume lobby 0", "no-history");
    let mut guest = chat.stranger(crate::support::client::Wire::Lines);
    guest.hear("- parlor chat: you are guest3 in #lobby; rooms are not recorded for now; /help");
    chat.server.log.wait("a loud error", |line| line.contains("ERROR"));
}
