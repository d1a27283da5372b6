//! What the source documents describe, by the number of the row.

use crate::people::Chat;
use crate::support::client::Wire;

#[test]
fn d3_a_broadcast_reaches_everyone_but_its_sender_and_the_dead_are_cleaned_up() {
    let chat = Chat::new();
    let [mut alice, mut bob, mut carol, dead] = chat.people(["alice", "bob", "carol", "dead"]);
    dead.breaks();
    alice.hear("#lobby -- dead left (connection lost)");
    alice.says("hello");
    for person in [&mut bob, &mut carol] {
        person.hear_all(&["#lobby -- dead left (connection lost)", "#lobby <alice> hello"]);
        person.hears_nothing();
    }
    alice.hears_nothing();
    alice.ask_all("/who", &["- #lobby: alice bob carol", "- end who"]);
    chat.server.figures_when("one connection less", |figures| figures.connections == 3);
}

#[test]
fn d7_lines_are_messages_blank_ones_are_none_and_a_line_may_come_in_pieces() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    for piece in ["hel", "lo\nsec", "ond\r", "\n\n\r\n  \nthird\n"] {
        alice.client.send(piece.as_bytes());
        alice.client.socket.set_tcp_nodelay(true).unwrap();
    }
    bob.hear_all(&["#lobby <alice> hello", "#lobby <alice> second", "#lobby <alice> third"]);
    bob.hears_nothing();
}

#[test]
fn d9_one_message_in_three_framings_byte_for_byte() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    let mut others = [chat.guest_on(Wire::Length), chat.guest_on(Wire::Fixed)];
    let mut lines = chat.guest();
    alice.says("hello");
    let said = b"#lobby <alice> hello";
    lines.client.expect(b"#lobby <alice> hello\n");
    others[0].client.expect(&[&[0, 0, 0, 20], &said[..]].concat());
    others[1].client.expect(&[&said[..], &[0; 1004]].concat());
}

#[test]
fn d11_a_heartbeat_is_answered_in_the_stream_and_eats_no_chat() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.client.send(b"one\nPING\ntwo\nPING 5\nthree\nPONG\nPONG 5\nfour\n");
    alice.hear_all(&["PONG", "PONG 5"]);
    bob.hear_all(&["#lobby <alice> one", "#lobby <alice> two", "#lobby <alice> three", "#lobby <alice> four"]);
    bob.client.send(b"PING\n");
    bob.client.expect(b"PONG\n");
    alice.hears_nothing();
}

#[test]
fn d12_an_end_of_stream_and_a_reset_are_noticed_at_once() {
    let chat = Chat::new();
    let [mut alice, bob, carol] = chat.people(["alice", "bob", "carol"]);
    drop(bob);
    alice.hear("#lobby -- bob left (quit)");
    carol.breaks();
    alice.hear("#lobby -- carol left (connection lost)");
}

#[test]
fn d13_a_close_flushes_shuts_down_and_reads_the_rest() {
    let chat = Chat::new();
    let [mut alice] = chat.people(["alice"]);
    // What is still on its way when the server closes must not destroy its last words.
    alice.client.send(format!("/quit\n{}", "too late\n".repeat(3000)).as_bytes());
    alice.hear_the_end(&["- goodbye"]);
    let [mut bob] = chat.people(["bob"]);
    bob.says("/who");
    bob.client.finish();
    assert_eq!(bob.rest(), ["- #lobby: bob", "- end who"]);
}

#[test]
fn d30_every_message_arrives_once_though_lines_break_and_the_server_is_killed() {
    const MESSAGES: usize = 60;
    let mut chat = Chat::new();
    let [mut alice] = chat.programs(["alice"]);
    alice.says("/session");
    let token = alice.hears().split('"').nth(11).unwrap().to_owned();
    let mut receipted = 0;
    let mut rounds = 0;
    while receipted < MESSAGES {
        // All that has no receipt is sent again, under the same id; then something breaks after a few of them.
        for number in receipted + 1..=MESSAGES {
            alice.says(&format!(r#"{{"say":"message {number}","id":"m-{number}"}}"#));
        }
        for _ in 0..7.min(MESSAGES - receipted) {
            receipted += 1;
            let wanted = format!(r#"{{"type":"receipt","room":"lobby","seq":{receipted},"id":"m-{receipted}"}}"#);
            alice.hear(&wanted);
        }
        alice.breaks();
        rounds += 1;
        if rounds % 3 == 0 {
            chat = chat.killed_and_started_again();
        } else {
            chat.server.settled();
        }
        alice = chat.guest();
        alice.says("/format json");
        alice.says(&format!("/session {token}"));
        alice.fence();
    }
    let mut reader = chat.guest();
    reader.says("/resume lobby 0");
    for number in 1..=MESSAGES {
        reader.hear(&format!("- #lobby {number} TIME <alice> message {number}"));
    }
    reader.hear("- end resume");
    reader.hears_nothing();
}
