//! Closing: what was sent still goes out, and the end is told once.

use std::io::ErrorKind;

use parlor::hub::{Act, Framing, Limits, Profile, Reason, Sent};

use super::player::{Call, frame, polite};
use super::stage::{Stage, profile, seconds};

/// Answers each line and closes behind "bye".
fn answering(limits: Limits) -> Stage {
    Stage::with_limits(limits, |cx, call| match call {
        Call::Frame(id, text) => {
            let _ = cx.send(*id, text.as_bytes());
            if text == "bye" {
                cx.close(*id);
            }
        }
        _ => polite(cx, call),
    })
}

#[test]
fn close_flushes_lingers_and_frees() {
    let mut stage = answering(Limits::default());
    let id = stage.accept();
    stage.say(id, "a\nbye\nunheard\n");
    stage.turn();
    assert_eq!(stage.written(id), "a\nbye\n");
    let told = [Call::Opened(id), frame(id, "a"), frame(id, "bye"), Call::Closed(id, Reason::Closed)];
    assert_eq!(stage.calls(), told, "in the same turn's flush");
    stage.quiet();
    assert_eq!(stage.peer(id).acts, [Act::Linger]);
    assert_eq!(stage.hub.connections(), 1);
    stage.finish(id);
    stage.run();
    assert_eq!(stage.peer(id).acts, [Act::Linger, Act::Free]);
    assert!(stage.hub.is_empty());
    assert_eq!(stage.calls(), []);
}

#[test]
fn close_behind_the_end_of_input_frees_at_once() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.finish(id);
    stage.turn();
    stage.turn();
    assert_eq!(stage.peer(id).acts, [Act::Free]);
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Ended(id), Call::Closed(id, Reason::Ended)]);
}

#[test]
fn closed_is_told_at_once_though_output_still_waits() {
    let mut stage = answering(Limits::default());
    let id = stage.accept();
    stage.peer(id).window = 1;
    stage.say(id, "bye\n");
    stage.turn();
    assert_eq!(stage.calls().last(), Some(&Call::Closed(id, Reason::Closed)));
    stage.quiet();
    assert_eq!(stage.peer(id).acts, []);
    stage.grant(id, 2);
    stage.quiet();
    assert_eq!(stage.peer(id).acts, [], "the last byte is not out");
    stage.grant(id, 1);
    stage.quiet();
    assert_eq!((stage.written(id).as_str(), stage.peer(id).acts.as_slice()), ("bye\n", &[Act::Linger][..]));
    assert_eq!(stage.calls(), []);
}

#[test]
fn a_closing_connection_takes_nothing_more_and_is_closed_for_the_reason_given_first() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Frame(id, _) = call {
            cx.close(*id);
            assert_eq!(cx.send(*id, b"late"), Sent::Gone);
            assert_eq!(cx.send_wire(*id, b"late"), Sent::Gone);
            cx.close(*id);
            cx.end(*id);
        }
    });
    let id = stage.accept();
    stage.say(id, "a\n");
    stage.turn();
    stage.hub.stop();
    stage.run();
    assert_eq!(stage.written(id), "");
    assert_eq!(stage.peer(id).acts, [Act::Linger]);
    assert!(stage.calls().contains(&Call::Closed(id, Reason::Closed)));
}

#[test]
fn closed_is_told_once_whatever_happens_to_the_stream_afterwards() {
    for blocked in [false, true] {
        let mut stage = answering(Limits::default());
        let id = stage.accept();
        stage.peer(id).window = if blocked { 0 } else { usize::MAX };
        stage.say(id, "bye\n");
        stage.run();
        stage.hub.write_failed(id, ErrorKind::BrokenPipe);
        stage.hub.read_failed(id, ErrorKind::ConnectionReset);
        stage.hub.input_over(id);
        stage.hub.fail(id, Reason::Stalled);
        stage.hub.abandon();
        stage.run();
        assert!(stage.hub.is_empty());
        stage.run();
        let closed = stage.calls().into_iter().filter(|call| matches!(call, Call::Closed(..))).collect::<Vec<_>>();
        assert_eq!(closed, [Call::Closed(id, Reason::Closed)]);
    }
}

#[test]
fn a_peer_that_takes_its_farewell_too_slowly_is_freed_after_two_minutes() {
    let mut stage = answering(Limits::default());
    let id = stage.accept();
    stage.peer(id).window = 1;
    stage.say(id, "a long way to say it\nbye\n");
    stage.run();
    for _ in 0..5 {
        assert_eq!(stage.peer(id).acts, []);
        stage.pass(seconds(20));
        stage.grant(id, 1);
        stage.quiet();
    }
    stage.pass(seconds(19));
    assert_eq!(stage.peer(id).acts, [], "after 119 seconds");
    stage.pass(seconds(1));
    assert_eq!(stage.peer(id).acts, [Act::Free]);
    assert_eq!(stage.peer(id).written.len(), 6);
    assert_eq!(stage.calls().last(), Some(&Call::Closed(id, Reason::Closed)));
}

#[test]
fn a_peer_that_takes_nothing_of_its_farewell_is_freed_after_one_minute() {
    let mut stage = answering(Limits::default());
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.say(id, "bye\n");
    stage.run();
    stage.pass(seconds(59));
    assert_eq!(stage.peer(id).acts, []);
    stage.pass(seconds(1));
    assert_eq!(stage.peer(id).acts, [Act::Free]);
    assert_eq!(stage.calls().last(), Some(&Call::Closed(id, Reason::Closed)));
}

