//! Deadlines of connections and of services, and what time it is.

use std::cell::RefCell;
use std::rc::Rc;

use parlor::hub::{Hold, Limits, Moment, Wall};

use super::player::{Call, Player, frame, polite};
use super::stage::{Stage, profile, seconds};

#[test]
fn a_timer_fires_once_and_not_early() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    let when = stage.now + seconds(10);
    stage.act(|cx| cx.set_timer(id, when));
    assert_eq!(stage.hub.deadline(), Some(when));
    stage.pass(seconds(9));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), [Call::Timer(id)]);
    stage.pass(seconds(1000));
    assert_eq!(stage.calls(), []);
    assert_eq!(stage.hub.deadline(), None);
}

#[test]
fn setting_a_timer_replaces_the_one_there_was() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    for (settings, fires) in [(vec![10, 20], 20), (vec![20, 10], 10), (vec![10, 30, 20], 20), (vec![20, 10, 30], 30)] {
        stage.calls();
        let begin = stage.now;
        stage.act(|cx| settings.iter().for_each(|&after| cx.set_timer(id, begin + seconds(after))));
        stage.pass(seconds(fires - 1));
        assert_eq!(stage.calls(), [], "{settings:?}: not early");
        stage.pass(seconds(1));
        assert_eq!(stage.calls(), [Call::Timer(id)], "{settings:?}");
        stage.pass(seconds(50));
        assert_eq!(stage.calls(), [], "{settings:?}: once");
    }
}

#[test]
fn a_timer_can_be_cancelled() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    let when = stage.now + seconds(10);
    stage.act(|cx| {
        cx.set_timer(id, when);
        cx.set_timer(id, Moment::NEVER);
    });
    stage.pass(seconds(1000));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
}

#[test]
fn a_timer_can_be_set_again_where_it_fires() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Timer(id) = call {
            let next = cx.now() + seconds(1);
            cx.set_timer(*id, next);
        }
    });
    let id = stage.accept();
    stage.act(|cx| cx.set_timer(id, Moment::START));
    stage.turn();
    stage.pass(seconds(10));
    assert_eq!(stage.calls().len(), 1 + 1 + 10);
}

#[test]
fn a_timer_fires_while_the_connection_is_held_full_or_ended() {
    let limits = Limits { high: 10, low: 1, ..Limits::default() };
    let mut stage = Stage::with_limits(limits, |_, _| {});
    let (held, full, ended) = (stage.accept(), stage.accept(), stage.accept());
    stage.peer(full).window = 0;
    stage.finish(ended);
    let when = stage.now + seconds(10);
    stage.act(|cx| {
        cx.hold(held, Hold::JOB);
        let _ = cx.send(full, b"0123456789");
        for id in [held, full, ended] {
            cx.set_timer(id, when);
        }
    });
    stage.run();
    stage.calls();
    stage.pass(seconds(10));
    let mut calls = stage.calls();
    calls.sort_by_key(|call| format!("{call:?}"));
    assert_eq!(calls, [Call::Timer(held), Call::Timer(full), Call::Timer(ended)]);
}

#[test]
fn a_connection_that_is_gone_has_no_timer() {
    let mut stage = Stage::new(polite);
    let (closed, lost) = (stage.accept(), stage.accept());
    let when = stage.now + seconds(1);
    stage.act(|cx| {
        cx.set_timer(closed, when);
        cx.set_timer(lost, when);
        cx.close(closed);
    });
    stage.hub.fail(lost, parlor::hub::Reason::Stalled);
    stage.run();
    stage.calls();
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), []);
    stage.pass(seconds(10));
    assert_eq!((stage.hub.is_empty(), stage.hub.deadline()), (true, None));
}

#[test]
fn a_newcomer_does_not_inherit_the_timer_of_whoever_had_its_slot() {
    let mut stage = Stage::new(polite);
    let first = stage.accept();
    let when = stage.now + seconds(10);
    stage.act(|cx| cx.set_timer(first, when));
    stage.hub.fail(first, parlor::hub::Reason::Stalled);
    stage.run();
    let second = stage.accept();
    assert_eq!(first.slot(), second.slot());
    stage.calls();
    assert_eq!(stage.hub.deadline(), None);
    stage.pass(seconds(100));
    assert_eq!(stage.calls(), []);
}

