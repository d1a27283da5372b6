//! Input: framing that changes on the way, browsers, and when bytes are taken at all.

use parlor::hub::{ConnId, Fault, Framing, Hold, Profile, Reason};

use super::player::{Call, chunk, frame, polite};
use super::stage::{Stage, profile};

#[test]
fn another_framing_holds_from_the_next_byte_on() {
    let mut stage = Stage::new(|cx, call| match call {
        Call::Frame(id, text) if text == "length" => {
            cx.set_framing(*id, Framing::LENGTH);
            let _ = cx.send(*id, b"ok");
        }
        _ => {}
    });
    let id = stage.accept();
    stage.say(id, "length\n\0\0\0\u{1}\n\0\0\0\0");
    stage.run();
    assert_eq!(stage.calls()[1..], [frame(id, "length"), frame(id, "\n"), frame(id, "")]);
    assert_eq!(stage.written(id), "\0\0\0\u{2}ok");
    assert_eq!(stage.act(|cx| cx.framing(id)), Some(Framing::LENGTH));
}

#[test]
fn another_framing_set_from_outside_frames_what_is_buffered_without_sleep() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, "\0\0\0\u{2}ab\0\0\0\u{1}c\0");
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.act(|cx| cx.set_framing(id, Framing::LENGTH));
    assert_eq!(stage.calls(), [], "not from inside the call");
    assert!(stage.hub.is_busy());
    stage.quiet();
    assert_eq!(stage.calls(), [frame(id, "ab"), frame(id, "c")]);
}

#[test]
fn a_raw_stretch_set_from_outside_takes_what_is_buffered() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, "abc");
    stage.run();
    stage.act(|cx| cx.set_raw(id, 5));
    stage.quiet();
    assert_eq!(stage.calls()[1..], [chunk(id, "abc")]);
    stage.say(id, "de\nf\n");
    stage.run();
    assert_eq!(stage.calls(), [chunk(id, "de"), frame(id, ""), frame(id, "f")]);
}

#[test]
fn another_framing_for_a_held_connection_waits_for_the_release() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, "\0\0\0\u{1}a");
    stage.run();
    stage.act(|cx| {
        cx.hold(id, Hold::JOB);
        cx.set_framing(id, Framing::LENGTH);
    });
    stage.run();
    assert_eq!(stage.calls(), [Call::Opened(id)]);
    stage.act(|cx| cx.release(id, Hold::JOB));
    stage.run();
    assert_eq!(stage.calls(), [frame(id, "a")]);
}

#[test]
fn a_smaller_limit_holds_for_what_is_buffered() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, "a line of some length");
    stage.run();
    stage.act(|cx| cx.set_framing(id, Framing::Lines { max: 5 }));
    stage.run();
    let fault = Fault::TooLong { max: 5 };
    assert_eq!(stage.calls()[1..], [Call::Fault(id, fault), Call::Closed(id, Reason::Fault(fault))]);
}

#[test]
fn another_framing_set_in_opened_holds_for_the_first_byte() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Opened(id) = call {
            cx.set_framing(*id, Framing::Fixed);
        }
    });
    let id = stage.accept();
    stage.say(id, [&b"a\n"[..], &[0; 1022]].concat());
    stage.run();
    assert_eq!(stage.calls()[1..], [frame(id, "a\n")]);
}

#[test]
fn a_raw_stretch_ends_by_itself_and_can_be_shortened() {
    let mut stage = Stage::new(|cx, call| match call {
        Call::Frame(id, text) if text == "raw" => cx.set_raw(*id, u64::MAX),
        Call::Chunk(id, text) if text.ends_with('!') => cx.set_raw(*id, 0),
        _ => {}
    });
    let id = stage.accept();
    for piece in ["raw\n", "a\n", "b\n!", "c\n"] {
        stage.say(id, piece);
        stage.run();
    }
    assert_eq!(stage.calls()[1..], [frame(id, "raw"), chunk(id, "a\n"), chunk(id, "b\n!"), frame(id, "c")]);
}

#[test]
fn the_end_inside_a_raw_stretch_is_an_end_and_no_fault() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::LENGTH, ..profile() }, |cx, call| match call {
        Call::Frame(id, _) => cx.set_raw(*id, 100),
        _ => polite(cx, call),
    });
    let id = stage.accept();
    stage.say(id, "\0\0\0\0abc");
    stage.finish(id);
    stage.run();
    let told = [frame(id, ""), chunk(id, "abc"), Call::Ended(id), Call::Closed(id, Reason::Ended)];
    assert_eq!(stage.calls()[1..], told);
}

#[test]
fn the_end_inside_a_frame_is_a_fault_and_nothing_of_it_is_used() {
    for (framing, stream) in [(Framing::LENGTH, "\0\0\0\u{5}abc"), (Framing::Fixed, "abc")] {
        let mut stage = Stage::with_profile(Profile { framing, ..profile() }, polite);
        let id = stage.accept();
        stage.say(id, stream);
        stage.finish(id);
        stage.run();
        let closed = Call::Closed(id, Reason::Fault(Fault::Partial));
        assert_eq!(stage.calls()[1..], [Call::Fault(id, Fault::Partial), closed]);
        assert!(stage.hub.is_empty());
    }
}

/// A listener that turns browsers away.
fn guarded(framing: Framing) -> (Stage, ConnId) {
    let mut stage = Stage::with_profile(Profile { framing, refuse_http: true, ..profile() }, polite);
    let id = stage.accept();
    stage.calls();
    (stage, id)
}

