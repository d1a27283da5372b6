//! Connections that a service opens.

use std::io::ErrorKind::{ConnectionRefused, TimedOut};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use parlor::hub::{Act, Address, ConnId, Fault, Framing, Hold, Limits, Moment, Reason, Request, Sent, Target};

use super::player::{Call, frame, polite};
use super::stage::{Stage, seconds};

fn address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 7).into()
}

fn open(stage: &mut Stage) -> ConnId {
    stage.act(|cx| cx.open(Target::Tcp(address()), Framing::LINES))
}

/// Carries out nothing; answers which connections were asked for.
fn asked(stage: &mut Stage) -> Vec<ConnId> {
    let id = |request| match request {
        Request::Open(id, _) => id,
        other => panic!("{other:?}"),
    };
    stage.requests.drain(..).map(id).collect()
}

#[test]
fn an_open_gives_an_id_at_once_and_is_handed_to_the_loop() {
    let mut stage = Stage::new(polite);
    let id = open(&mut stage);
    assert!(stage.hub.is_busy(), "there is something to carry out");
    let about = stage.hub.about(id).unwrap();
    assert_eq!((about.listener, about.local, about.credentials), (None, None, None));
    assert_eq!(*about.peer, Address::Tcp(address()));
    stage.quiet();
    assert_eq!(stage.calls(), []);
    assert_eq!(asked(&mut stage), [id]);
    stage.stand(id);
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.say(id, "a\n");
    stage.run();
    assert_eq!(stage.calls(), [frame(id, "a")]);
}

#[test]
fn what_leads_where_is_known() {
    let mut stage = Stage::new(polite);
    let path = PathBuf::from("/tmp/x");
    let unix = stage.act(|cx| cx.open(Target::Unix(path.clone()), Framing::LINES));
    let pipe = stage.act(|cx| cx.open(Target::Pipe { input: None, output: None }, Framing::Raw));
    assert_eq!(*stage.hub.about(unix).unwrap().peer, Address::Unix(Some(path)));
    assert_eq!(*stage.hub.about(pipe).unwrap().peer, Address::Pipe);
    assert_eq!(stage.act(|cx| cx.framing(pipe)), Some(Framing::Raw));
}

#[test]
fn output_waits_for_the_connection_to_stand_and_then_goes_first() {
    for turns_between in [0, 1, 3] {
        let mut stage = Stage::new(|cx, call| {
            if let Call::Opened(id) = call {
                let _ = cx.send(*id, b"then");
            }
        });
        let id = open(&mut stage);
        (0..turns_between).for_each(|_| stage.turn());
        assert_eq!(stage.act(|cx| cx.send(id, b"first")), Sent::Queued);
        stage.run();
        assert!(stage.is_quiet(), "it waits, and the loop sleeps");
        stage.stand(id);
        stage.run();
        assert_eq!(stage.written(id), "first\nthen\n", "{turns_between} turns between");
    }
}

#[test]
fn output_waits_for_a_stream_that_is_still_connecting() {
    let mut stage = Stage::new(polite);
    let id = open(&mut stage);
    stage.turn();
    stage.attach(id); // the loop has begun to connect
    stage.send(id, b"a");
    stage.run();
    assert_eq!(stage.written(id), "");
    assert_eq!(stage.hub.intake(id), 0);
    stage.hub.opened(id);
    stage.run();
    assert_eq!(stage.written(id), "a\n");
}

#[test]
fn one_that_cannot_be_made_is_closed_and_never_opened() {
    let mut stage = Stage::new(polite);
    let id = open(&mut stage);
    stage.send(id, b"unheard");
    stage.quiet();
    stage.hub.fail(id, Reason::Unreachable(ConnectionRefused));
    stage.run();
    assert_eq!(stage.calls(), [Call::Closed(id, Reason::Unreachable(ConnectionRefused))]);
    assert!(stage.hub.is_empty());
}

#[test]
fn one_closed_before_it_stands_is_closed_and_never_opened() {
    for turns_between in [0, 1] {
        let mut stage = Stage::new(polite);
        let id = open(&mut stage);
        (0..turns_between).for_each(|_| stage.turn());
        stage.act(|cx| {
            let _ = cx.send(id, b"unheard");
            cx.close(id);
            assert_eq!(cx.send(id, b"late"), Sent::Gone);
        });
        stage.quiet();
        assert_eq!(stage.calls(), [Call::Closed(id, Reason::Closed)]);
        assert_eq!((asked(&mut stage).as_slice(), stage.hub.about(id)), (&[id][..], None));
        // The loop may come with its answer all the same.
        stage.hub.opened(id);
        stage.hub.fail(id, Reason::Unreachable(TimedOut));
        stage.run();
        assert_eq!(stage.calls(), []);
        assert!(stage.hub.is_empty());
    }
}

#[test]
fn one_ended_before_it_stands_is_shut_behind_its_output() {
    for text in ["", "all there is"] {
        let mut stage = Stage::new(polite);
        let id = open(&mut stage);
        stage.act(|cx| {
            if !text.is_empty() {
                assert_eq!(cx.send_wire(id, text.as_bytes()), Sent::Queued);
            }
            cx.end(id);
        });
        stage.quiet();
        stage.stand(id);
        stage.run();
        assert_eq!((stage.written(id).as_str(), stage.peer(id).acts.as_slice()), (text, &[Act::ShutWrite][..]));
        stage.say(id, "answer\n");
        stage.finish(id);
        stage.run();
        let told = [Call::Opened(id), frame(id, "answer"), Call::Ended(id), Call::Closed(id, Reason::Ended)];
        assert_eq!(stage.calls(), told);
    }
}

