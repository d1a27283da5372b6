//! Whoever has to go is told why in the form, and in the framing, in which they are spoken to.

use rustix::process::Signal;

use crate::inn::accounts;
use crate::people::{Chat, Person};
use crate::support::client::Wire;

/// A chat with accounts on all framings.
fn house(folder: &std::path::Path) -> Chat {
    let file = folder.join("accounts");
    std::fs::write(&file, accounts()).unwrap();
    Chat::with(&["--flood", "off", "--accounts", file.to_str().unwrap()])
}

/// A program that has a name.
fn program(chat: &Chat, wire: Wire, name: &str) -> Person {
    let mut person = chat.guest_on(wire);
    person.ask(&format!("/nick {name}"), &format!("- you are {name}"));
    person.says("/format json");
    assert!(person.hears().starts_with(r#"{"type":"welcome","#));
    person
}

/// An operator in a room of their own, so that nobody's coming disturbs.
fn oscar(chat: &Chat) -> Person {
    let mut oscar = chat.guest();
    oscar.ask("/login oscar oscar's password", "- you are oscar, an operator");
    oscar.says("/leave lobby");
    oscar.fence();
    oscar
}

#[test]
fn a_program_that_has_to_go_is_told_so_by_an_object_in_its_own_framing() {
    let folder = tempfile::tempdir().unwrap();
    let chat = house(folder.path());
    let mut oscar = oscar(&chat);
    for wire in [Wire::Lines, Wire::Length] {
        let mut kicked = program(&chat, wire, "kicked");
        oscar.ask("/kick kicked enough", "- kicked was shown the door");
        kicked.hear_the_end(&[r#"{"type":"error","code":"kicked","text":"by oscar: enough"}"#]);

        let mut banned = program(&chat, wire, "banned");
        oscar.ask("/ban banned", "- ban of banned until an operator says otherwise, by oscar");
        let why =
            r#"{"type":"error","code":"banned","text":"you are banned until an operator says otherwise, by oscar"}"#;
        banned.hear_the_end(&[why]);
        oscar.ask("/unban banned", "- ban of banned taken back");

        let mut first = program(&chat, wire, "first");
        let mut second = chat.guest_on(wire);
        second.says("/login alice alice's password");
        first.hear(r#"{"type":"join","room":"lobby","from":"alice","at":"TIME"}"#);
        second.says("/format json");
        let mut third = chat.guest();
        third.says("/login alice alice's password");
        let last = second.rest().pop().unwrap();
        let taken =
            r#"{"type":"error","code":"taken-over","text":"you have logged in from another connection; goodbye"}"#;
        assert_eq!(last, taken);
        third.says("/quit");
        third.rest();

        let mut long = program(&chat, wire, &format!("long-{}", wire.option()));
        let (sent, most) = if wire == Wire::Lines { (vec![b'x'; 9000], 8192) } else { (vec![0xff; 4], 65_536) };
        long.client.send(&sent);
        let why =
            format!(r#"{{"type":"error","code":"too-long","text":"a frame here has at most {most} bytes; goodbye"}}"#);
        assert_eq!(long.rest().pop().unwrap(), why);
        first.says("/quit");
        first.rest();
    }
    let mut left = [Wire::Lines, Wire::Length].map(|wire| program(&chat, wire, &format!("left{}", wire.option())));
    chat.server.signal(Signal::TERM);
    for person in &mut left {
        let last = person.rest().pop().unwrap();
        assert_eq!(last, r#"{"type":"info","text":"the server stops; goodbye"}"#);
    }
}

#[test]
fn a_program_that_is_silent_is_told_so_by_an_object() {
    let flags = ["--flood", "off", "--limit-ping-after", "1s", "--limit-gone-after", "2s"];
    let chat = Chat::with(&flags);
    for wire in [Wire::Lines, Wire::Length] {
        let mut silent = program(&chat, wire, &format!("silent-{}", wire.option()));
        let last = silent.rest().pop().unwrap();
        assert!(last.starts_with(r#"{"type":"error","code":"timed-out","#), "{last}");
    }
}
