//! Holds: a connection that is not read for now, and how it goes on.

use parlor::hub::{Fault, Framing, Hold, Profile, Reason};

use super::player::{Call, chunk, frame, polite};
use super::stage::{Stage, profile, seconds};

/// Holds behind every frame that begins with `h`.
fn holding() -> Stage {
    Stage::with_profile(Profile { framing: Framing::Lines { max: 8 }, ..profile() }, |cx, call| match call {
        Call::Frame(id, text) if text.starts_with('h') => cx.hold(*id, Hold::JOB),
        _ => polite(cx, call),
    })
}

#[test]
fn a_hold_stops_the_next_frame_though_it_is_buffered() {
    let mut stage = holding();
    let id = stage.accept();
    stage.say(id, "a\nh1\nb\nh2\nc\n");
    stage.run();
    assert_eq!(stage.calls()[1..], [frame(id, "a"), frame(id, "h1")]);
    for told in [vec![frame(id, "b"), frame(id, "h2")], vec![frame(id, "c")]] {
        stage.act(|cx| cx.release(id, Hold::JOB));
        assert_eq!(stage.calls(), [], "not from inside release");
        stage.run();
        assert_eq!(stage.calls(), told);
    }
}

#[test]
fn a_released_connections_buffered_frames_come_before_its_new_input() {
    let mut stage = holding();
    let id = stage.accept();
    stage.say(id, "h\na\nb");
    stage.run();
    stage.say(id, "c\nd\n");
    stage.act(|cx| cx.release(id, Hold::JOB));
    stage.turn();
    assert_eq!(stage.calls()[1..], [frame(id, "h"), frame(id, "a"), frame(id, "bc"), frame(id, "d")]);
}

#[test]
fn a_held_connection_lets_the_loop_sleep_and_is_woken_by_its_release_alone() {
    let mut stage = holding();
    let id = stage.accept();
    stage.say(id, "h\na\n");
    stage.run();
    stage.say(id, "b\n"); // the event comes while it is held
    stage.run();
    assert!(stage.is_quiet());
    stage.act(|cx| cx.release(id, Hold::JOB));
    assert!(!stage.is_quiet());
    stage.quiet();
    assert_eq!(stage.calls()[1..], [frame(id, "h"), frame(id, "a"), frame(id, "b")]);
}

#[test]
fn every_reason_must_be_released_and_each_stands_once() {
    let holds = [Hold::FLOOD, Hold::JOB, Hold::PEER].into_iter().chain((0..13).map(Hold::own)).collect::<Vec<_>>();
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, "a\n");
    for &hold in &holds {
        stage.act(|cx| (0..3).for_each(|_| cx.hold(id, hold)));
    }
    for &hold in &holds {
        stage.run();
        assert_eq!(stage.calls().iter().filter(|call| matches!(call, Call::Frame(..))).count(), 0, "{hold:?} stands");
        stage.act(|cx| cx.release(id, hold));
    }
    stage.run();
    assert_eq!(stage.calls(), [frame(id, "a")]);
}

#[test]
fn releasing_what_was_not_held_does_nothing() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| cx.release(id, Hold::JOB));
    assert!(stage.is_quiet());
    stage.act(|cx| cx.hold(id, Hold::JOB));
    stage.act(|cx| cx.release(id, Hold::FLOOD));
    stage.say(id, "a\n");
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
}

#[test]
#[should_panic(expected = "three of the sixteen bits have names")]
fn a_service_has_thirteen_reasons_of_its_own() {
    let _ = Hold::own(13);
}

#[test]
fn a_release_taken_back_before_the_next_turn_delivers_nothing() {
    let mut stage = holding();
    let id = stage.accept();
    stage.say(id, "h\na\n");
    stage.run();
    stage.calls();
    stage.act(|cx| {
        cx.release(id, Hold::JOB);
        cx.hold(id, Hold::FLOOD);
    });
    stage.run();
    assert_eq!(stage.calls(), []);
    stage.act(|cx| cx.release(id, Hold::FLOOD));
    stage.run();
    assert_eq!(stage.calls(), [frame(id, "a")]);
}

#[test]
fn a_hold_and_its_release_inside_one_call_change_nothing() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Frame(id, _) = call {
            cx.hold(*id, Hold::JOB);
            cx.release(*id, Hold::JOB);
        }
    });
    let id = stage.accept();
    stage.say(id, "a\nb\nc");
    stage.run();
    stage.say(id, "\n");
    stage.run();
    assert_eq!(stage.calls()[1..], [frame(id, "a"), frame(id, "b"), frame(id, "c")]);
}