#[test]
fn the_time_before_it_stands_is_not_held_against_its_peer() {
    let limits = Limits { lag: 10, lag_for: seconds(5), high: 5, low: 1, stall: seconds(3), ..Limits::default() };
    let mut stage = Stage::with_limits(limits, polite);
    let id = open(&mut stage);
    stage.act(|cx| {
        cx.set_silence(id, Some(seconds(1)));
        assert_eq!(cx.send_wire(id, &[b'a'; 20]), Sent::Full);
    });
    stage.pass(seconds(100)); // connecting can take two minutes
    assert_eq!(stage.calls(), []);
    stage.stand(id);
    stage.run();
    assert_eq!(stage.peer(id).written.len(), 20);
    assert_eq!(stage.calls(), [Call::Opened(id), Call::Drained(id)]);
    stage.pass(seconds(1));
    assert_eq!(stage.calls()[0], Call::Fault(id, Fault::Silent { seconds: 1 }));
}

#[test]
fn one_that_stands_and_then_lags_is_given_up_as_any_other() {
    let limits = Limits { lag: 10, lag_for: seconds(5), high: 5, low: 1, ..Limits::default() };
    let mut stage = Stage::with_limits(limits, polite);
    let id = open(&mut stage);
    stage.send_wire(id, &[b'a'; 20]);
    stage.pass(seconds(100));
    stage.stand(id);
    stage.peer(id).window = 1;
    stage.run();
    stage.pass(seconds(4));
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.pass(seconds(1));
    assert_eq!(stage.calls()[0], Call::Fault(id, Fault::Slow));
}

#[test]
fn too_much_output_before_it_stands_gives_it_up() {
    let mut stage = Stage::with_limits(Limits { output: 10, ..Limits::default() }, polite);
    let id = open(&mut stage);
    stage.act(|cx| {
        assert_eq!(cx.send(id, b"12345678"), Sent::Queued);
        assert_eq!(cx.send(id, b"12345678"), Sent::Gone);
    });
    stage.quiet();
    let slow = Fault::Slow;
    assert_eq!(stage.calls(), [Call::Fault(id, slow), Call::Closed(id, Reason::Fault(slow))]);
    assert!(stage.hub.is_empty());
}

#[test]
fn a_timer_can_bound_how_long_it_may_take_to_stand() {
    let mut stage = Stage::new(|cx, call| match call {
        Call::Timer(id) => cx.close(*id),
        _ => polite(cx, call),
    });
    let id = open(&mut stage);
    let when = stage.now + seconds(10);
    stage.act(|cx| cx.set_timer(id, when));
    stage.pass(seconds(9));
    assert_eq!(stage.calls(), []);
    stage.pass(seconds(1));
    assert_eq!(stage.calls(), [Call::Timer(id), Call::Closed(id, Reason::Closed)]);
}

#[test]
fn a_hold_set_before_it_stands_holds_when_it_stands() {
    let mut stage = Stage::new(polite);
    let id = open(&mut stage);
    stage.act(|cx| cx.hold(id, Hold::PEER));
    stage.quiet();
    stage.stand(id);
    stage.say(id, "a\n");
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.act(|cx| cx.release(id, Hold::PEER));
    stage.run();
    assert_eq!(stage.calls(), [frame(id, "a")]);
}

/// Two programs that both read only when their output is taken would wait for each other for ever.
#[test]
fn a_full_outbox_does_not_stop_the_input_of_a_connection_that_we_opened() {
    let mut stage = Stage::new(polite);
    let id = open(&mut stage);
    stage.stand(id);
    stage.peer(id).window = 0;
    stage.act(|cx| assert_eq!(cx.send_wire(id, &vec![b'a'; 64 * 1024]), Sent::Full));
    stage.say(id, "a\n");
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id), frame(id, "a")]);
    stage.grant(id, usize::MAX);
    stage.quiet();
    assert_eq!(stage.calls(), [Call::Drained(id)]);
}

#[test]
fn one_may_be_opened_from_any_call() {
    let mut stage = Stage::new(|cx, call| match call {
        Call::TurnEnd | Call::Fault(..) => {}
        _ => {
            let _ = cx.open(Target::Tcp(address()), Framing::LINES);
        }
    });
    let id = stage.accept();
    stage.act(|cx| {
        cx.set_timer(id, Moment::START);
        cx.set_alarm(Moment::START);
        let _ = cx.send_wire(id, &vec![b'a'; 64 * 1024]);
    });
    stage.say(id, "a\n");
    stage.finish(id);
    stage.run();
    stage.act(|cx| cx.close(id));
    stage.run();
    let calls = stage.calls();
    for call in [Call::Opened(id), Call::Alarm, Call::Timer(id), Call::Drained(id), Call::Ended(id)] {
        assert!(calls.contains(&call), "{call:?} in {calls:?}");
    }
    stage.quiet();
    assert_eq!(asked(&mut stage).len(), calls.len(), "one for each call");
    assert_eq!(stage.hub.connections(), calls.len(), "and none of them freed with the connection");
}
