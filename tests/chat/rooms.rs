//! Coming and going: guests, names, rooms, lists.

use crate::people::{Chat, meet};

#[test]
fn who_connects_is_a_guest_in_the_lobby_and_is_told_so() {
    let chat = Chat::new();
    let mut first = chat.stranger(crate::support::client::Wire::Lines);
    first.hear("- parlor chat: you are guest1 in #lobby; rooms are recorded for 30 days; /help");
    let mut second = chat.stranger(crate::support::client::Wire::Lines);
    second.hear("- parlor chat: you are guest2 in #lobby; rooms are recorded for 30 days; /help");
    first.hears_nothing();
}

#[test]
fn a_guest_is_announced_on_naming_themselves_and_not_before() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    let mut guest = chat.guest();
    guest.fence();
    alice.hears_nothing();
    guest.ask("/nick bob", "- you are bob");
    alice.hear("#lobby -- bob joined");
    guest.ask("/nick rob", "- you are rob");
    alice.hear("#lobby -- bob is now rob");
    guest.ask("/nick rob", "- you are rob");
    alice.hears_nothing();
}

#[test]
fn a_guest_is_announced_on_speaking() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    let mut guest = chat.guest();
    guest.says("hello");
    alice.hear_all(&["#lobby -- guest2 joined", "#lobby <guest2> hello"]);
    guest.says("/me waves");
    alice.hear("#lobby * guest2 waves");
    let mut other = chat.guest();
    other.ask("/topic tea", "- topic of #lobby: tea");
    alice.hear_all(&["#lobby -- guest3 joined", "#lobby -- guest3 topic: tea"]);
}

#[test]
fn a_guest_who_only_looked_goes_without_a_word() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    let mut guest = chat.guest();
    guest.says("/quit");
    guest.hear_the_end(&["- goodbye"]);
    let other = chat.guest();
    other.client.finish();
    chat.guest().breaks();
    chat.server.settled();
    alice.hears_nothing();
}

#[test]
fn two_talk_and_a_third_joins_is_renamed_and_leaves() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.says("hello");
    bob.hear("#lobby <alice> hello");
    bob.says("hello  you ");
    alice.hear("#lobby <bob> hello  you ");
    let mut carol = chat.guest();
    carol.ask("/nick carol", "- you are carol");
    carol.ask("/nick carola", "- you are carola");
    carol.says("hi");
    carol.ask("/leave", "- you left #lobby; you are in no room");
    for person in [&mut alice, &mut bob] {
        person.hear_all(&[
            "#lobby -- carol joined",
            "#lobby -- carol is now carola",
            "#lobby <carola> hi",
            "#lobby -- carola left (left)",
        ]);
        person.hears_nothing();
    }
    carol.hears_nothing();
}

#[test]
fn a_name_is_taken_whatever_its_case_and_whoever_looks_like_it() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    for name in ["alice", "ALICE", "@Alice", "a1ice", "alIce"] {
        bob.is_refused(&format!("/nick {name}"), "name-taken");
    }
    alice.ask("/nick Алиса", "- you are Алиса");
    bob.fence();
    bob.ask("/nick alice", "- you are alice");
    bob.is_refused("/nick алиса", "name-taken");
    alice.fence();
    alice.ask("/nick ALICIA", "- you are ALICIA");
    alice.ask("/nick Alicia", "- you are Alicia");
    bob.hear_all(&["#lobby -- Алиса is now ALICIA", "#lobby -- ALICIA is now Alicia"]);
    bob.is_refused("/nick guest1/", "bad-name");
}

#[test]
fn names_of_rooms_are_the_same_in_any_case_and_shown_as_the_first_one_wrote_them() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.ask("/join Rust", "- you are in #Rust, with 0 others");
    bob.ask("/join #rUST", "- you are in #Rust, with 1 others");
    alice.hear("#Rust -- bob joined");
    bob.is_refused("/join no/room", "bad-name");
    bob.ask("/join cafe\u{301}", "- you are in #caf\u{e9}, with 0 others");
    bob.ask("/leave RUST", "- you left #Rust; you are in #caf\u{e9}");
}

