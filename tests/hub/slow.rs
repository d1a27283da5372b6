//! Peers that do not read: the maximum, the lag, the stall.

use std::cell::Cell;
use std::rc::Rc;

use parlor::hub::{Act, Fault, Framing, Limits, Profile, Reason, Sent};

use super::player::{Call, frame, polite};
use super::stage::{Stage, profile, seconds};

/// Output of at most 100 bytes, lag from 50 bytes on for 5 seconds.
fn small() -> Limits {
    Limits { high: 40, low: 10, lag: 50, lag_for: seconds(5), output: 100, ..Limits::default() }
}

const SLOW: Reason = Reason::Fault(Fault::Slow);

fn last_words() -> String {
    format!("{}\n", Fault::Slow)
}

#[test]
fn past_the_maximum_the_peer_is_gone_for_its_senders_and_goes_in_flush() {
    let mut stage = Stage::with_limits(Limits { output: 200, ..small() }, polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| {
        assert_eq!(cx.send_wire(id, &[b'a'; 200]), Sent::Full, "the maximum itself is allowed");
        assert_eq!(cx.send_wire(id, b"b"), Sent::Gone);
        assert_eq!(cx.send_wire(id, b""), Sent::Gone, "no second chance");
        assert_eq!(cx.unsent(id), 200, "nothing closes inside send");
    });
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.turn();
    assert_eq!(stage.calls(), [Call::Fault(id, Fault::Slow)]);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Closed(id, SLOW)]);
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!(stage.written(id), last_words(), "what waited was dropped, so that the last words come next");
    assert_eq!(stage.peer(id).acts, [Act::Linger]);
}

#[test]
fn no_framing_brings_the_output_past_the_maximum() {
    for framing in [Framing::LINES, Framing::LENGTH, Framing::Fixed, Framing::Raw] {
        for size in [1, 7, 95, 96, 97, 98, 99, 100, 1023, 1024, 1025, 2048] {
            let limits = Rc::new(Limits { output: 2048, ..small() });
            let mut stage = Stage::with_profile(Profile { framing, limits, ..profile() }, polite);
            let id = stage.accept();
            let mut wire = Vec::new();
            framing.encode(&vec![b'a'; size], &mut wire);
            let fits = 2048 / wire.len();
            stage.act(|cx| {
                for _ in 0..fits {
                    assert_ne!(cx.send(id, &vec![b'a'; size]), Sent::Gone, "{framing:?} {size}");
                }
                assert_eq!(cx.send(id, &vec![b'a'; size]), Sent::Gone, "{framing:?} {size}");
                assert_eq!(cx.unsent(id), fits * wire.len(), "{framing:?} {size}");
            });
        }
    }
}

#[test]
fn one_frame_larger_than_the_maximum_is_refused_even_if_nothing_waits() {
    let mut stage = Stage::with_limits(small(), polite);
    let id = stage.accept();
    stage.act(|cx| assert_eq!(cx.send(id, &[b'a'; 101]), Sent::Gone));
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Fault(id, Fault::Slow), Call::Closed(id, SLOW)]);
    assert_eq!(stage.written(id), last_words());
}

#[test]
fn a_peer_past_the_maximum_goes_though_the_same_turns_write_made_room() {
    let mut stage = Stage::with_limits(small(), polite);
    let id = stage.accept();
    stage.act(|cx| {
        let _ = cx.send(id, &[b'a'; 90]);
        assert_eq!(cx.send(id, &[b'b'; 90]), Sent::Gone);
    });
    stage.quiet();
    let expected = format!("{}\n{}", "a".repeat(90), last_words());
    assert_eq!(stage.written(id), expected, "whole frames went before the last words");
    assert_eq!(stage.calls().last(), Some(&Call::Closed(id, SLOW)));
}

#[test]
fn a_slow_peer_may_hold_its_place_for_as_long_as_it_lags_no_longer_than_allowed() {
    let mut stage = Stage::with_limits(small(), polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| assert_eq!(cx.send_wire(id, &[b'a'; 50]), Sent::Full));
    stage.run();
    stage.pass(seconds(4));
    stage.act(|cx| assert_eq!(cx.send_wire(id, b"b"), Sent::Full));
    stage.grant(id, 2); // 49 wait: it does not lag any more
    stage.quiet();
    stage.act(|cx| assert_eq!(cx.send_wire(id, b"b"), Sent::Full)); // 50 again: it begins anew
    stage.pass(seconds(4));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), [Call::Fault(id, Fault::Slow), Call::Closed(id, SLOW)]);
}

