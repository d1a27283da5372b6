//! Streams that fail: what the peer said before still counts.

use std::io::ErrorKind::{BrokenPipe, ConnectionReset};

use parlor::hub::{Act, FRAMES_PER_TURN, Framing, Hold, Profile, Reason, Sent};

use super::player::{Call, frame, polite};
use super::stage::{Stage, profile, seconds};

const PIPE: Reason = Reason::Lost(BrokenPipe);
const RESET: Reason = Reason::Lost(ConnectionReset);

#[test]
fn a_failed_write_drops_the_output_and_keeps_what_was_said_before() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).broken = Some(BrokenPipe);
    stage.send(id, b"hello");
    stage.begin();
    stage.flush(); // its write fails before its input is seen
    assert_eq!(stage.act(|cx| (cx.send(id, b"late"), cx.unsent(id))), (Sent::Gone, 0));
    stage.say(id, "a\nb\npart");
    stage.quiet();
    let told = [Call::Opened(id), frame(id, "a"), frame(id, "b"), Call::Closed(id, PIPE)];
    assert_eq!(stage.calls(), told, "no `ended`, and nothing of the line without its end");
    assert_eq!((stage.written(id).as_str(), stage.peer(id).acts.as_slice()), ("", &[Act::Free][..]));
}

#[test]
fn a_failed_write_of_a_silent_peer_closes_when_its_input_is_dry() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).broken = Some(BrokenPipe);
    stage.send(id, b"hello");
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Closed(id, PIPE)]);
    assert!(stage.hub.is_empty());
}

#[test]
fn a_failed_write_makes_a_paced_sender_readable_again() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.say(id, "a\n");
    stage.send_wire(id, &vec![b'x'; 64 * 1024]);
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.peer(id).broken = Some(BrokenPipe);
    stage.grant(id, 1);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Drained(id), frame(id, "a"), Call::Closed(id, PIPE)]);
}

#[test]
fn a_failed_write_while_held_waits_for_the_release() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| cx.hold(id, Hold::JOB));
    stage.say(id, "a\n");
    stage.peer(id).broken = Some(BrokenPipe);
    stage.send(id, b"hello");
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.act(|cx| cx.release(id, Hold::JOB));
    stage.quiet();
    assert_eq!(stage.calls(), [frame(id, "a"), Call::Closed(id, PIPE)]);
}

#[test]
fn a_failed_stream_that_is_never_released_is_given_up_after_a_minute() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| cx.hold(id, Hold::JOB));
    stage.say(id, "a\n");
    stage.reset(id, ConnectionReset);
    stage.hub.write_failed(id, BrokenPipe);
    stage.pass(seconds(59));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), [Call::Closed(id, PIPE)], "for the reason that came first");
    assert!(stage.hub.is_empty());
}

#[test]
fn a_failed_write_behind_the_end_of_input_frees_at_once() {
    let mut stage = Stage::new(|_, _| {});
    let id = stage.accept();
    stage.finish(id);
    stage.run();
    stage.peer(id).broken = Some(BrokenPipe);
    stage.send(id, b"answer");
    stage.turn();
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Ended(id), Call::Closed(id, PIPE)]);
    assert!(stage.hub.is_empty());
}

#[test]
fn a_failed_write_while_closing_or_lingering_frees() {
    for window in [0, usize::MAX] {
        let mut stage = Stage::new(polite);
        let id = stage.accept();
        stage.peer(id).window = window;
        stage.act(|cx| {
            let _ = cx.send(id, b"goodbye");
            cx.close(id);
        });
        stage.run();
        stage.hub.write_failed(id, BrokenPipe);
        stage.quiet();
        assert_eq!(stage.calls(), [Call::Opened(id), Call::Closed(id, Reason::Closed)]);
        assert!(stage.hub.is_empty());
    }
}

#[test]
fn a_failed_read_delivers_what_was_buffered_and_then_closes() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::LENGTH, ..profile() }, polite);
    let id = stage.accept();
    stage.say(id, "\0\0\0\u{1}a\0\0\0\u{5}par");
    stage.reset(id, ConnectionReset);
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id), frame(id, "a"), Call::Closed(id, RESET)], "and no fault");
    assert!(stage.hub.is_empty());
}

#[test]
fn a_failed_read_behind_more_frames_than_a_turn_takes_delivers_them_all() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, "x\n".repeat(2 * FRAMES_PER_TURN + 1));
    stage.turn();
    stage.hub.read_failed(id, ConnectionReset);
    stage.quiet();
    let calls = stage.calls();
    assert_eq!(calls.len(), 1 + 2 * FRAMES_PER_TURN + 1 + 1);
    assert_eq!(calls.last(), Some(&Call::Closed(id, RESET)));
}

#[test]
fn a_failed_read_while_held_delivers_behind_the_release() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Frame(id, _) = call {
            cx.hold(*id, Hold::JOB);
        }
    });
    let id = stage.accept();
    stage.say(id, "a\nb\n");
    stage.run();
    stage.hub.read_failed(id, ConnectionReset);
    stage.quiet();
    for told in [vec![frame(id, "b")], vec![Call::Closed(id, RESET)]] {
        stage.calls();
        stage.act(|cx| cx.release(id, Hold::JOB));
        stage.quiet();
        assert_eq!(stage.calls(), told);
    }
}

#[test]
fn a_service_that_closes_a_failed_stream_hears_why_it_failed() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Frame(id, _) = call {
            cx.close(*id);
        }
    });
    let id = stage.accept();
    stage.say(id, "a\nb\n");
    stage.hub.write_failed(id, BrokenPipe);
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id), frame(id, "a"), Call::Closed(id, PIPE)]);
    assert_eq!(stage.peer(id).acts, [Act::Free], "there is nothing to linger for");
}

#[test]
fn who_is_failed_from_outside_is_heard_no_more() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| cx.hold(id, Hold::JOB));
    stage.hub.receive(id, b"a\nb\n");
    stage.send(id, b"unheard");
    stage.hub.fail(id, RESET);
    assert_eq!(stage.hub.intake(id), 0);
    stage.act(|cx| {
        cx.release(id, Hold::JOB);
        assert_eq!(cx.send(id, b"late"), Sent::Gone);
    });
    stage.hub.fail(id, PIPE);
    stage.turn();
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Closed(id, RESET)]);
    assert_eq!((stage.written(id).as_str(), stage.peer(id).acts.as_slice()), ("", &[Act::Free][..]));
}

#[test]
fn a_second_failure_changes_nothing() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.hub.write_failed(id, BrokenPipe);
    stage.hub.write_failed(id, ConnectionReset);
    stage.hub.read_failed(id, ConnectionReset);
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Closed(id, PIPE)]);
}

#[test]
fn one_failed_stream_harms_no_other() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Frame(id, text) = call {
            let _ = cx.send(*id, text.as_bytes());
        }
    });
    let ids: Vec<_> = (0..20).map(|_| stage.accept()).collect();
    for (number, &id) in ids.iter().enumerate() {
        stage.say(id, format!("{number}\n"));
        if number % 2 == 0 {
            stage.reset(id, ConnectionReset);
            stage.peer(id).broken = Some(BrokenPipe);
        }
    }
    stage.run();
    for (number, &id) in ids.iter().enumerate() {
        let expected = if number % 2 == 0 { String::new() } else { format!("{number}\n") };
        assert_eq!(stage.written(id), expected);
    }
    assert_eq!(stage.hub.connections(), 10);
}