#[test]
fn what_is_said_goes_to_the_room_joined_last() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    meet("rust", [&mut alice, &mut bob]);
    meet("tea", [&mut alice, &mut bob]);
    alice.says("in tea");
    bob.hear("#tea <alice> in tea");
    alice.ask("/join rust", "- you are in #rust, with 1 others");
    alice.says("in rust");
    bob.hear("#rust <alice> in rust");
    alice.ask("/leave rust", "- you left #rust; you are in #tea");
    alice.says("in tea again");
    bob.hear_all(&["#rust -- alice left (left)", "#tea <alice> in tea again"]);
    alice.ask("/leave tea", "- you left #tea; you are in #lobby");
    alice.ask("/leave", "- you left #lobby; you are in no room");
    alice.is_refused("anybody?", "no-room");
    alice.is_refused("/leave", "no-room");
    alice.is_refused("/who", "no-room");
    alice.ask("/join lobby", "- you are in #lobby, with 1 others");
    bob.hear_all(&["#tea -- alice left (left)", "#lobby -- alice left (left)", "#lobby -- alice joined"]);
}

#[test]
fn a_room_is_heard_by_its_members_only() {
    let chat = Chat::new();
    let [mut alice, mut bob, mut carol] = chat.people(["alice", "bob", "carol"]);
    alice.ask("/join rust", "- you are in #rust, with 0 others");
    bob.ask("/join rust", "- you are in #rust, with 1 others");
    alice.hear("#rust -- bob joined");
    alice.says("for us");
    bob.hear("#rust <alice> for us");
    bob.ask("/leave rust", "- you left #rust; you are in #lobby");
    alice.says("for nobody");
    alice.hear("#rust -- bob left (left)");
    alice.hears_nothing();
    bob.hears_nothing();
    carol.hears_nothing();
}

#[test]
fn nobody_is_in_more_than_32_rooms() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    for number in 1..32 {
        alice.ask(&format!("/join room-{number}"), &format!("- you are in #room-{number}, with 0 others"));
    }
    alice.is_refused("/join one-more", "too-many-rooms");
    alice.is_refused("/resume one-more 0", "too-many-rooms");
    alice.ask("/join room-1", "- you are in #room-1, with 0 others");
    alice.ask("/leave room-9", "- you left #room-9; you are in #room-1");
    alice.ask("/join one-more", "- you are in #one-more, with 0 others");
}

/// The one whose room it was has left it in the same turn, in which it was still talked in.
#[test]
fn a_room_that_is_left_and_refused_in_one_turn_harms_nobody() {
    let chat = Chat::forgetful();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    for number in 1..32 {
        bob.says(&format!("/join room-{number}"));
    }
    bob.fence();
    alice.ask("/join attic", "- you are in #attic, with 0 others");
    chat.server.settled();
    chat.server.freeze();
    alice.says_all(&["is this on?", "/leave attic"]);
    bob.says("/join attic");
    chat.server.thaw();
    alice.hear("- you left #attic; you are in #lobby");
    bob.hear("! too-many-rooms: you are in 32 rooms; /leave one first");
    bob.ask("/leave room-1", "- you left #room-1; you are in #room-31");
    bob.ask("/join attic", "- you are in #attic, with 0 others");
}

#[test]
fn rooms_and_members_are_listed() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    bob.ask("/join rust", "- you are in #rust, with 0 others");
    bob.ask("/topic all about Rust", "- topic of #rust: all about Rust");
    alice.ask_all("/rooms", &["- #lobby: 2 here", "- #rust: 1 here; topic: all about Rust", "- end rooms"]);
    alice.ask_all("/who", &["- #lobby: alice bob", "- end who"]);
    bob.ask_all("/who #Rust", &["- #rust: bob", "- end who"]);
    alice.is_refused("/who rust", "not-member");
    alice.is_refused("/who nowhere", "not-member");
    bob.ask("/leave", "- you left #rust; you are in #lobby");
    alice.ask_all("/rooms", &["- #lobby: 2 here", "- end rooms"]);
}

