//! Ids: the generation tells a newcomer from whoever had the slot before.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::rc::Rc;

use parlor::hub::{Act, ConnId, Framing, Hold, Limits, Moment, Reason, Sent};

use super::player::{Call, frame, polite};
use super::stage::{Stage, seconds};

/// A connection that is gone, and one that has its slot now.
fn recycled() -> (Stage, ConnId, ConnId) {
    let mut stage = Stage::new(polite);
    let old = stage.accept();
    stage.hub.fail(old, Reason::Stalled);
    stage.run();
    let new = stage.accept();
    assert_eq!(old.slot(), new.slot());
    assert_ne!(old, new);
    stage.calls();
    (stage, old, new)
}

#[test]
fn a_stale_id_gets_nothing_from_a_service_and_harms_nobody() {
    let (mut stage, old, new) = recycled();
    stage.act(|cx| {
        assert_eq!((cx.send(old, b"x"), cx.send_wire(old, b"x")), (Sent::Gone, Sent::Gone));
        assert_eq!((cx.room(old), cx.unsent(old), cx.framing(old)), (0, 0, None));
        assert!(cx.about(old).is_none() && cx.heard(old).is_none());
        let _ = cx.fits(old, 1);
        cx.hold(old, Hold::JOB);
        cx.set_timer(old, Moment::START);
        cx.set_silence(old, Some(seconds(1)));
        cx.set_framing(old, Framing::Fixed);
        cx.set_raw(old, 5);
        cx.set_limits(old, &Rc::new(Limits { output: 0, ..Limits::default() }));
        cx.end(old);
        cx.close(old);
    });
    assert!(stage.is_quiet());
    stage.say(new, "a\n");
    stage.act(|cx| {
        cx.hold(new, Hold::PEER);
        cx.release(old, Hold::PEER);
        assert_eq!(cx.send(new, b"b"), Sent::Queued);
    });
    stage.run();
    assert_eq!(stage.calls(), [], "still held");
    stage.act(|cx| cx.release(new, Hold::PEER));
    stage.pass(seconds(100));
    assert_eq!(stage.calls(), [frame(new, "a")]);
    assert_eq!((stage.written(new).as_str(), stage.peer(new).acts.len()), ("b\n", 0));
}

#[test]
fn a_stale_id_gets_nothing_from_the_loop_and_harms_nobody() {
    let (mut stage, old, new) = recycled();
    stage.act(|cx| assert_eq!(cx.send(new, b"b"), Sent::Queued));
    stage.hub.opened(old);
    stage.hub.receive(old, b"for somebody else\n");
    stage.hub.input_over(old);
    stage.hub.writable(old);
    assert_eq!((stage.hub.intake(old), stage.hub.is_deaf(old)), (0, false));
    assert_eq!(stage.hub.output(old), b"");
    stage.hub.wrote(old, 1);
    stage.hub.write_failed(old, ErrorKind::BrokenPipe);
    stage.hub.read_failed(old, ErrorKind::BrokenPipe);
    stage.hub.fail(old, Reason::Stalled);
    assert_eq!(stage.hub.settle(old), Act::Keep);
    assert!(stage.hub.about(old).is_none());
    stage.say(new, "a\n");
    stage.run();
    assert_eq!(stage.calls(), [frame(new, "a")]);
    assert_eq!(stage.written(new), "b\n");
}

#[test]
fn a_slot_is_not_given_away_before_the_flush() {
    let mut stage = Stage::new(polite);
    let old = stage.accept();
    stage.hub.fail(old, Reason::Stalled);
    let new = stage.accept();
    assert_ne!(old.slot(), new.slot());
    assert_eq!(stage.hub.connections(), 2);
    stage.run();
    assert_eq!(stage.hub.connections(), 1);
}

#[test]
fn no_id_comes_twice() {
    let mut stage = Stage::new(polite);
    let mut seen = BTreeSet::new();
    for round in 0..100 {
        let ids: Vec<_> = (0..5).map(|_| stage.accept()).collect();
        assert!(ids.iter().all(|&id| seen.insert(id)), "round {round}");
        for id in ids {
            stage.hub.fail(id, Reason::Stalled);
        }
        stage.run();
    }
    assert_eq!(stage.hub.tally().freed, 500);
    assert!(seen.iter().all(|id| id.slot() < 5), "slots are used again");
}

#[test]
fn an_id_is_a_number_of_which_the_small_ones_are_free_for_others() {
    let mut stage = Stage::new(polite);
    for _ in 0..3 {
        let id = stage.accept();
        assert!(id.to_bits() >= 1 << 32);
        assert_eq!(id.to_bits() & 0xffff_ffff, id.slot() as u64);
        assert_eq!(ConnId::from_bits(id.to_bits()), Some(id));
    }
    assert_eq!(ConnId::from_bits(0), None);
    assert_eq!(ConnId::from_bits(u64::from(u32::MAX)), None);
    assert!(ConnId::from_bits(1 << 32).is_some());
    assert_eq!(ConnId::from_bits(u64::MAX).unwrap().to_bits(), u64::MAX);
}

#[test]
fn a_closed_callback_that_opens_another_does_not_get_the_same_slot() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Closed(id, _) = call {
            let pipe = parlor::hub::Target::Pipe { input: None, output: None };
            assert_ne!(cx.open(pipe, Framing::LINES).slot(), id.slot());
        }
    });
    let id = stage.accept();
    stage.hub.fail(id, Reason::Stalled);
    stage.run();
    assert_eq!((stage.hub.connections(), stage.requests.len()), (1, 1));
}