#[test]
fn timers_fire_in_the_order_of_their_times() {
    let mut stage = Stage::new(polite);
    let ids: Vec<_> = (0..50).map(|_| stage.accept()).collect();
    let now = stage.now;
    let after = |index: usize| (index as u64 * 37) % 50;
    stage.act(|cx| (0..50).for_each(|index| cx.set_timer(ids[index], now + seconds(after(index)))));
    stage.calls();
    stage.pass(seconds(50));
    let mut order: Vec<usize> = (0..50).collect();
    order.sort_by_key(|&index| after(index));
    assert_eq!(stage.calls(), order.into_iter().map(|index| Call::Timer(ids[index])).collect::<Vec<_>>());
}

#[test]
fn an_alarm_fires_once_and_setting_it_replaces_it() {
    let mut stage = Stage::new(polite);
    let now = stage.now;
    stage.act(|cx| {
        cx.set_alarm(now + seconds(5));
        cx.set_alarm(now + seconds(10));
    });
    assert_eq!(stage.hub.deadline(), Some(now + seconds(10)));
    stage.pass(seconds(9));
    assert_eq!(stage.calls(), []);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), [Call::Alarm]);
    stage.pass(seconds(100));
    assert_eq!(stage.calls(), []);
    stage.act(|cx| cx.set_alarm(now + seconds(200)));
    stage.act(|cx| cx.set_alarm(Moment::NEVER));
    assert_eq!(stage.hub.deadline(), None);
    stage.pass(seconds(1000));
    assert_eq!(stage.calls(), []);
}

#[test]
fn an_alarm_in_the_past_fires_in_the_next_turn_without_sleep() {
    let mut stage = Stage::new(|cx, call| {
        if matches!(call, Call::Alarm) {
            cx.set_alarm(Moment::START);
        }
    });
    stage.act(|cx| cx.set_alarm(Moment::START));
    for _ in 0..3 {
        assert!(!stage.is_quiet());
        stage.turn();
        assert_eq!(stage.calls(), [Call::Alarm]);
    }
}

#[test]
fn each_service_has_an_alarm_of_its_own() {
    let mut stage = Stage::new(polite);
    let other = stage.hub.add(Player::new(polite));
    let now = stage.now;
    stage.act(|cx| cx.set_alarm(now + seconds(10)));
    stage.hub.with(other, |_: &mut Player, cx| cx.set_alarm(now + seconds(5))).unwrap();
    stage.pass(seconds(5));
    assert_eq!(stage.calls(), []);
    assert_eq!(stage.hub.service::<Player>(other).unwrap().calls, [Call::Alarm]);
    stage.pass(seconds(5));
    assert_eq!(stage.calls(), [Call::Alarm]);
    assert_eq!(stage.hub.service::<Player>(other).unwrap().calls.len(), 1);
}

#[test]
fn what_time_it_is_comes_from_outside_and_stands_still_for_a_turn() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    let mut stage = Stage::with_profile(profile(), move |cx, _| {
        log.borrow_mut().push((cx.now(), cx.wall()));
    });
    for (nanos, millis) in [(7, 5), (7, 3), (9, 4_102_444_800_000)] {
        seen.borrow_mut().clear();
        let (now, wall) = (Moment::from_nanos(nanos), Wall::from_millis(millis));
        stage.hub.begin(now, wall);
        let id = stage.accept();
        stage.hub.receive(id, b"a\nb\n");
        stage.hub.expire();
        stage.hub.turn_end();
        stage.flush();
        assert_eq!(*seen.borrow(), [(now, wall); 4], "opened, two frames, turn_end: the wall may go back");
    }
}

#[test]
fn a_clock_that_does_not_move_delivers_all_the_same() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, "a\n");
    stage.run();
    stage.say(id, "b\n");
    stage.run();
    assert_eq!(stage.calls()[1..], [frame(id, "a"), frame(id, "b")]);
}

#[test]
fn moments_can_be_counted_with_up_to_the_end_of_time() {
    let now = Moment::from_nanos(5);
    assert_eq!(now + seconds(1), Moment::from_nanos(1_000_000_005));
    assert_eq!(now + std::time::Duration::MAX, Moment::NEVER);
    assert_eq!(Moment::NEVER + seconds(1), Moment::NEVER);
    assert_eq!((now + seconds(3)) - now, seconds(3));
    assert_eq!(now - (now + seconds(3)), seconds(0), "never less than nothing");
}
