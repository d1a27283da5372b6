//! Keeping order: kick, ban, mute, topics, and the message of the day.

use crate::inn::Inn;
use crate::support::client::{Client, Place, Wire};
use crate::support::until;

#[test]
fn a_kick_closes_and_everybody_hears_why() {
    let inn = Inn::new(&[]);
    let mut oscar = inn.user("oscar");
    let mut bob = inn.chat.guest();
    bob.ask("/nick rob", "- you are rob");
    oscar.fence();
    let token = bob.token();
    oscar.ask("/kick @ROB enough of this", "- rob was shown the door");
    oscar.hear("#lobby -- rob left (kicked by oscar: enough of this)");
    bob.hear_the_end(&["! kicked: by oscar: enough of this"]);
    // The session is over with it.
    inn.chat.guest().is_refused(&format!("/session {token}"), "no-session");
    oscar.is_refused("/kick nobody", "no-such-name");
}

#[test]
fn a_banned_name_is_nobodys_until_its_time_is_over_or_it_is_taken_back() {
    let inn = Inn::new(&[]);
    let mut oscar = inn.user("oscar");
    let mut bob = inn.user("bob");
    oscar.fence();
    bob.fence();
    oscar.says("/ban bob 1h too loud");
    let line = oscar.hears();
    let (until, rest) = line.strip_prefix("- ban of bob until ").unwrap().split_at(24);
    assert_eq!(rest, ", by oscar (too loud)");
    bob.hear_the_end(&[&format!("! banned: you are banned until {until}, by oscar (too loud)")]);
    oscar.hear(&format!("#lobby -- bob left (banned you are banned until {until}, by oscar (too loud))"));
    let mut back = inn.chat.guest();
    back.is_refused("/login bob bob's password", "banned");
    back.is_refused("/nick b0b", "banned");
    oscar.is_refused("/ban oscar", "yourself");
    oscar.ask_all("/ban", &[&format!("- ban of bob until {until}, by oscar (too loud)"), "- end ban"]);
    oscar.ask("/unban bob", "- ban of bob taken back");
    oscar.is_refused("/unban bob", "no-such-rule");
    back.ask("/login bob bob's password", "- you are bob");
}

#[test]
fn a_banned_address_is_turned_away_and_so_is_who_is_here_from_there() {
    let inn = Inn::new(&["--listen", "chat=[::1]:0"]);
    let mut oscar = crate::people::Person::on(inn.chat.server.client(1));
    oscar.hears();
    oscar.ask("/login oscar oscar's password", "- you are oscar, an operator");
    let Place::Tcp(six) = inn.chat.server.place(0).clone() else { panic!("TCP") };
    assert!(six.is_ipv6(), "the flags' own listeners come first");
    let mut guest = crate::people::Person::on(inn.chat.server.client(0));
    guest.hears();
    oscar.ask("/ban ::/16", "- ban of ::/16 until an operator says otherwise, by oscar");
    guest.hear_the_end(&["! banned: you are banned until an operator says otherwise, by oscar"]);
    let mut again = Client::to(&Place::Tcp(six));
    assert_eq!(again.line(), "! banned: your address is banned until an operator says otherwise, by oscar");
    again.expect_end();
    oscar.is_refused("/ban 127.0.0.0/8", "yourself");
    oscar.is_refused("/ban 192.0.2.1/33", "usage");
    // An IPv4 address as IPv6 writes it is that one, and not everybody's.
    oscar.ask("/ban ::ffff:192.0.2.1", "- ban of 192.0.2.1 until an operator says otherwise, by oscar");
    oscar.ask("/ban ::ffff:192.0.2.0/120", "- ban of 192.0.2.0/24 until an operator says otherwise, by oscar");
    oscar.fence();
    oscar.is_refused("/ban 192.0.2.300", "usage");
}

