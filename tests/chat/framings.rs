//! Lines, length frames and fixed frames in one room.

use crate::people::{Chat, Person};
use crate::support::client::Wire;

fn one_on_each(chat: &Chat) -> [Person; 3] {
    let mut people = Wire::ALL.map(|wire| {
        let mut person = chat.guest_on(wire);
        person.ask(&format!("/nick by-{}", wire.option()), &format!("- you are by-{}", wire.option()));
        person
    });
    for person in &mut people {
        person.fence();
    }
    people
}

#[test]
fn all_three_framings_hear_one_another_in_one_room() {
    let chat = Chat::new();
    let mut people = one_on_each(&chat);
    for speaker in 0..3 {
        let name = Wire::ALL[speaker].option();
        people[speaker].says("häÄ → 漢字");
        for (_, person) in people.iter_mut().enumerate().filter(|&(at, _)| at != speaker) {
            person.hear(&format!("#lobby <by-{name}> häÄ → 漢字"));
        }
        people[speaker].hears_nothing();
    }
}

#[test]
fn a_long_line_goes_to_fixed_frames_in_pieces_cut_between_characters() {
    let chat = Chat::new();
    let [mut lines, _length, mut fixed] = one_on_each(&chat);
    for text in ["漢".repeat(1365), "x".repeat(4096), format!("{}é", "x".repeat(1004))] {
        lines.says(&text);
        let whole = format!("#lobby <by-lines> {text}");
        assert_eq!(line_in_frames(&mut fixed), whole);
    }
    fixed.hears_nothing();
}

/// A frame of more than 1020 bytes is continued by the next: so no text can pass for the beginning of a line.
fn line_in_frames(fixed: &mut Person) -> String {
    let mut line = String::new();
    loop {
        let frame = fixed.hears();
        line.push_str(&frame);
        if frame.len() <= 1020 {
            return line;
        }
    }
}

#[test]
fn a_line_that_fills_its_last_fixed_frame_is_ended_by_an_empty_one() {
    let chat = Chat::new();
    let [mut lines, _length, mut fixed] = one_on_each(&chat);
    let before = "#lobby <by-lines> ".len();
    for length in 1016..1030 {
        lines.says(&"x".repeat(length - before));
        let line = line_in_frames(&mut fixed);
        assert_eq!(line.len(), length);
    }
    fixed.hears_nothing();
}

#[test]
fn no_text_forges_a_line_by_where_its_fixed_frames_are_cut() {
    let chat = Chat::new();
    let [mut lines, _length, mut fixed] = one_on_each(&chat);
    let before = "#lobby <by-lines> ".len();
    for filler in 1018..=1024 {
        let forged = format!("{}! closed: go away", "x".repeat(filler - before));
        lines.says(&forged);
        assert_eq!(line_in_frames(&mut fixed), format!("#lobby <by-lines> {forged}"));
    }
}

#[test]
fn what_is_said_has_at_most_4096_bytes_in_any_framing() {
    let chat = Chat::new();
    let [mut lines, mut length, mut fixed] = one_on_each(&chat);
    let (longest, more) = ("x".repeat(4096), "x".repeat(4097));
    lines.says(&longest);
    length.hear(&format!("#lobby <by-lines> {longest}"));
    line_in_frames(&mut fixed);
    length.says(&longest);
    lines.hear(&format!("#lobby <by-length> {longest}"));
    line_in_frames(&mut fixed);
    lines.is_refused(&more, "too-long");
    length.is_refused(&more, "too-long");
    length.is_refused(&"x".repeat(64 * 1024), "too-long");
    // A replaced control takes three bytes, and what others get is counted.
    length.is_refused(&"\u{1}".repeat(1366), "too-long");
    for person in [&mut lines, &mut length, &mut fixed] {
        person.hears_nothing();
    }
}

#[test]
fn a_line_of_more_than_8192_bytes_is_an_error_and_a_close() {
    let chat = Chat::new();
    let [mut alice, mut bob] = chat.people(["alice", "bob"]);
    alice.is_refused(&"x".repeat(8192), "too-long");
    alice.says(&"x".repeat(8193));
    alice.says("never");
    alice.hear_the_end(&["! too-long: a frame here has at most 8192 bytes; goodbye"]);
    bob.hear("#lobby -- alice left (broke the rules of the wire)");
    bob.hears_nothing();
}

#[test]
fn a_length_frame_of_more_than_64_kib_is_an_error_and_a_close() {
    let chat = Chat::new();
    let mut length = chat.guest_on(Wire::Length);
    length.client.send(&65_537_u32.to_be_bytes());
    length.hear_the_end(&["! too-long: a frame here has at most 65536 bytes; goodbye"]);
}

#[test]
fn part_of_a_frame_at_the_end_is_an_error_and_nothing_of_it_is_said() {
    let chat = Chat::new();
    let [mut lines, mut length, mut fixed] = one_on_each(&chat);
    length.client.send(b"\0\0\0\x05hel");
    length.client.finish();
    length.hear_the_end(&["! partial-frame: the input ended inside a frame; nothing of it was used"]);
    fixed.client.send(b"hello");
    fixed.client.finish();
    assert_eq!(fixed.next().as_deref(), Some("#lobby -- by-length left (broke the rules of the wire)"));
    fixed.hear_the_end(&["! partial-frame: the input ended inside a frame; nothing of it was used"]);
    lines.hear_all(&[
        "#lobby -- by-length left (broke the rules of the wire)",
        "#lobby -- by-fixed left (broke the rules of the wire)",
    ]);
    lines.hears_nothing();
}

#[test]
fn empty_frames_say_nothing() {
    let chat = Chat::new();
    let [mut lines, mut length, mut fixed] = one_on_each(&chat);
    length.client.send(&[0; 12]);
    fixed.client.send(&[0; 2048]);
    for person in [&mut length, &mut fixed, &mut lines] {
        person.hears_nothing();
    }
}

#[test]
fn errors_come_in_the_framing_of_their_listener() {
    let chat = Chat::new();
    for wire in Wire::ALL {
        let mut person = chat.guest_on(wire);
        person.is_refused("/frob", "unknown-command");
        person.client.send(&wire.frame(b"\xff"));
        person.hear("! not-utf8: these bytes are no UTF-8 text; nobody heard them");
    }
}