const REQUEST: &str = "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n/quit\r\n";

#[test]
fn a_browsers_first_line_closes_and_nothing_behind_it_is_obeyed() {
    for cut in 0..=REQUEST.len() {
        let (mut stage, id) = guarded(Framing::LINES);
        stage.say(id, &REQUEST[..cut]);
        stage.run();
        stage.say(id, &REQUEST[cut..]);
        stage.run();
        let told = [Call::Fault(id, Fault::Http), Call::Closed(id, Reason::Fault(Fault::Http))];
        assert_eq!(stage.calls(), told, "cut at {cut}");
        assert_eq!(stage.written(id), format!("{}\n", Fault::Http));
    }
}

#[test]
fn only_a_first_line_is_taken_for_a_browsers() {
    let (mut stage, id) = guarded(Framing::LINES);
    stage.say(id, "hello\nGET / HTTP/1.1\n");
    stage.run();
    assert_eq!(stage.calls(), [frame(id, "hello"), frame(id, "GET / HTTP/1.1")]);
}

#[test]
fn a_browser_is_not_looked_for_in_other_framings_or_where_it_may_come_in() {
    let (mut stage, id) = guarded(Framing::LENGTH);
    stage.say(id, "\0\0\0\u{e}GET / HTTP/1.1");
    stage.run();
    assert_eq!(stage.calls(), [frame(id, "GET / HTTP/1.1")]);
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, "GET / HTTP/1.1\n");
    stage.run();
    assert_eq!(stage.calls()[1..], [frame(id, "GET / HTTP/1.1")]);
}

/// Of TLS the first bytes: a record, and in it a client's hello. There is a line's end in it, as chance will have it.
const HELLO: &str = "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{6c}\u{3}\u{3}\nrandom\n";

#[test]
fn tls_where_none_is_spoken_is_no_text_however_it_is_cut() {
    for framing in [Framing::LINES, Framing::Fixed] {
        for cut in 0..=HELLO.len() {
            let (mut stage, id) = guarded(framing);
            stage.say(id, &HELLO[..cut]);
            stage.run();
            stage.say(id, &HELLO[cut..]);
            stage.run();
            let told = [Call::Fault(id, Fault::Tls), Call::Closed(id, Reason::Fault(Fault::Tls))];
            assert_eq!(stage.calls(), told, "cut at {cut}");
        }
    }
    // All but the last of what makes it one, and nothing behind a first frame.
    let (mut stage, id) = guarded(Framing::LINES);
    stage.say(id, "\u{16}\u{3}\u{1}\u{2}\0\u{2}\n");
    stage.say(id, HELLO);
    stage.run();
    let frames = ["\u{16}\u{3}\u{1}\u{2}\0\u{2}", HELLO.trim_end().split('\n').next().unwrap(), "random"];
    assert_eq!(stage.calls(), frames.map(|text| frame(id, text)));
}

#[test]
fn behind_a_fault_nothing_is_obeyed_though_it_was_buffered() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::Lines { max: 4 }, ..profile() }, polite);
    let id = stage.accept();
    stage.say(id, "a\nlonger\nb\nlonger\n");
    stage.finish(id);
    stage.run();
    let fault = Fault::TooLong { max: 4 };
    let told = [frame(id, "a"), Call::Fault(id, fault), Call::Closed(id, Reason::Fault(fault))];
    assert_eq!(stage.calls()[1..], told);
    assert_eq!(stage.written(id), format!("{fault}\n"));
}

#[test]
fn a_service_may_close_in_fault_without_a_word() {
    let mut stage = Stage::with_profile(Profile { framing: Framing::Lines { max: 4 }, ..profile() }, |cx, call| {
        if let Call::Fault(id, _) = call {
            cx.close(*id);
        }
    });
    let id = stage.accept();
    stage.say(id, "longer\n");
    stage.run();
    assert_eq!(stage.written(id), "");
    let fault = Fault::TooLong { max: 4 };
    let told = [Call::Fault(id, fault), Call::Closed(id, Reason::Fault(fault))];
    assert_eq!(stage.calls()[1..], told, "the fault is the reason, whoever closed first");
}

#[test]
fn bytes_are_taken_only_from_who_is_heard() {
    let mut stage = Stage::new(|cx, call| {
        if matches!(call, Call::Frame(_, text) if text == "close") {
            let Call::Frame(id, _) = call else { return };
            cx.close(*id);
        }
    });
    let (ended, closed) = (stage.accept(), stage.accept());
    assert_ne!(stage.hub.intake(ended), 0);
    stage.finish(ended);
    stage.peer(closed).window = 0;
    stage.send(closed, b"x");
    stage.say(closed, "close\n");
    stage.run();
    assert_eq!((stage.hub.intake(ended), stage.hub.intake(closed)), (0, 0));
    stage.grant(closed, usize::MAX);
    stage.quiet();
    assert_eq!(stage.hub.intake(closed), 64 * 1024, "lingering");
}

#[test]
fn what_happened_is_counted() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, "a\nbc\r\nd");
    stage.send(id, b"xyz");
    stage.finish(id);
    stage.run();
    let tally = stage.hub.tally();
    assert_eq!((tally.accepted, tally.refused, tally.freed), (1, 0, 1));
    assert_eq!((tally.frames, tally.bytes_in, tally.bytes_out), (3, 7, 4));
}
