//! What a service is told, in which order, and what its defaults do.

use std::cell::RefCell;
use std::rc::Rc;

use parlor::hub::{Act, ConnId, Cx, Fault, Framing, Limits, Moment, Profile, Reason, Sent, Service};

use super::player::{Call, Player, frame, polite};
use super::stage::{Stage, profile, seconds};

/// Leaves everything to the defaults.
struct Plain;

impl Service for Plain {
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let _ = cx.send(id, frame);
    }
}

/// A stage whose listener belongs to [`Plain`].
fn plain(profile: Profile) -> Stage {
    let mut stage = Stage::new(polite);
    let plain = stage.hub.add(Plain);
    stage.listener = stage.hub.listen(plain, profile);
    stage
}

#[test]
fn a_connection_is_opened_heard_ended_and_closed() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.say(id, "a\nb\n");
    stage.finish(id);
    stage.run();
    let told = [frame(id, "a"), frame(id, "b"), Call::Ended(id), Call::Closed(id, Reason::Ended)];
    assert_eq!(stage.calls(), told);
    assert!(stage.hub.is_empty());
    assert_eq!(stage.peer(id).acts, [Act::Free]);
}

#[test]
fn by_default_the_end_of_input_closes_behind_the_answers() {
    let mut stage = plain(profile());
    let id = stage.accept();
    stage.say(id, "a\nb");
    stage.finish(id);
    stage.run();
    assert_eq!(stage.written(id), "a\nb\n");
    assert!(stage.hub.is_empty());
}

#[test]
fn by_default_a_fault_is_said_in_one_frame_and_closes() {
    let words = Fault::TooLong { max: 4 }.to_string();
    assert!(words.starts_with("! "), "{words}");
    for (framing, stream) in [
        (Framing::Lines { max: 4 }, b"ab\ncdefg\nnever\n".to_vec()),
        (Framing::Length { max: 4 }, b"\0\0\0\x02ab\0\0\0\x05cdefg".to_vec()),
    ] {
        let mut stage = plain(Profile { framing, ..profile() });
        let id = stage.accept();
        stage.say(id, stream);
        stage.run();
        let mut expected = Vec::new();
        framing.encode(b"ab", &mut expected);
        framing.encode(words.as_bytes(), &mut expected);
        assert_eq!(stage.peer(id).written, expected);
        assert_eq!(stage.peer(id).acts, [Act::Linger]);
        stage.finish(id);
        stage.run();
        assert!(stage.hub.is_empty());
    }
}

#[test]
fn by_default_a_partial_fixed_frame_is_answered_in_a_fixed_frame() {
    let mut stage = plain(Profile { framing: Framing::Fixed, ..profile() });
    let id = stage.accept();
    stage.say(id, "abc");
    stage.finish(id);
    stage.run();
    let mut expected = Fault::Partial.to_string().into_bytes();
    expected.resize(1024, 0);
    assert_eq!(stage.peer(id).written, expected);
    assert!(stage.hub.is_empty(), "its input is over, so nothing is waited for");
}

#[test]
fn a_fault_says_its_code_what_was_wrong_and_how_much_is_right() {
    let faults = [
        (Fault::TooLong { max: 8192 }, "! too-long: ", "8192"),
        (Fault::Partial, "! partial-frame: ", "inside a frame"),
        (Fault::Http, "! http: ", "no web server"),
        (Fault::Silent { seconds: 300 }, "! silent: ", "300 seconds"),
        (Fault::Slow, "! slow: ", "dropped"),
    ];
    for (fault, start, part) in faults {
        let text = fault.to_string();
        assert!(text.starts_with(start) && text.contains(part), "{text}");
        assert!(!text.contains('\n') && text.len() < 200, "one short line: {text}");
        assert_eq!(Reason::Fault(fault).to_string(), fault.code());
        assert_eq!(start, format!("! {}: ", fault.code()));
    }
}

#[test]
fn a_reason_reads_as_part_of_a_sentence() {
    let kind = std::io::ErrorKind::ConnectionReset;
    assert_eq!(Reason::Closed.to_string(), "closed");
    assert_eq!(Reason::Ended.to_string(), "left");
    assert_eq!(Reason::Lost(kind).to_string(), "connection reset");
    assert_eq!(Reason::Unreachable(kind).to_string(), "unreachable: connection reset");
    assert_eq!(Reason::Stalled.to_string(), "stopped reading");
    assert_eq!(Reason::Stopping.to_string(), "the server stops");
}

#[test]
fn after_close_only_closed_follows() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::Lines { max: 8 }, ..profile() }, |cx, call| {
        if let Call::Frame(id, _) = call {
            cx.set_timer(*id, Moment::START);
            cx.close(*id);
            cx.set_timer(*id, Moment::START);
            cx.set_silence(*id, Some(seconds(1)));
            cx.set_raw(*id, 3);
            cx.release(*id, parlor::hub::Hold::FLOOD);
        }
    });
    let id = stage.accept();
    stage.say(id, "a\nb\nmuch too long a line\n");
    stage.finish(id);
    stage.run();
    stage.pass(seconds(1000));
    assert_eq!(stage.calls(), [Call::Opened(id), frame(id, "a"), Call::Closed(id, Reason::Closed)]);
    assert!(stage.hub.is_empty());
}

