//! Turns: budgets, what waits for the next turn, and that it follows without sleep.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use parlor::hub::{FRAMES_PER_TURN, Framing, Hold, Moment, Profile, Reason};

use super::player::{Call, frame, polite};
use super::stage::{Stage, profile};

fn lines(count: usize) -> String {
    "x\n".repeat(count)
}

#[test]
fn one_connection_is_heard_for_1024_frames_a_turn_and_the_rest_follows_without_sleep() {
    let mut stage = Stage::new(polite);
    let (flooder, other) = (stage.accept(), stage.accept());
    stage.calls();
    stage.say(flooder, lines(2 * FRAMES_PER_TURN + 5));
    stage.say(other, "me too\n");
    stage.turn();
    let calls = stage.calls();
    assert_eq!((calls.len(), calls.last()), (FRAMES_PER_TURN + 1, Some(&frame(other, "me too"))));
    assert!(stage.hub.is_busy());
    stage.say(other, "and me\n");
    stage.turn();
    let calls = stage.calls();
    assert_eq!((calls.len(), calls.last()), (FRAMES_PER_TURN + 1, Some(&frame(other, "and me"))));
    stage.turn();
    assert_eq!(stage.calls().len(), 5);
    assert!(stage.is_quiet());
}

#[test]
fn a_connection_with_frames_left_over_is_not_read_before_they_are_heard() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, lines(FRAMES_PER_TURN + 1));
    stage.turn();
    assert_eq!(stage.hub.intake(id), 0);
    stage.say(id, "last\n");
    stage.quiet();
    assert_eq!(stage.calls().last(), Some(&frame(id, "last")));
    assert_ne!(stage.hub.intake(id), 0);
}

#[test]
fn a_budget_that_is_spent_exactly_delays_the_end_by_a_turn_and_loses_nothing() {
    for count in [FRAMES_PER_TURN - 1, FRAMES_PER_TURN, FRAMES_PER_TURN + 1, 3 * FRAMES_PER_TURN] {
        for last in ["", "last"] {
            let mut stage = Stage::new(polite);
            let id = stage.accept();
            stage.say(id, lines(count) + last);
            stage.finish(id);
            stage.run();
            let calls = stage.calls();
            let frames = calls.iter().filter(|call| matches!(call, Call::Frame(..))).count();
            assert_eq!(frames, count + usize::from(!last.is_empty()));
            assert_eq!(calls[calls.len() - 2..], [Call::Ended(id), Call::Closed(id, Reason::Ended)]);
        }
    }
}

#[test]
fn the_end_of_input_that_comes_while_frames_are_left_over_waits_for_them() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, lines(FRAMES_PER_TURN + 2));
    stage.turn();
    assert_eq!(stage.calls().len(), 1 + FRAMES_PER_TURN);
    stage.hub.input_over(id);
    assert_eq!(stage.calls(), [], "the turn's budget is spent");
    stage.run();
    let calls = stage.calls();
    assert_eq!(calls.len(), 2 + 2);
    assert_eq!(calls[calls.len() - 2..], [Call::Ended(id), Call::Closed(id, Reason::Ended)]);
}

#[test]
fn a_hold_while_frames_are_left_over_keeps_them_and_lets_the_loop_sleep() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, lines(FRAMES_PER_TURN + 2));
    stage.turn();
    stage.act(|cx| cx.hold(id, Hold::FLOOD));
    stage.quiet();
    assert_eq!(stage.calls().len(), 1 + FRAMES_PER_TURN);
    stage.act(|cx| cx.release(id, Hold::FLOOD));
    stage.quiet();
    assert_eq!(stage.calls().len(), 2);
}