#[test]
fn ended_waits_for_the_release_and_comes_behind_what_was_buffered() {
    for buffered in ["", "a\nlast"] {
        let mut stage = holding();
        let id = stage.accept();
        stage.say(id, format!("h\n{buffered}"));
        stage.run();
        stage.hub.input_over(id); // as if the end had been read together with the bytes
        stage.run();
        assert_eq!(stage.calls()[1..], [frame(id, "h")]);
        stage.act(|cx| cx.release(id, Hold::JOB));
        stage.run();
        let mut told: Vec<Call> = buffered.split_terminator('\n').map(|line| frame(id, line)).collect();
        told.extend([Call::Ended(id), Call::Closed(id, Reason::Ended)]);
        assert_eq!(stage.calls(), told);
        assert!(stage.hub.is_empty());
    }
}

#[test]
fn a_hold_in_the_last_frame_keeps_ended_back() {
    for stream in ["h\n", "h"] {
        let mut stage = holding();
        let id = stage.accept();
        stage.say(id, stream);
        stage.finish(id);
        stage.run();
        assert_eq!(stage.calls()[1..], [frame(id, "h")]);
        stage.act(|cx| cx.release(id, Hold::JOB));
        stage.run();
        assert_eq!(stage.calls(), [Call::Ended(id), Call::Closed(id, Reason::Ended)]);
    }
}

#[test]
fn a_fault_in_the_input_waits_for_the_release() {
    for (buffered, fault) in
        [("much too long\n", Fault::TooLong { max: 8 }), ("endlessly long", Fault::TooLong { max: 8 })]
    {
        let mut stage = holding();
        let id = stage.accept();
        stage.say(id, format!("h\n{buffered}"));
        stage.finish(id);
        stage.run();
        assert_eq!(stage.calls()[1..], [frame(id, "h")]);
        stage.act(|cx| cx.release(id, Hold::JOB));
        stage.run();
        assert_eq!(stage.calls(), [Call::Fault(id, fault), Call::Closed(id, Reason::Fault(fault))]);
    }
}

#[test]
fn a_raw_stretch_waits_for_the_release() {
    let mut stage = Stage::new(|cx, call| match call {
        Call::Frame(id, _) => {
            cx.set_raw(*id, 4);
            cx.hold(*id, Hold::PEER);
        }
        Call::Chunk(id, _) => cx.hold(*id, Hold::PEER),
        _ => {}
    });
    let id = stage.accept();
    stage.say(id, "raw\nab");
    stage.run();
    stage.say(id, "cd\n");
    stage.run();
    assert_eq!(stage.calls()[1..], [frame(id, "raw")]);
    for told in [chunk(id, "ab"), chunk(id, "cd"), frame(id, "")] {
        stage.act(|cx| cx.release(id, Hold::PEER));
        stage.run();
        assert_eq!(stage.calls(), [told]);
    }
}

#[test]
fn one_connection_can_hold_and_release_another() {
    let mut stage = Stage::new(|cx, call| {
        let Call::Frame(id, text) = call else { return };
        let other = parlor::hub::ConnId::from_bits(if id.slot() == 0 { (2 << 32) | 1 } else { 1 << 32 }).unwrap();
        match text.as_str() {
            "hold" => cx.hold(other, Hold::PEER),
            "release" => cx.release(other, Hold::PEER),
            _ => {}
        }
    });
    let (one, two) = (stage.accept(), stage.accept());
    stage.calls();
    stage.say(one, "hold\n");
    stage.say(two, "a\n");
    stage.run();
    assert_eq!(stage.calls(), [frame(one, "hold")], "it is not read in this turn either");
    stage.say(one, "release\n");
    stage.run();
    assert_eq!(stage.calls(), [frame(one, "release"), frame(two, "a")]);
}

#[test]
fn a_connection_held_in_opened_is_not_read() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Opened(id) = call {
            cx.hold(*id, Hold::own(3));
        }
    });
    let id = stage.accept();
    assert_eq!(stage.hub.intake(id), 0);
    stage.say(id, "a\n");
    stage.pass(seconds(1000));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.act(|cx| cx.release(id, Hold::own(3)));
    stage.run();
    assert_eq!(stage.calls(), [frame(id, "a")]);
}

#[test]
fn a_held_connection_still_takes_output() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| {
        cx.hold(id, Hold::JOB);
        let _ = cx.send(id, b"patience");
    });
    stage.run();
    assert_eq!(stage.written(id), "patience\n");
}
