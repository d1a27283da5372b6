//! Output: what a sender is answered, the marks, and the order in which bytes leave.

use parlor::hub::{Framing, Hold, Limits, Profile, Sent, WRITE_PER_TURN};

use super::player::{Call, frame, polite};
use super::stage::{Stage, profile};

const KIB: usize = 1024;

#[test]
fn a_sender_is_told_when_the_high_mark_is_reached_and_its_bytes_are_taken_all_the_same() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    let high = Limits::default().high;
    stage.peer(id).window = 0;
    assert_eq!(stage.act(|cx| cx.send_wire(id, &vec![b'a'; high - 1])), Sent::Queued);
    assert_eq!(stage.act(|cx| cx.room(id)), 1);
    assert_eq!(stage.act(|cx| cx.send_wire(id, b"b")), Sent::Full);
    assert_eq!(stage.act(|cx| cx.send_wire(id, b"c")), Sent::Full);
    assert_eq!(stage.act(|cx| (cx.room(id), cx.unsent(id))), (0, high + 1));
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!(stage.peer(id).written[high - 1..], *b"bc");
}

#[test]
fn a_sender_is_told_whether_its_bytes_wait_behind_others_and_what_the_stream_has_taken() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    assert_eq!(stage.act(|cx| (cx.send_wire(id, b"abc"), cx.taken(id))), (Sent::Queued, 0));
    assert_eq!(stage.act(|cx| cx.send_wire(id, b"de")), Sent::Waiting, "in the same turn too");
    assert_eq!(stage.act(|cx| cx.send_wire(id, b"")), Sent::Waiting);
    stage.run();
    stage.grant(id, 4);
    stage.quiet();
    assert_eq!(stage.act(|cx| (cx.taken(id), cx.unsent(id))), (4, 1), "a part counts");
    assert_eq!(stage.act(|cx| cx.send_wire(id, b"f")), Sent::Waiting);
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!(stage.act(|cx| (cx.taken(id), cx.unsent(id))), (6, 0));
    assert_eq!(stage.act(|cx| cx.send_wire(id, b"g")), Sent::Queued, "nothing waits any more");
    stage.run();
    assert_eq!(stage.act(|cx| cx.taken(id)), 7);
    stage.act(|cx| cx.close(id));
    assert_eq!(stage.act(|cx| cx.send_wire(id, b"h")), Sent::Gone);
    stage.run();
    assert_eq!(stage.written(id), "abcdefg");
}

#[test]
fn drained_comes_once_when_the_output_has_fallen_to_the_low_mark() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    let (high, low) = (64 * KIB, 16 * KIB);
    stage.act(|cx| (0..3).for_each(|_| assert_eq!(cx.send_wire(id, &vec![b'a'; high]), Sent::Full)));
    stage.run();
    stage.grant(id, 3 * high - low - 1);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Opened(id)], "one byte above the low mark");
    stage.grant(id, 1);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Drained(id)]);
    stage.grant(id, low);
    stage.quiet();
    assert_eq!(stage.calls(), [], "once for all three");
    assert_eq!(stage.act(|cx| cx.unsent(id)), 0);
}

#[test]
fn drained_does_not_come_to_who_was_never_told_full() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| assert_eq!(cx.send_wire(id, &vec![b'a'; 60 * KIB]), Sent::Queued));
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
}

#[test]
fn drained_comes_again_for_the_next_full() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    for _ in 0..3 {
        stage.calls();
        stage.act(|cx| assert_eq!(cx.send_wire(id, &vec![b'a'; 64 * KIB]), Sent::Full));
        stage.run();
        assert_eq!(stage.calls(), [Call::Drained(id)]);
    }
}

#[test]
fn input_is_not_read_from_the_high_mark_down_to_the_low_one() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.say(id, "a\n");
    stage.act(|cx| assert_eq!(cx.send_wire(id, &vec![b'a'; 64 * KIB]), Sent::Full));
    stage.run();
    assert_eq!(stage.hub.intake(id), 0);
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.grant(id, 48 * KIB - 1);
    stage.quiet();
    assert_eq!(stage.calls(), [], "one byte above the low mark");
    stage.grant(id, 1);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Drained(id), frame(id, "a")]);
}

#[test]
fn what_is_buffered_is_not_framed_while_the_output_is_full() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Frame(id, _) = call {
            let _ = cx.send_wire(*id, &vec![b'a'; 64 * KIB]);
        }
    });
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.say(id, "a\nb\nc\n");
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id), frame(id, "a")]);
    stage.grant(id, 64 * KIB);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Drained(id), frame(id, "b")]);
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Drained(id), frame(id, "c"), Call::Drained(id)]);
}