#[test]
fn empty_length_frames_and_chunks_are_counted_like_others() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::LENGTH, ..profile() }, polite);
    let id = stage.accept();
    stage.say(id, vec![0; 4 * (FRAMES_PER_TURN + 1)]);
    stage.turn();
    assert_eq!(stage.calls().len(), 1 + FRAMES_PER_TURN);
    stage.turn();
    assert_eq!(stage.calls().len(), 1);
    assert_eq!(stage.hub.tally().frames, FRAMES_PER_TURN as u64 + 1);
}

#[test]
fn what_is_sent_in_drained_waits_for_the_next_turn_which_follows_without_sleep() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Drained(id) = call {
            let _ = cx.send(*id, b"drained");
        }
    });
    let id = stage.accept();
    stage.send_wire(id, &vec![b'a'; 64 * 1024]);
    stage.turn();
    assert_eq!((stage.calls().last(), stage.written(id).len()), (Some(&Call::Drained(id)), 64 * 1024));
    assert!(stage.hub.is_busy());
    stage.turn();
    assert!(stage.written(id).ends_with("drained\n"));
}

#[test]
fn what_is_sent_in_closed_waits_for_the_next_turn_which_follows_without_sleep() {
    let others = Rc::new(RefCell::new(None));
    let other = Rc::clone(&others);
    let mut stage = Stage::new(move |cx, call| match (call, *other.borrow()) {
        (Call::Closed(_, _), Some(other)) => {
            let _ = cx.send(other, b"somebody left");
        }
        _ => polite(cx, call),
    });
    let (id, other) = (stage.accept(), stage.accept());
    *others.borrow_mut() = Some(other);
    stage.run();
    stage.finish(id);
    stage.turn();
    assert_eq!(stage.written(other), "");
    assert!(stage.hub.is_busy());
    stage.turn();
    assert_eq!(stage.written(other), "somebody left\n");
}

/// A service that only notes things down when it is called, and acts in `turn_end`, must get a `turn_end` behind every
/// call, or what it noted would wait until somebody else wakes the loop.
#[test]
fn whoever_is_called_in_flush_gets_a_turn_end_without_sleep() {
    type Start = fn(&mut Stage, parlor::hub::ConnId);
    let starts: [(&str, Start); 4] = [
        ("closed", |stage, id| stage.act(|cx| cx.close(id))),
        ("lost", |stage, id| stage.hub.fail(id, Reason::Stalled)),
        ("drained", |stage, id| stage.send_wire(id, &vec![b'a'; 64 * 1024])),
        ("slow", |stage, id| stage.send_wire(id, &vec![b'a'; 2 << 20])),
    ];
    for (name, start) in starts {
        let noted = Rc::new(Cell::new(0));
        let count = Rc::clone(&noted);
        let mut stage = Stage::new(move |_, call| match call {
            Call::TurnEnd => count.set(0),
            _ => count.set(count.get() + 1),
        });
        let id = stage.accept();
        stage.run();
        start(&mut stage, id);
        stage.turn();
        assert_ne!(noted.get(), 0, "{name}: it was called in flush");
        assert!(stage.hub.is_busy(), "{name}: another turn follows");
        stage.quiet();
        assert_eq!(noted.get(), 0, "{name}: its turn_end came");
    }
}

#[test]
fn an_idle_hub_lets_the_loop_sleep_without_end() {
    let mut stage = Stage::new(polite);
    for _ in 0..100 {
        stage.accept();
    }
    stage.run();
    assert!(stage.is_quiet());
    assert_eq!(stage.hub.deadline(), None);
}

#[test]
fn a_deadline_in_the_past_is_met_in_the_next_turn_and_not_in_this_one() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Timer(id) = call {
            cx.set_timer(*id, Moment::START);
        }
    });
    let id = stage.accept();
    stage.act(|cx| cx.set_timer(id, Moment::START));
    for _ in 0..3 {
        stage.calls();
        assert_eq!(stage.hub.deadline(), Some(Moment::START), "so the loop does not sleep");
        stage.turn();
        assert_eq!(stage.calls(), [Call::Timer(id)]);
    }
}
