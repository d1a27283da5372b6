//! A peer given up in the middle of a frame gets the rest of that frame, and then the last words: it can still tell
//! one frame from the next.

use std::rc::Rc;

use parlor::hub::{Decoder, FIXED_FRAME, Fault, Framing, Limits, Profile, Reason, Sent, Step};

use super::player::{Call, polite};
use super::stage::{Stage, profile, seconds};

/// The frames of a stream that must be whole to its end.
fn frames(framing: Framing, mut wire: &[u8]) -> Vec<String> {
    let (mut decoder, mut found) = (Decoder::new(framing), Vec::new());
    while !wire.is_empty() {
        match decoder.next(wire) {
            Step::Frame(frame, size) => {
                found.push(String::from_utf8(frame.to_vec()).unwrap());
                wire = &wire[size..];
            }
            step => panic!("{step:?} at {wire:?}"),
        }
    }
    found
}

/// Frames of several sizes, then one too many, when the peer has read `window` bytes of them.
fn give_up(framing: Framing, window: usize, sent: &[String]) -> Vec<u8> {
    let mut wire = Vec::new();
    for frame in sent {
        framing.encode(frame.as_bytes(), &mut wire);
    }
    let limits = Rc::new(Limits { output: wire.len().max(FIXED_FRAME), ..Limits::default() });
    let mut stage = Stage::with_profile(Profile { framing, limits, ..profile() }, polite);
    let id = stage.accept();
    stage.peer(id).window = window;
    stage.act(|cx| sent.iter().for_each(|frame| assert_ne!(cx.send(id, frame.as_bytes()), Sent::Gone)));
    stage.run();
    stage.act(|cx| assert_eq!(cx.send_wire(id, &vec![b'x'; wire.len() + FIXED_FRAME]), Sent::Gone));
    stage.quiet();
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!(stage.calls().last(), Some(&Call::Closed(id, Reason::Fault(Fault::Slow))));
    stage.peer(id).written.clone()
}

fn check(framing: Framing, windows: impl Iterator<Item = usize>, sent: &[&str]) {
    let sent: Vec<String> = sent.iter().map(ToString::to_string).collect();
    for window in windows {
        let mut end = 0;
        let begun = sent.iter().take_while(|frame| {
            let mut wire = Vec::new();
            framing.encode(frame.as_bytes(), &mut wire);
            let begin = end;
            end += wire.len();
            // One that is next counts as begun once anything was read: through TLS its first byte may be out.
            begin <= window && window > 0
        });
        let mut expected: Vec<String> = begun.cloned().collect();
        expected.push(Fault::Slow.to_string());
        assert_eq!(frames(framing, &give_up(framing, window, &sent)), expected, "{framing:?}, {window} bytes read");
    }
}

const SENT: [&str; 6] = ["one", "", "a longer one", "é😀", "", "last"];

#[test]
fn a_line_of_which_a_part_was_written_is_finished_before_the_last_words() {
    check(Framing::LINES, 0..=32, &SENT);
}

#[test]
fn a_length_frame_of_which_a_part_was_written_is_finished_before_the_last_words() {
    check(Framing::LENGTH, 0..=50, &SENT);
}

#[test]
fn a_fixed_frame_of_which_a_part_was_written_is_finished_before_the_last_words() {
    let windows = (0..=6 * FIXED_FRAME).filter(|at| at % 1024 < 3 || at % 1024 > 1021 || at % 1024 == 500);
    check(Framing::Fixed, windows, &SENT);
}

#[test]
fn a_frame_written_in_many_parts_is_finished_before_the_last_words() {
    let limits = Limits { lag: 30, lag_for: seconds(5), ..Limits::default() };
    let mut stage = Stage::with_limits(limits, polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    for line in ["first", "the second, of which a part is read", "third", "fourth"] {
        stage.send(id, line.as_bytes());
    }
    for _ in 0..5 {
        stage.grant(id, 3); // 15 bytes in all: "first\nthe secon"
        stage.quiet();
    }
    stage.pass(seconds(5));
    stage.grant(id, usize::MAX);
    stage.quiet();
    let expected = format!("first\nthe second, of which a part is read\n{}\n", Fault::Slow);
    assert_eq!(stage.written(id), expected);
}

#[test]
fn a_batch_of_encoded_frames_is_cut_between_them() {
    let mut stage = Stage::with_limits(Limits { output: 30, ..Limits::default() }, polite);
    let id = stage.accept();
    stage.peer(id).window = 5;
    stage.act(|cx| assert_eq!(cx.send_wire(id, b"one\ntwo\nthree\n"), Sent::Queued));
    stage.run();
    stage.act(|cx| assert_eq!(cx.send(id, &[b'x'; 30]), Sent::Gone));
    stage.quiet();
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert!(stage.written(id).starts_with("one\ntwo\n"), "{}", stage.written(id));
    assert!(!stage.written(id).contains("three"));
}

#[test]
fn a_frame_that_was_sent_only_in_part_is_kept_as_far_as_it_goes() {
    let mut stage = Stage::with_limits(Limits { output: 200, ..Limits::default() }, polite);
    let id = stage.accept();
    stage.peer(id).window = 5;
    stage.act(|cx| assert_eq!(cx.send_wire(id, b"one\ntwo and more"), Sent::Queued));
    stage.run();
    stage.act(|cx| assert_eq!(cx.send(id, &[b'x'; 200]), Sent::Gone));
    stage.quiet();
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!(stage.written(id), format!("one\ntwo and more{}\n", Fault::Slow));
}

#[test]
fn a_raw_connection_has_no_frame_to_finish() {
    let mut stage = Stage::with_profile(
        Profile { framing: Framing::Raw, limits: Rc::new(Limits { output: 100, ..Limits::default() }), ..profile() },
        polite,
    );
    let id = stage.accept();
    stage.peer(id).window = 3;
    stage.act(|cx| assert_eq!(cx.send(id, b"abcdef"), Sent::Queued));
    stage.run();
    stage.act(|cx| assert_eq!(cx.send(id, &[b'x'; 100]), Sent::Gone));
    stage.quiet();
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!(stage.written(id), format!("abc{}", Fault::Slow));
}