#[test]
fn nothing_that_a_service_asks_for_calls_it_back_or_frees_anything() {
    let (first, seen) = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(Vec::new())));
    let (other, log) = (Rc::clone(&first), Rc::clone(&seen));
    let mut stage = Stage::new(move |cx, call| {
        log.borrow_mut().push(call.clone());
        let (Call::Frame(_, _), Some(other)) = (call, *other.borrow()) else { return };
        let before = log.borrow().len();
        cx.hold(other, parlor::hub::Hold::PEER);
        cx.release(other, parlor::hub::Hold::PEER);
        cx.set_timer(other, Moment::START);
        cx.set_alarm(Moment::START);
        let _ = cx.send(other, &vec![b'x'; 2_000_000]); // past the maximum
        cx.close(other);
        assert_eq!(cx.send(other, b"too late"), Sent::Gone);
        assert!(cx.about(other).is_some(), "it is freed in flush, not here");
        assert_eq!(log.borrow().len(), before, "nobody was called");
    });
    let (id, speaker) = (stage.accept(), stage.accept());
    *first.borrow_mut() = Some(id);
    stage.say(id, "unheard\n");
    stage.peer(id).incoming.clear();
    stage.say(speaker, "go\n");
    stage.run();
    assert!(seen.borrow().contains(&Call::Closed(id, Reason::Closed)));
}

#[test]
fn turn_end_comes_once_a_turn_behind_all_input_and_before_anything_is_written() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    let mut stage = Stage::new(move |cx, call| {
        let waiting = match call {
            Call::Frame(id, _) => {
                let _ = cx.send(*id, b"x");
                cx.set_timer(*id, Moment::START);
                cx.unsent(*id)
            }
            Call::Timer(id) => cx.unsent(*id),
            _ => 0,
        };
        log.borrow_mut().push((call.clone(), waiting));
    });
    let (one, two) = (stage.accept(), stage.accept());
    seen.borrow_mut().clear();
    stage.say(one, "a\n");
    stage.say(two, "b\n");
    stage.turn();
    let told =
        [(frame(one, "a"), 2), (frame(two, "b"), 2), (Call::Timer(one), 2), (Call::Timer(two), 2), (Call::TurnEnd, 0)];
    assert_eq!(*seen.borrow(), told.clone().map(|(call, waiting)| (call, waiting)));
    assert_eq!(stage.written(one) + &stage.written(two), "x\nx\n");
}

#[test]
fn what_is_sent_in_turn_end_is_written_in_the_same_turn() {
    let last = Rc::new(RefCell::new(None));
    let seen = Rc::clone(&last);
    let mut stage = Stage::new(move |cx, call| match call {
        Call::Frame(id, _) => *seen.borrow_mut() = Some(*id),
        Call::TurnEnd => {
            if let Some(id) = seen.borrow_mut().take() {
                let _ = cx.send(id, b"batch");
            }
        }
        _ => {}
    });
    let id = stage.accept();
    stage.say(id, "a\nb\n");
    stage.turn();
    assert_eq!(stage.written(id), "batch\n");
}

#[test]
fn a_connection_belongs_to_the_service_of_its_listener() {
    let mut stage = Stage::new(polite);
    let one = stage.accept();
    let other = stage.hub.add(Player::new(polite));
    let mine = std::mem::replace(&mut stage.listener, stage.hub.listen(other, profile()));
    let two = stage.accept();
    stage.say(one, "one\n");
    stage.say(two, "two\n");
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(one), frame(one, "one")]);
    let calls = &stage.hub.service::<Player>(other).unwrap().calls;
    assert_eq!(*calls, [Call::Opened(two), frame(two, "two")]);
    assert_eq!(stage.hub.about(one).unwrap().listener, Some(mine));
    assert_eq!(stage.hub.about(two).unwrap().listener, Some(stage.listener));
}

#[test]
fn a_service_with_two_listeners_tells_them_apart() {
    let mut stage = Stage::new(polite);
    let lines = stage.accept();
    stage.listener = stage.hub.listen(stage.service, Profile { framing: Framing::LENGTH, ..profile() });
    let lengths = stage.accept();
    stage.say(lines, "a\n");
    stage.say(lengths, "\0\0\0\u{2}a\n");
    stage.run();
    assert_eq!(stage.calls()[2..], [frame(lines, "a"), frame(lengths, "a\n")]);
    assert_eq!(stage.act(|cx| cx.framing(lines)), Some(Framing::LINES));
    assert_eq!(stage.act(|cx| cx.framing(lengths)), Some(Framing::LENGTH));
}

#[test]
fn limits_have_the_defaults_that_the_documents_name() {
    let limits = Limits::default();
    assert_eq!((limits.high, limits.low), (64 * 1024, 16 * 1024));
    assert_eq!((limits.lag, limits.lag_for, limits.output), (256 * 1024, seconds(30), 1024 * 1024));
    assert_eq!((limits.stall, limits.linger, limits.linger_bytes), (seconds(60), seconds(2), 64 * 1024));
    assert!(limits.unread >= Framing::LENGTH.longest(), "a whole length frame fits");
}
