//! What outlives a broken line.

use crate::people::{Chat, meet};

#[test]
fn who_comes_back_after_a_broken_line_has_their_name_and_rooms_again() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    bob.ask("/join tea", "- you are in #tea, with 0 others");
    let token = bob.token();
    bob.breaks();
    alice.hear("#lobby -- bob left (connection lost)");
    let mut bob = chat.guest();
    bob.ask_all(&format!("/session {token}"), &["- welcome back, bob"]);
    alice.hear("#lobby -- bob joined (back)");
    bob.ask_all("/who", &["- #tea: bob", "- end who"]);
    alice.says("hello");
    bob.hear("#lobby <alice> hello");
    bob.ask("/session", &format!("- session {token}"));
    alice.hears_nothing();
}

#[test]
fn a_program_is_told_of_a_return_in_its_own_form() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    bob.says("/session");
    let welcome = bob.hears();
    let token = welcome.split('"').nth(11).unwrap().to_owned();
    bob.breaks();
    alice.hear(r#"{"type":"leave","room":"lobby","from":"bob","at":"TIME","reason":"connection lost"}"#);
    let mut bob = chat.guest();
    bob.says("/format json");
    bob.hears();
    bob.ask(&format!("/session {token}"), &welcome);
    alice.hear(r#"{"type":"join","room":"lobby","from":"bob","at":"TIME","back":true}"#);
}

#[test]
fn a_name_is_held_after_a_broken_line_and_for_its_session_only() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let token = bob.token();
    bob.breaks();
    alice.hear("#lobby -- bob left (connection lost)");
    alice.is_refused("/nick Bob", "name-taken");
    let mut bob = chat.guest();
    bob.is_refused("/nick bob", "name-taken");
    bob.ask("/nick robert", "- you are robert");
    bob.ask(&format!("/session {token}"), "- welcome back, bob");
    alice.hear_all(&["#lobby -- robert joined", "#lobby -- bob joined (back)"]);
    alice.is_refused("/nick bob", "name-taken");
}

#[test]
fn the_last_to_show_a_token_has_the_session_and_the_other_is_told_and_closed() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    bob.ask("/join tea", "- you are in #tea, with 0 others");
    let token = bob.token();
    let mut other = chat.guest();
    other.ask(&format!("/session {token}"), "- welcome back, bob");
    bob.hear_the_end(&["! taken-over: your session was taken up by another connection; goodbye"]);
    other.ask_all("/who lobby", &["- #lobby: alice bob", "- end who"]);
    other.ask("/join lobby", "- you are in #lobby, with 1 others");
    other.says("it is me");
    alice.hear("#lobby <bob> it is me");
    alice.hears_nothing();
    other.ask_all(&format!("/session {token}"), &["- welcome back, bob"]);
}

#[test]
fn what_the_other_connection_said_in_the_same_turn_is_still_ones_own() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let token = bob.token();
    let mut other = chat.guest();
    chat.server.settled();
    chat.server.freeze();
    bob.says("last words here");
    alice.says("hello bob");
    other.says(&format!("/session {token}"));
    chat.server.thaw();
    other.hear_all(&["- welcome back, bob", "#lobby <alice> hello bob"]);
    other.hears_nothing();
    alice.hear("#lobby <bob> last words here");
}

#[test]
fn a_guest_who_had_spoken_vanishes_without_a_word_on_becoming_somebody() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let token = bob.token();
    let mut other = chat.guest();
    other.says("am I bob?");
    alice.hear_all(&["#lobby -- guest3 joined", "#lobby <guest3> am I bob?"]);
    other.ask(&format!("/session {token}"), "- welcome back, bob");
    other.says("I am");
    alice.hear("#lobby <bob> I am");
    alice.hears_nothing();
}

#[test]
fn a_wrong_token_changes_nothing() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let token = bob.token();
    for wrong in ["x", "00000000000000000000000000000000", &token[1..], &token.to_uppercase(), &format!("{token}0")] {
        alice.says(&format!("/session {wrong} lobby 0"));
        alice.hear("! no-session: no session has this token, or it is too long ago; this one goes on as it is");
    }
    alice.says("still alice");
    bob.hear("#lobby <alice> still alice");
    bob.hears_nothing();
}