#[test]
fn bans_mutes_and_the_message_of_the_day_survive_a_restart_in_a_file_of_their_own() {
    let mut inn = Inn::new(&[]);
    let mut oscar = inn.user("oscar");
    oscar.ask("/ban bob", "- ban of bob until an operator says otherwise, by oscar");
    oscar.ask("/mute carol", "- mute of carol until an operator says otherwise, by oscar");
    oscar.ask("/motd be \"kind\" – ok?", "- message of the day: be \"kind\" – ok?");
    oscar.says("/quit");
    oscar.rest();
    let file = inn.chat.folder().join("house-rules");
    until("three rules in the file", || std::fs::read_to_string(&file).is_ok_and(|text| text.lines().count() == 3));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    inn = inn.stopped_and_started_again();
    let mut bob = inn.chat.stranger(Wire::Lines);
    bob.hear("- parlor chat: you are guest1 in #lobby; rooms are recorded for 30 days; /help");
    bob.hear("- message of the day: be \"kind\" – ok?");
    bob.is_refused("/nick bob", "banned");
    bob.ask("/nick carol", "- you are carol");
    bob.is_refused("hello", "muted");
}

#[test]
fn a_damaged_file_of_rules_is_not_taken_for_none() {
    let inn = Inn::new(&[]);
    let folder = inn.chat.folder().to_str().unwrap().to_owned();
    std::fs::write(inn.chat.folder().join("house-rules"), "{\"rule\":\"ban\"}\n").unwrap();
    inn.chat.server.signal(rustix::process::Signal::TERM);
    inn.chat.server.log.to_the_end();
    let finished = crate::support::Start::serve(&["--data", &folder, "--listen", "chat=127.0.0.1:0"]).run();
    let said = finished.stderr.last().unwrap();
    assert!(finished.code() == 1 && said.contains("house-rules: line 1: missing field"), "{said}");
}

#[test]
fn whoever_is_muted_listens_only() {
    let inn = Inn::new(&[]);
    let mut oscar = inn.user("oscar");
    let mut guest = inn.chat.guest();
    guest.ask("/nick carol", "- you are carol");
    oscar.fence();
    oscar.says("/mute carol 10m");
    assert!(oscar.hears().starts_with("- mute of carol until 2"));
    assert!(guest.hears().starts_with("- you are muted until 2"));
    for line in ["hello", "/me waves", "/msg oscar psst", "/topic tea", "/nick other"] {
        guest.is_refused(line, "muted");
    }
    oscar.says("still audible");
    guest.hear("#lobby <oscar> still audible");
    oscar.ask("/unmute carol", "- mute of carol taken back");
    guest.says("hello");
    oscar.hear("#lobby <carol> hello");
    oscar.ask("/mute carol", "- mute of carol until an operator says otherwise, by oscar");
    guest.hear("- you are muted until an operator says otherwise, by oscar: you can listen, and nobody hears you");
    guest.says("/quit with last words");
    oscar.hear("#lobby -- carol left (quit)");
}

#[test]
fn a_topic_is_anyones_until_an_operator_locks_it() {
    let inn = Inn::new(&[]);
    let mut oscar = inn.user("oscar");
    let mut guest = inn.chat.guest();
    guest.ask("/topic tea", "- topic of #lobby: tea");
    oscar.fence();
    oscar.ask("/topic lock", "- only operators set the topic of #lobby");
    guest.is_refused("/topic coffee", "topic-locked");
    guest.ask("/topic", "- topic of #lobby: tea");
    oscar.ask("/topic cake", "- topic of #lobby: cake");
    guest.hear("#lobby -- oscar topic: cake");
    oscar.ask("/topic unlock", "- everybody may set the topic of #lobby");
    guest.ask("/topic -", "- #lobby has no topic");
}

#[test]
fn what_operators_do_stands_in_the_log_and_what_is_said_does_not() {
    let inn = Inn::new(&["--log", "trace"]);
    let mut oscar = inn.user("oscar");
    let mut alice = inn.user("alice");
    oscar.fence();
    let token = alice.token();
    alice.says("/msg oscar private-words");
    oscar.hear("@alice private-words");
    alice.says_all(&["/join den", "/lock room-password", "spoken-words"]);
    alice.fence();
    oscar.says("/kick alice reason-words");
    oscar.fence();
    inn.chat.server.log.wait("what the operator did", |line| line.ends_with("operator oscar: kick alice"));
    let log = inn.chat.server.log.lines().join("\n");
    for secret in ["password", "private-words", "spoken-words", "reason-words", &token] {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
}
