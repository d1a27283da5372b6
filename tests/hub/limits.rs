//! Bounds that change while a connection stands, and newcomers that may not come in.

use std::rc::Rc;

use parlor::hub::{Act, Address, Fault, Framing, Limits, Profile, REFUSED, Reason, Sent};

use super::player::{Call, frame, polite};
use super::stage::{Stage, profile, seconds};

fn usual() -> Limits {
    Limits { high: 100, low: 20, lag: 200, lag_for: seconds(5), output: 400, ..Limits::default() }
}

fn set(stage: &mut Stage, id: parlor::hub::ConnId, limits: Limits) {
    let limits = Rc::new(limits);
    stage.act(|cx| cx.set_limits(id, &limits));
}

#[test]
fn other_bounds_hold_for_what_is_sent_from_now_on() {
    let mut stage = Stage::with_limits(usual(), polite);
    let (id, other) = (stage.accept(), stage.accept());
    set(&mut stage, id, Limits { high: 10, output: 15, ..usual() });
    stage.act(|cx| {
        assert_eq!(cx.send_wire(other, &[b'a'; 50]), Sent::Queued, "another connection keeps its own");
        assert_eq!(cx.room(id), 10);
        assert_eq!(cx.send_wire(id, &[b'a'; 9]), Sent::Queued);
        assert_eq!(cx.send_wire(id, b"a"), Sent::Full);
        assert_eq!(cx.send_wire(id, &[b'a'; 6]), Sent::Gone);
    });
}

#[test]
fn a_higher_high_mark_lets_input_be_read_again() {
    let mut stage = Stage::with_limits(usual(), polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| assert_eq!(cx.send_wire(id, &[b'a'; 100]), Sent::Full));
    stage.say(id, "a\n");
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    set(&mut stage, id, Limits { high: 101, ..usual() });
    stage.quiet();
    assert_eq!(stage.calls(), [frame(id, "a")]);
    stage.grant(id, 80);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Drained(id)], "what was promised comes all the same");
}

#[test]
fn a_lower_high_mark_stops_the_reading_of_input_until_the_low_mark() {
    let mut stage = Stage::with_limits(usual(), polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| assert_eq!(cx.send_wire(id, &[b'a'; 60]), Sent::Queued));
    stage.run();
    set(&mut stage, id, Limits { high: 50, ..usual() });
    stage.say(id, "a\n");
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.grant(id, 40);
    stage.quiet();
    assert_eq!(stage.calls(), [frame(id, "a")], "nobody was told Full, so nobody is told of drained");
}

#[test]
fn a_higher_lag_forgives_who_lagged() {
    let mut stage = Stage::with_limits(usual(), polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| assert_eq!(cx.send_wire(id, &[b'a'; 200]), Sent::Full));
    stage.pass(seconds(4));
    set(&mut stage, id, Limits { lag: 201, ..usual() });
    stage.pass(seconds(10));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
}

#[test]
fn a_lower_lag_begins_to_count_at_once() {
    let mut stage = Stage::with_limits(usual(), polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| assert_eq!(cx.send_wire(id, &[b'a'; 99]), Sent::Queued));
    stage.pass(seconds(10));
    set(&mut stage, id, Limits { lag: 50, ..usual() });
    stage.pass(seconds(4));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.pass(seconds(1));
    let slow = Fault::Slow;
    assert_eq!(stage.calls(), [Call::Fault(id, slow), Call::Closed(id, Reason::Fault(slow))]);
}

#[test]
fn a_shorter_stall_is_kept_to() {
    let mut stage = Stage::with_limits(usual(), polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| assert_eq!(cx.send(id, b"a"), Sent::Queued));
    stage.run();
    set(&mut stage, id, Limits { stall: seconds(3), ..usual() });
    stage.pass(seconds(2));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), [Call::Closed(id, Reason::Stalled)]);
}

#[test]
fn a_shorter_farewell_and_linger_are_kept_to() {
    let limits = Limits { farewell: seconds(3), linger: seconds(1), linger_bytes: 10, ..usual() };
    let mut stage = Stage::with_limits(limits, polite);
    let (slow, quick) = (stage.accept(), stage.accept());
    stage.peer(slow).window = 0;
    stage.act(|cx| {
        let _ = cx.send(slow, b"a");
        cx.close(slow);
        cx.close(quick);
    });
    stage.run();
    assert_eq!(stage.hub.intake(quick), 10);
    stage.pass(seconds(1));
    assert_eq!((stage.peer(slow).acts.len(), stage.peer(quick).acts.len()), (0, 2));
    stage.pass(seconds(2));
    assert_eq!(stage.peer(slow).acts, [Act::Free]);
}

