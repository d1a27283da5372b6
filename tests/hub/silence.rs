//! Silence: a peer that says nothing for too long goes, but only while we listen to it.

use std::time::Duration;

use parlor::hub::{ConnId, Fault, Framing, Hold, Moment, Profile, Reason};

use super::player::{Call, frame, polite};
use super::stage::{Stage, profile, seconds};

fn silent_after(span: Duration) -> (Stage, ConnId) {
    let mut stage = Stage::with_profile(Profile { silence: Some(span), ..profile() }, polite);
    let id = stage.accept();
    stage.calls();
    (stage, id)
}

fn told(id: ConnId, seconds: u32) -> [Call; 2] {
    let fault = Fault::Silent { seconds };
    [Call::Fault(id, fault), Call::Closed(id, Reason::Fault(fault))]
}

#[test]
fn a_peer_that_is_silent_for_too_long_is_told_so_and_closed() {
    let (mut stage, id) = silent_after(seconds(300));
    stage.pass(Duration::from_nanos(299_999_999_999));
    assert_eq!(stage.calls(), []);
    stage.pass(Duration::from_nanos(1));
    assert_eq!(stage.calls(), told(id, 300));
    assert_eq!(stage.written(id), format!("{}\n", Fault::Silent { seconds: 300 }));
}

#[test]
fn any_byte_is_life() {
    let (mut stage, id) = silent_after(seconds(300));
    for byte in ["a", "\n", "\r", "b"] {
        stage.pass(seconds(299));
        stage.say(id, byte);
        stage.run();
    }
    assert_eq!(stage.calls(), [frame(id, "a")]);
    stage.pass(seconds(300));
    assert_eq!(stage.calls(), told(id, 300));
}

#[test]
fn bytes_do_not_move_the_deadline_it_is_found_early_and_set_again() {
    let (mut stage, id) = silent_after(seconds(300));
    let first = stage.hub.deadline().unwrap();
    assert_eq!(first, stage.now + seconds(300));
    stage.pass(seconds(100));
    stage.say(id, "a\n");
    stage.run();
    assert_eq!(stage.hub.deadline(), Some(first));
    stage.pass(seconds(200));
    assert_eq!(stage.hub.deadline(), Some(first + seconds(100)));
    assert_eq!(stage.calls(), [frame(id, "a")]);
}

#[test]
fn silence_stands_still_while_we_do_not_listen() {
    let (mut stage, id) = silent_after(seconds(300));
    stage.pass(seconds(200));
    stage.act(|cx| cx.hold(id, Hold::JOB));
    stage.pass(seconds(10_000));
    assert_eq!(stage.calls(), []);
    stage.act(|cx| cx.release(id, Hold::JOB));
    stage.pass(seconds(299));
    assert_eq!(stage.calls(), [], "the whole span begins with the release");
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), told(id, 300));
}

#[test]
fn silence_goes_on_only_when_the_last_reason_is_released() {
    let (mut stage, id) = silent_after(seconds(300));
    stage.act(|cx| {
        cx.hold(id, Hold::JOB);
        cx.hold(id, Hold::FLOOD);
        cx.release(id, Hold::JOB);
    });
    stage.pass(seconds(10_000));
    stage.act(|cx| cx.release(id, Hold::FLOOD));
    stage.pass(seconds(299));
    assert_eq!(stage.calls(), []);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), told(id, 300));
}

#[test]
fn silence_stands_still_while_the_output_is_full() {
    let (mut stage, id) = silent_after(seconds(10));
    stage.peer(id).window = 0;
    stage.send_wire(id, &vec![b'a'; 64 * 1024]);
    stage.pass(seconds(50));
    assert_eq!(stage.calls(), []);
    stage.grant(id, usize::MAX);
    stage.pass(seconds(9));
    assert_eq!(stage.calls(), [Call::Drained(id)]);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), told(id, 10));
}

#[test]
fn a_peer_whose_input_is_over_is_not_called_silent() {
    let mut stage = Stage::with_profile(Profile { silence: Some(seconds(10)), ..profile() }, |_, _| {});
    let id = stage.accept();
    stage.finish(id);
    stage.pass(seconds(1000));
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Ended(id)]);
}

#[test]
fn another_span_counts_from_what_was_heard_last() {
    let (mut stage, id) = silent_after(seconds(300));
    stage.pass(seconds(100));
    stage.act(|cx| cx.set_silence(id, Some(seconds(150))));
    stage.pass(seconds(49));
    assert_eq!(stage.calls(), []);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), told(id, 150));
}

#[test]
fn a_span_that_is_over_already_ends_the_connection_in_the_next_turn() {
    let (mut stage, id) = silent_after(seconds(300));
    stage.pass(seconds(100));
    stage.act(|cx| cx.set_silence(id, Some(seconds(50))));
    stage.quiet();
    assert_eq!(stage.calls(), told(id, 50));
}

#[test]
fn silence_can_be_allowed_for_ever() {
    let (mut stage, id) = silent_after(seconds(300));
    stage.act(|cx| cx.set_silence(id, None));
    stage.pass(seconds(100_000));
    assert_eq!(stage.calls(), []);
    assert_eq!(stage.hub.deadline(), None, "and costs no wake-up");
}

#[test]
fn no_span_becomes_shorter_than_it_was_asked_for() {
    let (mut stage, id) = silent_after(Duration::from_millis(1500));
    stage.pass(Duration::from_millis(1999));
    assert_eq!(stage.calls(), []);
    stage.pass(Duration::from_millis(1));
    assert_eq!(stage.calls(), told(id, 2));
}

#[test]
fn silence_of_more_than_a_century_is_no_trouble() {
    let (mut stage, id) = silent_after(Duration::MAX);
    stage.pass(seconds(1_000_000_000));
    assert_eq!(stage.calls(), []);
    stage.act(|cx| assert_eq!(cx.heard(id), Some(Moment::START + seconds(1000))));
}

#[test]
fn it_is_known_when_the_last_byte_came() {
    let (mut stage, id) = silent_after(seconds(300));
    let begin = stage.now;
    stage.pass(seconds(10));
    assert_eq!(stage.act(|cx| cx.heard(id)), Some(begin));
    stage.say(id, "part of a line");
    stage.run();
    stage.pass(seconds(10));
    assert_eq!(stage.act(|cx| cx.heard(id)), Some(begin + seconds(10)));
    stage.act(|cx| cx.hold(id, Hold::JOB));
    stage.pass(seconds(10));
    assert_eq!(stage.act(|cx| cx.heard(id)), Some(begin + seconds(30)), "we do not listen: it can't be blamed");
}

#[test]
fn the_silent_are_told_in_their_own_framing() {
    let silence = Some(seconds(5));
    let mut stage = Stage::with_profile(Profile { silence, framing: Framing::LENGTH, ..profile() }, polite);
    let id = stage.accept();
    stage.pass(seconds(5));
    let mut expected = Vec::new();
    Framing::LENGTH.encode(Fault::Silent { seconds: 5 }.to_string().as_bytes(), &mut expected);
    assert_eq!(stage.peer(id).written, expected);
}