#[test]
fn a_lagging_peer_that_reads_a_little_is_still_given_up() {
    let mut stage = Stage::with_limits(small(), polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| assert_eq!(cx.send_wire(id, &[b'a'; 90]), Sent::Full));
    for _ in 0..4 {
        stage.pass(seconds(1));
        stage.grant(id, 10); // down to the 50 at which it still lags
        stage.quiet();
    }
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), [Call::Fault(id, Fault::Slow), Call::Closed(id, SLOW)]);
}

#[test]
fn more_output_while_it_lags_does_not_move_the_deadline() {
    let mut stage = Stage::with_limits(small(), polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| assert_eq!(cx.send_wire(id, &[b'a'; 60]), Sent::Full));
    stage.pass(seconds(3));
    stage.act(|cx| assert_eq!(cx.send_wire(id, &[b'a'; 10]), Sent::Full));
    stage.pass(seconds(2));
    assert_eq!(stage.calls().last(), Some(&Call::Closed(id, SLOW)));
}

#[test]
fn a_slow_peer_is_given_up_even_while_it_is_held() {
    let mut stage = Stage::with_limits(small(), polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| {
        cx.hold(id, parlor::hub::Hold::JOB);
        let _ = cx.send_wire(id, &[b'a'; 60]);
    });
    stage.say(id, "unheard\n");
    stage.pass(seconds(5));
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Fault(id, Fault::Slow), Call::Closed(id, SLOW)]);
}

#[test]
fn a_write_without_progress_for_a_minute_ends_the_connection_without_a_word() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.pass(seconds(1000));
    stage.peer(id).window = 3;
    stage.act(|cx| assert_eq!(cx.send(id, b"abcdefg"), Sent::Queued));
    stage.run();
    stage.pass(seconds(59));
    stage.grant(id, 1); // a byte is progress
    stage.quiet();
    stage.pass(seconds(59));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.say(id, "a\n"); // speaking is not
    stage.run();
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), [frame(id, "a"), Call::Closed(id, Reason::Stalled)]);
    assert_eq!(stage.peer(id).acts, [Act::Free]);
    assert_eq!(stage.written(id), "abcd");
}

#[test]
fn a_writable_event_without_room_is_no_progress() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.send(id, b"a");
    stage.run();
    for _ in 0..5 {
        stage.pass(seconds(10));
        stage.grant(id, 0);
        stage.quiet();
    }
    stage.pass(seconds(10));
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Closed(id, Reason::Stalled)]);
}

#[test]
fn the_stall_counts_from_the_first_refusal_not_from_the_last_success() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| assert_eq!(cx.send(id, b"a"), Sent::Queued));
    stage.run();
    stage.peer(id).window = 0;
    stage.pass(seconds(100));
    stage.act(|cx| assert_eq!(cx.send(id, b"b"), Sent::Queued));
    stage.pass(seconds(59));
    stage.send(id, b"c"); // no progress, and no new beginning
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), [Call::Closed(id, Reason::Stalled)]);
}

#[test]
fn a_peer_that_took_everything_is_not_stalled() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 1;
    stage.act(|cx| assert_eq!(cx.send(id, b"a"), Sent::Queued));
    stage.run();
    stage.grant(id, 1);
    stage.pass(seconds(1000));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
}

#[test]
fn a_service_that_says_nothing_in_fault_closes_all_the_same() {
    let faults = Rc::new(Cell::new(0));
    let count = Rc::clone(&faults);
    let mut stage = Stage::with_limits(small(), move |_, call| {
        count.set(count.get() + usize::from(matches!(call, Call::Fault(..))));
    });
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| {
        let _ = cx.send_wire(id, &[b'a'; 100]);
        let _ = cx.send_wire(id, b"b");
    });
    stage.quiet();
    assert_eq!((stage.written(id).as_str(), stage.peer(id).acts.as_slice()), ("", &[Act::Linger][..]));
    assert_eq!(faults.get(), 1);
}

#[test]
fn last_words_past_the_maximum_are_dropped_and_the_close_goes_on() {
    let mut stage = Stage::with_limits(small(), |cx, call| {
        if let Call::Fault(id, _) = call {
            assert_eq!(cx.send(*id, &[b'x'; 5000]), Sent::Gone);
        }
    });
    let id = stage.accept();
    stage.act(|cx| assert_eq!(cx.send(id, &[b'a'; 101]), Sent::Gone));
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Fault(id, Fault::Slow), Call::Closed(id, SLOW)]);
    assert_eq!(stage.peer(id).acts, [Act::Linger]);
}