#[test]
fn a_full_outbox_and_a_hold_must_both_go_before_input_is_read() {
    for release_first in [true, false] {
        let mut stage = Stage::new(polite);
        let id = stage.accept();
        stage.peer(id).window = 0;
        stage.say(id, "a\n");
        stage.act(|cx| {
            cx.hold(id, Hold::JOB);
            let _ = cx.send_wire(id, &vec![b'a'; 64 * KIB]);
        });
        stage.run();
        for release in [release_first, !release_first] {
            assert!(!stage.calls().contains(&frame(id, "a")));
            if release {
                stage.act(|cx| cx.release(id, Hold::JOB));
            } else {
                stage.grant(id, usize::MAX);
            }
            stage.quiet();
        }
        assert!(stage.calls().contains(&frame(id, "a")));
    }
}

#[test]
fn who_asks_whether_something_fits_is_told_when_it_does() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| {
        assert!(cx.fits(id, usize::MAX), "nothing waits, so more room will never be");
        let _ = cx.send_wire(id, b"abc");
        assert!(cx.fits(id, 64 * KIB - 3));
    });
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id)], "a yes promises nothing");
    assert!(!stage.act(|cx| cx.fits(id, 64 * KIB - 2)));
    assert_ne!(stage.hub.intake(id), 0, "a question stops no input");
    stage.quiet();
    stage.grant(id, 1);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Drained(id)]);
}

#[test]
fn send_puts_the_framing_around_and_send_wire_does_not() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::LENGTH, ..profile() }, polite);
    let id = stage.accept();
    stage.act(|cx| {
        let _ = cx.send(id, b"a");
        let _ = cx.send_wire(id, b"bc");
        cx.set_framing(id, Framing::LINES);
        let _ = cx.send(id, b"d");
    });
    stage.run();
    assert_eq!(stage.written(id), "\0\0\0\u{1}abcd\n");
}

#[test]
fn a_turns_output_is_offered_as_one_piece_in_order() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    let mut expected = String::new();
    for number in 0..100 {
        stage.send(id, number.to_string().as_bytes());
        expected += &number.to_string();
        expected += "\n";
    }
    assert_eq!(stage.hub.output(id), expected.as_bytes());
}

#[test]
fn one_turn_writes_a_share_and_the_next_goes_on_without_sleep() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    let size = 2 * WRITE_PER_TURN + 1;
    stage.act(|cx| assert_eq!(cx.send_wire(id, &vec![b'a'; size]), Sent::Full));
    for written in [WRITE_PER_TURN, 2 * WRITE_PER_TURN, size] {
        assert!(!stage.is_quiet());
        assert!(stage.hub.output(id).len() <= WRITE_PER_TURN);
        stage.turn();
        assert_eq!(stage.peer(id).written.len(), written);
    }
    stage.quiet();
    assert_eq!(stage.hub.tally().bytes_out, size as u64);
}

#[test]
fn a_stream_that_takes_nothing_lets_the_loop_sleep_whatever_is_sent() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    for _ in 0..3 {
        stage.send(id, b"a");
        assert!(!stage.is_quiet());
        let before = stage.turns;
        stage.quiet();
        assert_eq!(stage.turns, before + 1);
    }
    stage.grant(id, usize::MAX);
    assert!(!stage.is_quiet(), "the writable event brings it back");
    stage.quiet();
    assert_eq!(stage.written(id), "a\na\na\n");
}

#[test]
fn a_part_written_is_followed_by_the_rest_in_the_next_turn() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 2;
    stage.act(|cx| assert_eq!(cx.send(id, b"hello"), Sent::Queued));
    stage.turn();
    assert!(stage.hub.is_busy(), "a part taken proves nothing about the rest");
    stage.send(id, b"you");
    stage.grant(id, 3);
    stage.quiet();
    assert_eq!(stage.written(id), "hello");
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!(stage.written(id), "hello\nyou\n");
}

#[test]
fn an_empty_frame_is_sent_and_no_bytes_are_not() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::LENGTH, ..profile() }, polite);
    let id = stage.accept();
    stage.act(|cx| assert_eq!(cx.send(id, b""), Sent::Queued));
    stage.run();
    assert_eq!(stage.peer(id).written, [0; 4]);
    stage.act(|cx| assert_eq!(cx.send_wire(id, b""), Sent::Queued));
    assert!(stage.is_quiet(), "no bytes, nothing to write");
}
