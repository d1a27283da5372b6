//! The JSON form: every kind of line, byte for byte but for what varies.

use crate::people::{Chat, meet};
use crate::support::client::Wire;

#[test]
fn every_kind_of_line_is_one_object_with_its_fields() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    alice.says("/me waves");
    bob.hear(r#"{"type":"action","room":"lobby","seq":1,"at":"TIME","from":"alice","text":"waves"}"#);
    alice.says(r#"{"say":"she said \"hi\"\\"}"#);
    bob.hear(r#"{"type":"message","room":"lobby","seq":2,"at":"TIME","from":"alice","text":"she said \"hi\"\\"}"#);
    alice.says(r##"{"me":"/nick is no command here","room":"#LOBBY"}"##);
    bob.hear(
        r#"{"type":"action","room":"lobby","seq":3,"at":"TIME","from":"alice","text":"/nick is no command here"}"#,
    );
    alice.says("/msg bob psst");
    bob.hear(r#"{"type":"private","from":"alice","at":"TIME","text":"psst"}"#);
    alice.ask("/topic tea", r#"{"type":"info","text":"topic of #lobby: tea"}"#);
    bob.hear(r#"{"type":"topic","room":"lobby","from":"alice","at":"TIME","text":"tea"}"#);
    alice.ask("/nick alicia", r#"{"type":"info","text":"you are alicia"}"#);
    bob.hear(r#"{"type":"nick","room":"lobby","from":"alice","at":"TIME","to":"alicia"}"#);
    alice.ask("/leave", r#"{"type":"info","text":"you left #lobby; you are in no room"}"#);
    bob.hear(r#"{"type":"leave","room":"lobby","from":"alicia","at":"TIME","reason":"left"}"#);
    alice.ask("/join lobby", r#"{"type":"info","text":"you are in #lobby, with 1 others; topic: tea"}"#);
    bob.hear(r#"{"type":"join","room":"lobby","from":"alicia","at":"TIME"}"#);
    alice.ask("PING 17", r#"{"type":"pong","token":"17"}"#);
    alice.ask("PING", r#"{"type":"pong","token":""}"#);
    alice.says("PONG 17");
    alice.ask("/who", r##"{"type":"info","text":"#lobby: bob alicia"}"##);
    alice.hear(r#"{"type":"end","of":"who"}"#);
    alice.ask("/rooms", r##"{"type":"info","text":"#lobby: 2 here; topic: tea"}"##);
    alice.hear(r#"{"type":"end","of":"rooms"}"#);
    alice.hears_nothing();
    bob.hears_nothing();
}

#[test]
fn an_object_says_its_text_into_the_room_that_it_names() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    meet("tea", [&mut alice, &mut bob]);
    alice.says(r#"{"say":"in the lobby","room":"lobby"}"#);
    alice.says(r#"{"say":"in tea"}"#);
    bob.hear(r#"{"type":"message","room":"lobby","seq":1,"at":"TIME","from":"alice","text":"in the lobby"}"#);
    bob.hear(r#"{"type":"message","room":"tea","seq":1,"at":"TIME","from":"alice","text":"in tea"}"#);
    alice.hears_nothing();
}

#[test]
fn a_client_can_go_back_to_plain_lines() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    alice.ask("/format plain", "- plain lines from now on; /format json for objects");
    bob.says("hello");
    alice.hear("#lobby <bob> hello");
}

#[test]
fn the_session_is_shown_in_the_welcome_and_answers_to_the_command_alike() {
    let chat = Chat::new();
    let mut guest = chat.guest();
    let token = guest.token();
    guest.says("/format json");
    let welcome = guest.hears();
    assert!(welcome.starts_with(&format!(r#"{{"type":"welcome","nick":"guest1","session":"{token}","epoch":""#)));
    guest.ask("/session", &welcome);
    guest.ask("/format json", &welcome);
}

#[test]
fn a_replay_is_marked_and_names_the_ids_of_ones_own_messages_only() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.programs(["alice", "bob"]);
    alice.ask(r#"{"say":"mine","id":"a-1"}"#, r#"{"type":"receipt","room":"lobby","seq":1,"id":"a-1"}"#);
    bob.hears();
    bob.says(r#"{"say":"yours"}"#);
    alice.hear(r#"{"type":"message","room":"lobby","seq":2,"at":"TIME","from":"bob","text":"yours"}"#);
    alice.says("/resume lobby 0");
    alice.hear(
        r#"{"type":"message","room":"lobby","seq":1,"at":"TIME","from":"alice","text":"mine","id":"a-1","replay":true}"#,
    );
    alice.hear(r#"{"type":"message","room":"lobby","seq":2,"at":"TIME","from":"bob","text":"yours","replay":true}"#);
    alice.hear(r#"{"type":"end","of":"resume"}"#);
    bob.says("/history");
    bob.hear(r#"{"type":"message","room":"lobby","seq":1,"at":"TIME","from":"alice","text":"mine","old":true}"#);
    bob.hear(r#"{"type":"message","room":"lobby","seq":2,"at":"TIME","from":"bob","text":"yours","old":true}"#);
    bob.hear(r#"{"type":"end","of":"history"}"#);
    bob.says("/resume lobby 0");
    bob.hear(r#"{"type":"message","room":"lobby","seq":1,"at":"TIME","from":"alice","text":"mine","replay":true}"#);
}

#[test]
fn json_is_refused_on_fixed_frames_and_welcome_on_length_frames() {
    let chat = Chat::new();
    let mut fixed = chat.guest_on(Wire::Fixed);
    fixed.is_refused("/format json", "fixed");
    fixed.ask("/format plain", "- plain lines from now on; /format json for objects");
    let mut length = chat.guest_on(Wire::Length);
    length.ask("/format json", r#"{"type":"welcome","nick":"guest2","session":"TOKEN","epoch":"EPOCH"}"#);
    length.says(r#"{"say":"hello"}"#);
    fixed.hear_all(&["#lobby -- guest2 joined", "#lobby <guest2> hello"]);
}