/// A list that is over must not keep the loop awake.
#[test]
fn long_lists_come_in_bounded_lines_and_are_whole_and_then_there_is_silence() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    let mut names = vec!["alice".to_owned()];
    let mut crowd = Vec::new();
    for number in 0..60 {
        let mut person = chat.guest();
        let name = format!("somebody-with-a-long-name-{number:03}");
        person.ask(&format!("/nick {name}"), &format!("- you are {name}"));
        person.says(&format!("/join room-of-their-own-{number:03}"));
        names.push(name);
        crowd.push(person);
    }
    for person in &mut crowd {
        person.fence();
    }
    alice.fence();
    alice.says("/who");
    let mut listed = Vec::new();
    loop {
        let line = alice.hears();
        assert!(line.len() < 512, "{line}");
        let Some(more) = line.strip_prefix("- #lobby:") else {
            assert_eq!(line, "- end who");
            break;
        };
        listed.extend(more.split_whitespace().map(str::to_owned));
    }
    assert_eq!(listed, names);
    alice.says("/rooms");
    let rooms: Vec<String> = std::iter::from_fn(|| Some(alice.hears()).filter(|line| line != "- end rooms")).collect();
    assert_eq!(rooms.len(), 61, "{rooms:#?}");
    assert!(rooms.contains(&"- #room-of-their-own-059: 1 here".to_owned()), "{rooms:#?}");
    chat.server.expect_sleep();
}

#[test]
fn a_room_without_members_and_history_is_no_more() {
    let chat = Chat::forgetful();
    let [mut alice] = chat.people(["alice"]);
    alice.ask("/join Tea", "- you are in #Tea, with 0 others");
    alice.ask("/topic green", "- topic of #Tea: green");
    alice.ask("/leave", "- you left #Tea; you are in #lobby");
    alice.ask("/join tea", "- you are in #tea, with 0 others");
}

#[test]
fn quit_is_told_with_its_words_and_so_is_the_end_of_input() {
    let chat = Chat::new();
    let [mut alice, mut bob, mut carol, dave, erin] = chat.people(["alice", "bob", "carol", "dave", "erin"]);
    bob.says_all(&["/quit see you", "too late"]);
    bob.hear_the_end(&["- goodbye"]);
    carol.fence();
    carol.says("/quit");
    carol.hear_the_end(&["- goodbye"]);
    alice.hear_all(&["#lobby -- bob left (see you)", "#lobby -- carol left (quit)"]);
    dave.client.finish();
    alice.hear("#lobby -- dave left (quit)");
    erin.breaks();
    alice.hear("#lobby -- erin left (connection lost)");
    alice.hears_nothing();
}

#[test]
fn a_name_is_free_at_once_after_quit_and_after_the_end_of_input() {
    let chat = Chat::new();
    let [mut alice, mut bob, carol] = chat.people(["alice", "bob", "carol"]);
    bob.token();
    bob.says("/quit");
    bob.rest();
    alice.hear("#lobby -- bob left (quit)");
    alice.ask("/nick bob", "- you are bob");
    carol.client.finish();
    alice.hear("#lobby -- carol left (quit)");
    alice.ask("/nick carol", "- you are carol");
}

#[test]
fn the_server_says_goodbye_when_it_stops() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    let mut program = chat.guest();
    program.says("/format json");
    program.hears();
    chat.server.signal(rustix::process::Signal::TERM);
    alice.hear_the_end(&["- the server stops; goodbye"]);
    program.hear_the_end(&[r#"{"type":"info","text":"the server stops; goodbye"}"#]);
}