#[test]
fn a_token_is_worth_nothing_after_quit() {
    let chat = Chat::new();
    let [mut bob] = chat.people(["bob"]);
    let token = bob.token();
    bob.says("/quit");
    bob.rest();
    let mut other = chat.guest();
    other.is_refused(&format!("/session {token}"), "no-session");
}

#[test]
fn rooms_resume_before_anything_is_heard_live() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    meet("tea", [&mut alice, &mut bob]);
    alice.says("one");
    bob.hear("#tea <alice> one");
    let token = bob.token();
    bob.breaks();
    alice.hear_all(&["#lobby -- bob left (connection lost)", "#tea -- bob left (connection lost)"]);
    alice.says("two");
    alice.says("/join lobby");
    alice.says("three");
    alice.fence();
    let mut bob = chat.guest();
    bob.says(&format!("/session {token} tea 1 #lobby 0"));
    bob.hear_all(&[
        "- welcome back, bob",
        "- #tea 2 TIME <alice> two",
        "- #lobby 1 TIME <alice> three",
        "- end resume",
        "- end resume",
    ]);
    bob.hears_nothing();
    alice.hear_all(&["#lobby -- bob joined (back)", "#tea -- bob joined (back)"]);
    alice.says("four");
    bob.hear("#lobby <alice> four");
}

#[test]
fn rooms_named_beyond_the_limit_are_refused_and_the_session_is_taken_up() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    alice.says("one");
    let token = alice.token();
    alice.breaks();
    chat.server.settled();
    let mut alice = chat.guest();
    let named: Vec<String> = (1..32).map(|number| format!("room-{number} 0")).collect();
    alice.says(&format!("/session {token} lobby 0 {} one-more 0", named.join(" ")));
    alice.hear("! too-many-rooms: nobody is in more than 32 rooms; those named behind them are left out");
    alice.hear_all(&["- welcome back, alice", "- #lobby 1 TIME <alice> one"]);
    assert_eq!(alice.fence(), ["- end resume"; 32]);
}

/// The first room has caught up long before the second: still nothing of it comes live between the second's old lines.
#[test]
fn a_long_replay_of_one_room_keeps_back_what_is_live_in_another() {
    const LINES: usize = 400;
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    meet("tea", [&mut alice, &mut bob]);
    let token = bob.token();
    bob.breaks();
    alice.fence();
    let text = "x".repeat(4000);
    for _ in 0..LINES {
        alice.says(&text);
    }
    alice.fence();
    let mut bob = chat.guest();
    bob.says(&format!("/session {token} lobby 0 tea 0"));
    bob.hear("- welcome back, bob");
    alice.hear_all(&["#lobby -- bob joined (back)", "#tea -- bob joined (back)"]);
    alice.says("/join lobby");
    alice.says("fresh");
    alice.fence();
    let mut old = 0;
    let mut fresh = 0;
    while old < LINES || fresh == 0 {
        match bob.hears() {
            line if line.starts_with("- #tea ") => old += 1,
            line if line.ends_with("<alice> fresh") => {
                assert!(
                    line.starts_with("- #lobby 1 ") || old == LINES,
                    "live after {old} of {LINES} old lines: {line}"
                );
                fresh += 1;
            }
            line => assert_eq!(line, "- end resume"),
        }
    }
    let rest = bob.fence();
    assert!(rest.iter().all(|line| line == "- end resume"), "{rest:?}");
}

#[test]
fn only_what_was_known_by_name_or_word_is_remembered() {
    let chat = Chat::new();
    let mut guest = chat.guest();
    let token = guest.token();
    guest.breaks();
    chat.server.settled();
    let mut other = chat.guest();
    other.is_refused(&format!("/session {token}"), "no-session");
}

#[test]
fn a_session_is_taken_up_by_who_follows_it_with_commands_at_once() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    let token = bob.token();
    bob.breaks();
    alice.hear("#lobby -- bob left (connection lost)");
    let mut bob = chat.guest();
    bob.says_all(&[&format!("/session {token}"), "I am back", "/me waves"]);
    alice.hear_all(&["#lobby -- bob joined (back)", "#lobby <bob> I am back", "#lobby * bob waves"]);
    let mut other = chat.guest();
    other.says_all(&[&format!("/session {token}"), "and again"]);
    alice.hear("#lobby <bob> and again");
    let mut nobody = chat.guest();
    nobody.says_all(&["/session 00000000000000000000000000000000", "who am I?"]);
    alice.hear_all(&["#lobby -- guest5 joined", "#lobby <guest5> who am I?"]);
}