#[test]
fn a_closing_peer_that_lags_is_not_told_of_it() {
    let limits = Limits { lag: 100, lag_for: seconds(5), ..Limits::default() };
    let mut stage = answering(limits);
    let id = stage.accept();
    stage.peer(id).window = 1;
    stage.say(id, format!("{}\nbye\n", "x".repeat(500)));
    stage.run();
    assert_eq!(stage.calls().last(), Some(&Call::Closed(id, Reason::Closed)));
    stage.pass(seconds(10));
    assert_eq!(stage.calls(), [], "closed was the last that is heard of it");
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!(stage.peer(id).written.len(), 505, "all of it, for it had two minutes");
    assert_eq!(stage.peer(id).acts, [Act::Linger]);
}

#[test]
fn a_connection_closed_in_the_turn_in_which_it_has_lagged_too_long_hears_of_the_close_only() {
    let limits = Limits { lag: 100, lag_for: seconds(5), ..Limits::default() };
    let mut stage = answering(limits);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.say(id, format!("{}\n", "x".repeat(500)));
    stage.run();
    stage.now = stage.now + seconds(5);
    stage.say(id, "bye\n");
    stage.run();
    assert_eq!(stage.calls()[2..], [frame(id, "bye"), Call::Closed(id, Reason::Closed)]);
}

#[test]
fn lingering_drops_what_arrives_for_two_seconds() {
    let mut stage = answering(Limits::default());
    let id = stage.accept();
    stage.say(id, "bye\n");
    stage.run();
    stage.pass(seconds(1));
    stage.say(id, "a\nb\n");
    stage.quiet();
    assert!(stage.peer(id).incoming.is_empty(), "read, so that no reset is sent");
    assert_eq!(stage.calls().last(), Some(&Call::Closed(id, Reason::Closed)));
    assert_eq!(stage.peer(id).acts, [Act::Linger]);
    stage.pass(seconds(1));
    assert_eq!(stage.peer(id).acts, [Act::Linger, Act::Free]);
    assert_eq!(stage.calls(), []);
}

#[test]
fn lingering_drops_at_most_64_kib() {
    let mut stage = answering(Limits::default());
    let id = stage.accept();
    stage.say(id, "bye\n");
    stage.run();
    stage.say(id, vec![b'x'; 64 * 1024 - 1]);
    stage.run();
    assert_eq!(stage.peer(id).acts, [Act::Linger]);
    assert_eq!(stage.hub.intake(id), 1);
    stage.say(id, "xyz");
    stage.run();
    assert_eq!(stage.peer(id).acts, [Act::Linger, Act::Free]);
    assert_eq!(stage.peer(id).incoming, b"yz");
}

#[test]
fn a_stream_that_cannot_linger_is_failed_and_freed_in_the_next_flush() {
    let mut stage = answering(Limits::default());
    let id = stage.accept();
    stage.hub.receive(id, b"bye\n");
    stage.turn();
    assert_eq!(stage.peer(id).acts, [Act::Linger]);
    stage.hub.fail(id, Reason::Closed);
    assert!(stage.hub.is_busy(), "without sleep");
    stage.turn();
    assert_eq!(stage.peer(id).acts, [Act::Linger, Act::Free]);
    assert_eq!(stage.calls().last(), Some(&Call::Closed(id, Reason::Closed)));
}

#[test]
fn a_reset_while_lingering_frees() {
    let mut stage = answering(Limits::default());
    let id = stage.accept();
    stage.say(id, "bye\n");
    stage.run();
    stage.reset(id, ErrorKind::ConnectionReset);
    stage.run();
    assert_eq!(stage.peer(id).acts, [Act::Linger, Act::Free]);
}

#[test]
fn a_connection_that_was_held_still_lingers() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| cx.hold(id, parlor::hub::Hold::JOB));
    stage.say(id, "a\n");
    stage.run();
    stage.act(|cx| cx.close(id));
    stage.run();
    assert_eq!(stage.peer(id).acts, [Act::Linger]);
    assert!(stage.peer(id).incoming.is_empty(), "what the hold kept from being read is dropped now");
    stage.finish(id);
    stage.run();
    assert!(stage.hub.is_empty());
}

#[test]
fn a_greeting_and_a_close_in_opened_go_out() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::LENGTH, ..profile() }, |cx, call| {
        if let Call::Opened(id) = call {
            assert_eq!(cx.send(*id, b"not today"), Sent::Queued);
            cx.close(*id);
        }
    });
    let id = stage.accept();
    stage.say(id, "\0\0\0\0");
    stage.run();
    assert_eq!(stage.written(id), "\0\0\0\u{9}not today");
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Closed(id, Reason::Closed)]);
}

#[test]
fn closing_a_connection_from_anothers_callback_stops_its_frames_at_once() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Frame(id, _) = call {
            let slot = id.slot();
            // Each closes the other; the one that is read first wins.
            let ids = [0, 1].map(|other| parlor::hub::ConnId::from_bits((other + 1) << 32 | other).unwrap());
            cx.close(ids[1 - slot]);
        }
    });
    let (one, two) = (stage.accept(), stage.accept());
    stage.say(one, "a\nb\n");
    stage.say(two, "c\n");
    stage.run();
    let told = [frame(one, "a"), frame(one, "b"), Call::Closed(two, Reason::Closed)];
    assert_eq!(stage.calls()[2..], told);
}
