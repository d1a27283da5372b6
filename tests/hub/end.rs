//! Ending: our write side is shut, the peer may go on speaking; and what follows when both sides have ended.

use parlor::hub::{Act, Reason, Sent};

use super::player::{Call, frame, polite};
use super::stage::{Stage, seconds};

#[test]
fn end_shuts_the_write_side_once_what_was_sent_is_out() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 3;
    stage.act(|cx| {
        assert_eq!(cx.send(id, b"hello"), Sent::Queued);
        cx.end(id);
        cx.end(id);
        assert_eq!(cx.send(id, b"late"), Sent::Gone);
    });
    stage.run();
    assert_eq!(stage.peer(id).acts, []);
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!((stage.written(id).as_str(), stage.peer(id).acts.as_slice()), ("hello\n", &[Act::ShutWrite][..]));
}

#[test]
fn end_without_output_shuts_in_the_same_turn() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| cx.end(id));
    stage.turn();
    assert_eq!(stage.peer(id).acts, [Act::ShutWrite]);
    stage.act(|cx| cx.end(id));
    stage.run();
    assert_eq!(stage.peer(id).acts, [Act::ShutWrite], "once");
}

#[test]
fn after_end_the_peer_is_heard_until_it_ends_too() {
    let mut stage = Stage::new(|_, _| {}); // not even `ended` closes
    let id = stage.accept();
    stage.act(|cx| cx.end(id));
    stage.run();
    stage.say(id, "a\n");
    stage.run();
    assert_eq!(stage.act(|cx| cx.send(id, b"late")), Sent::Gone);
    stage.say(id, "b");
    stage.finish(id);
    stage.run();
    let told = [frame(id, "a"), frame(id, "b"), Call::Ended(id), Call::Closed(id, Reason::Ended)];
    assert_eq!(stage.calls()[1..], told);
    assert_eq!(stage.peer(id).acts, [Act::ShutWrite, Act::Free]);
}

#[test]
fn end_in_ended_sends_the_answers_and_closes() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Ended(id) = call {
            let _ = cx.send(*id, b"goodbye");
            cx.end(*id);
        }
    });
    let id = stage.accept();
    stage.peer(id).window = 4;
    stage.finish(id);
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Ended(id)]);
    stage.grant(id, 4);
    stage.quiet();
    assert_eq!(stage.written(id), "goodbye\n");
    assert_eq!(stage.calls(), [Call::Closed(id, Reason::Ended)]);
    assert_eq!(stage.peer(id).acts, [Act::ShutWrite, Act::Free]);
}

#[test]
fn the_end_of_input_before_our_own_end_is_out_closes_behind_it() {
    let mut stage = Stage::new(|_, _| {});
    let id = stage.accept();
    stage.peer(id).window = 1;
    stage.act(|cx| {
        let _ = cx.send(id, b"ab");
        cx.end(id);
    });
    stage.finish(id);
    stage.run();
    assert_eq!((stage.calls().last(), stage.peer(id).acts.len()), (Some(&Call::Ended(id)), 0));
    stage.grant(id, 2);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Closed(id, Reason::Ended)]);
    assert_eq!(stage.written(id), "ab\n");
    assert!(stage.hub.is_empty());
}

#[test]
fn end_and_then_close_is_a_close() {
    for (window, acts) in [(usize::MAX, &[Act::Linger][..]), (0, &[])] {
        let mut stage = Stage::new(polite);
        let id = stage.accept();
        stage.peer(id).window = window;
        stage.act(|cx| {
            let _ = cx.send(id, b"ab");
            cx.end(id);
            cx.close(id);
        });
        stage.run();
        assert_eq!(stage.peer(id).acts, acts);
        assert_eq!(stage.calls(), [Call::Opened(id), Call::Closed(id, Reason::Closed)]);
        stage.grant(id, usize::MAX);
        stage.quiet();
        assert_eq!((stage.written(id).as_str(), stage.peer(id).acts.as_slice()), ("ab\n", &[Act::Linger][..]));
    }
}

#[test]
fn end_keeps_to_the_write_deadline() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| {
        let _ = cx.send(id, b"ab");
        cx.end(id);
    });
    stage.run();
    stage.pass(seconds(59));
    assert_eq!(stage.peer(id).acts, []);
    stage.pass(seconds(1));
    assert_eq!(stage.peer(id).acts, [Act::Free]);
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Closed(id, Reason::Stalled)]);
}

#[test]
fn who_does_not_close_in_ended_may_answer_later() {
    let mut stage = Stage::new(|_, _| {});
    let id = stage.accept();
    stage.finish(id);
    stage.run();
    stage.pass(seconds(1000));
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Ended(id)]);
    assert_eq!(stage.act(|cx| cx.send(id, b"at last")), Sent::Queued);
    stage.act(|cx| cx.close(id));
    stage.run();
    assert_eq!(stage.written(id), "at last\n");
    assert_eq!(stage.calls(), [Call::Closed(id, Reason::Ended)], "it had left before");
    assert_eq!(stage.peer(id).acts, [Act::Free]);
}

#[test]
fn ended_is_told_once_and_behind_everything_else() {
    let mut stage = Stage::new(|_, _| {});
    let id = stage.accept();
    stage.say(id, "a\nb\nlast");
    stage.finish(id);
    stage.run();
    stage.hub.input_over(id);
    stage.run();
    stage.act(|cx| {
        cx.hold(id, parlor::hub::Hold::JOB);
        cx.release(id, parlor::hub::Hold::JOB);
    });
    stage.run();
    let told = [Call::Opened(id), frame(id, "a"), frame(id, "b"), frame(id, "last"), Call::Ended(id)];
    assert_eq!(stage.calls(), told);
}