#[test]
fn a_name_that_looks_like_a_held_one_is_held_too() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "scope"]);
    let token = bob.token();
    bob.breaks();
    alice.hear("#lobby -- scope left (connection lost)");
    for name in ["SCOPE", "sc0pe", "ѕсоре"] {
        alice.is_refused(&format!("/nick {name}"), "name-taken");
    }
    let mut bob = chat.guest();
    bob.ask(&format!("/session {token}"), "- welcome back, scope");
    bob.ask("/nick bob", "- you are bob");
    alice.hear_all(&["#lobby -- scope joined (back)", "#lobby -- scope is now bob"]);
    alice.ask("/nick ѕсоре", "- you are ѕсоре");
}

#[test]
fn after_quit_the_name_is_free_and_nothing_brings_the_session_back() {
    let mut chat = Chat::new();
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    bob.says("/session");
    let welcome = bob.hears();
    let token = welcome.split('"').nth(11).unwrap().to_owned();
    bob.ask(r#"{"say":"kept","id":"b-1"}"#, r#"{"type":"receipt","room":"lobby","seq":1,"id":"b-1"}"#);
    bob.says("/quit");
    bob.rest();
    alice.fence();
    alice.says("/nick bob");
    let heard = alice.fence();
    assert!(heard.iter().any(|line| line.contains("you are bob")), "{heard:?}");
    for _ in 0..2 {
        let mut other = chat.guest();
        other.is_refused(&format!("/session {token}"), "no-session");
        // The history knows what was said, and a restart forgets who said goodbye, but not that it was said.
        chat = chat.killed_and_started_again();
    }
}

/// What it said last lies in a segment that was closed meanwhile, and is not read within a turn.
#[test]
fn a_session_has_its_name_after_a_restart_also_when_much_was_said_since() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    bob.says("/session");
    let token = bob.hears().split('"').nth(11).unwrap().to_owned();
    bob.ask(r#"{"say":"kept","id":"b-1"}"#, r#"{"type":"receipt","room":"lobby","seq":1,"id":"b-1"}"#);
    bob.says("/leave");
    // More than the 4 MiB up to which a segment is gone on in.
    let text = "x".repeat(4000);
    for _ in 0..1200 {
        alice.says(&text);
    }
    alice.fence();
    let chat = chat.killed_and_started_again();
    let chat = chat.killed_and_started_again();
    let mut bob = chat.guest();
    bob.ask(&format!("/session {token}"), "- welcome back, bob");
    bob.hears_nothing();
}

/// Who says nothing with an id has a session too, also one who only listens.
#[test]
fn a_session_has_its_name_and_rooms_after_a_restart() {
    let mut chat = Chat::new();
    let mut bob = chat.guest();
    let token = bob.token();
    bob.ask("/nick Rob", "- you are Rob");
    bob.ask("/nick Bob", "- you are Bob");
    bob.ask("/join Tea", "- you are in #Tea, with 0 others");
    bob.ask("/join milk", "- you are in #milk, with 0 others");
    bob.ask("/leave milk", "- you left #milk; you are in #Tea");
    let restarts: [fn(Chat) -> Chat; 2] =
        [Chat::killed_and_started_again, |chat| chat.stopped_and_started_again(|_| ())];
    for restart in restarts {
        chat = restart(chat);
        let [mut alice] = chat.people(["alice"]);
        let mut bob = chat.guest();
        bob.ask(&format!("/session {token}"), "- welcome back, Bob");
        alice.hear("#lobby -- Bob joined (back)");
        bob.ask_all("/who tea", &["- #Tea: Bob", "- end who"]);
        bob.is_refused("/who milk", "not-member");
    }
}

#[test]
fn what_was_no_session_before_a_restart_is_none_after_it() {
    let chat = Chat::new();
    let [mut quitter] = chat.people(["bob"]);
    let mut looker = chat.guest();
    let tokens = [looker.token(), quitter.token()];
    quitter.says("/quit");
    quitter.rest();
    let chat = chat.killed_and_started_again();
    for token in tokens {
        chat.guest().is_refused(&format!("/session {token}"), "no-session");
    }
}