#[test]
fn unread_input_is_bounded_and_a_whole_frame_always_fits() {
    let small = Limits { unread: 10, ..Limits::default() };
    for (framing, room) in [
        (Framing::Lines { max: 5 }, 10),
        (Framing::Lines { max: 20 }, 22),
        (Framing::Length { max: 5 }, 10),
        (Framing::Length { max: 20 }, 24),
        (Framing::Fixed, 1024),
        (Framing::Raw, 10),
    ] {
        let limits = Rc::new(small.clone());
        let mut stage = Stage::with_profile(Profile { framing, limits, ..profile() }, polite);
        let id = stage.accept();
        assert_eq!(stage.hub.intake(id), room, "{framing:?}");
    }
}

#[test]
fn what_waits_for_the_rest_of_its_frame_counts_as_unread() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::LENGTH, ..profile() }, polite);
    let id = stage.accept();
    let whole = 64 * 1024 + 4;
    assert_eq!(stage.hub.intake(id), whole);
    stage.say(id, "\0\u{1}\0\0");
    stage.say(id, vec![b'a'; 64 * 1024 - 1]);
    stage.run();
    assert_eq!(stage.hub.intake(id), 1, "the last byte of the longest frame");
    stage.say(id, "b\0\0\0\0");
    stage.run();
    assert_eq!(stage.hub.intake(id), whole);
    assert_eq!(stage.calls().len(), 3);
}

#[test]
fn a_held_connection_is_read_no_further_whatever_it_sends() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Frame(id, _) = call {
            cx.hold(*id, parlor::hub::Hold::JOB);
        }
    });
    let id = stage.accept();
    stage.say(id, "a\n".repeat(100 * 1024));
    stage.run();
    assert_eq!(stage.peer(id).incoming.len(), 2 * 100 * 1024 - 64 * 1024, "one read, and no more");
}

fn refuse(stage: &mut Stage) -> Option<parlor::hub::ConnId> {
    let id = stage.hub.refused(stage.listener, Address::Unix(None), "! full: come back later")?;
    stage.attach(id);
    Some(id)
}

#[test]
fn a_refused_newcomer_is_told_why_and_no_service_hears_of_it() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::LENGTH, ..profile() }, polite);
    let id = refuse(&mut stage).unwrap();
    assert_eq!((stage.hub.connections(), stage.hub.sockets()), (0, 1));
    stage.say(id, "\0\0\0\u{1}a");
    stage.run();
    assert_eq!(stage.written(id), "\0\0\0\u{17}! full: come back later");
    assert_eq!(stage.peer(id).acts, [Act::Linger]);
    stage.pass(seconds(2));
    assert_eq!(stage.peer(id).acts, [Act::Linger, Act::Free]);
    assert_eq!(stage.calls(), []);
    assert_eq!((stage.hub.tally().accepted, stage.hub.tally().refused, stage.hub.tally().freed), (1, 1, 1));
}

#[test]
fn a_refused_newcomer_that_does_not_listen_is_forgotten() {
    let mut stage = Stage::new(polite);
    let id = refuse(&mut stage).unwrap();
    stage.peer(id).window = 0;
    stage.pass(seconds(60));
    assert!(stage.hub.is_empty());
    assert_eq!(stage.calls(), []);
}

#[test]
fn beyond_64_refused_newcomers_get_no_word_until_one_is_gone() {
    let mut stage = Stage::new(polite);
    let guest = stage.accept();
    let refused: Vec<_> = (0..REFUSED).map(|_| refuse(&mut stage).unwrap()).collect();
    assert_eq!((refused.len(), refuse(&mut stage)), (64, None));
    assert_eq!((stage.hub.connections(), stage.hub.sockets()), (1, 65));
    stage.finish(refused[7]);
    stage.run();
    assert!(refuse(&mut stage).is_some());
    assert_eq!(refuse(&mut stage), None);
    assert_eq!(stage.hub.tally().refused, 67);
    assert_eq!(stage.calls(), [Call::Opened(guest)]);
}
