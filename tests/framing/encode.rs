//! Frames as they stand on the wire.

use parlor::hub::{FIXED_FRAME, Framing, is_http_request};

use super::Heard::{self, Ended, Frame};
use super::through_decoder;

fn encoded(framing: Framing, frame: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    framing.encode(frame, &mut out);
    assert!(out.starts_with(b"before"), "what was there before stays");
    out.split_off(6)
}

#[test]
fn a_line_is_ended_by_lf() {
    assert_eq!(encoded(Framing::LINES, b"hello"), b"hello\n");
    assert_eq!(encoded(Framing::LINES, b""), b"\n");
    assert_eq!(encoded(Framing::LINES, "é\0".as_bytes()), b"\xc3\xa9\0\n");
}

#[test]
fn a_length_is_four_bytes_with_the_largest_first() {
    assert_eq!(encoded(Framing::LENGTH, b""), b"\0\0\0\0");
    assert_eq!(encoded(Framing::LENGTH, b"a\n"), b"\0\0\0\x02a\n");
    assert_eq!(encoded(Framing::LENGTH, &[7; 0x0102])[..5], *b"\0\0\x01\x02\x07");
}

#[test]
fn raw_bytes_stand_as_they_are() {
    assert_eq!(encoded(Framing::Raw, b"a\n\0"), b"a\n\0");
    assert_eq!(encoded(Framing::Raw, b""), b"");
}

#[test]
fn a_fixed_frame_is_padded_with_nul() {
    for size in [0, 1, 3, FIXED_FRAME - 1, FIXED_FRAME] {
        let wire = encoded(Framing::Fixed, &vec![b'x'; size]);
        assert_eq!(wire, [vec![b'x'; size], vec![0; FIXED_FRAME - size]].concat(), "{size}");
    }
}

#[test]
fn what_is_longer_than_a_fixed_frame_goes_as_several() {
    let text: Vec<u8> = (0..=2 * FIXED_FRAME).map(|at| b'a' + u8::try_from(at % 26).unwrap()).collect();
    let wire = encoded(Framing::Fixed, &text);
    assert_eq!(wire.len(), 3 * FIXED_FRAME);
    assert_eq!(wire[..=2 * FIXED_FRAME], text[..]);
    assert!(wire[2 * FIXED_FRAME + 1..].iter().all(|&byte| byte == 0));
    assert_eq!(encoded(Framing::Fixed, &text[..2 * FIXED_FRAME]).len(), 2 * FIXED_FRAME, "no empty frame behind it");
}

#[test]
fn a_fixed_frame_is_cut_before_a_character_that_would_not_fit_whole() {
    for character in ["a", "é", "€", "😀"] {
        for before in FIXED_FRAME - 4..=FIXED_FRAME {
            let text = format!("{}{character}{character}", "x".repeat(before));
            let heard = through_decoder(Framing::Fixed, &[&encoded(Framing::Fixed, text.as_bytes())]);
            let room = (FIXED_FRAME - before) / character.len();
            let cut = before + room.min(2) * character.len();
            let (first, second) = text.split_at(cut);
            let pieces: Vec<Heard> = [first, second].iter().filter(|piece| !piece.is_empty()).map(frame).collect();
            assert_eq!(heard, [pieces, vec![Ended]].concat(), "{character} behind {before} bytes");
        }
    }
}

fn frame(text: &&str) -> Heard {
    Frame(text.as_bytes().to_vec())
}

#[test]
fn what_is_no_utf8_fills_fixed_frames_and_comes_whole() {
    let continued = vec![0x80; 2 * FIXED_FRAME + 5];
    let wire = encoded(Framing::Fixed, &continued);
    assert_eq!(wire.len(), 3 * FIXED_FRAME);
    assert_eq!(wire[..continued.len()], continued[..]);
}

#[test]
fn the_longest_frame_of_each_framing_is_what_its_wire_form_takes() {
    for (framing, max) in [(Framing::Lines { max: 70_000 }, 70_000), (Framing::Length { max: 70_000 }, 70_000)] {
        let wire = encoded(framing, &vec![b'x'; max]);
        assert!(wire.len() <= framing.longest() && framing.longest() <= wire.len() + 1, "{framing:?}"); // CRLF
    }
    assert_eq!(Framing::Fixed.longest(), FIXED_FRAME);
    assert_eq!(Framing::Raw.longest(), 1);
}

#[test]
fn a_request_of_a_browser_is_known_by_its_shape() {
    for line in
        ["GET / HTTP/1.1", "POST /a?b HTTP/1.0", "OPTIONS * HTTP/1.9", "CONNECT a:1 HTTP/1.1", "m-x \u{e9} HTTP/1.1"]
    {
        assert!(is_http_request(line.as_bytes()), "{line}");
    }
    let others = [
        "",
        "GET",
        "GET /",
        "GET / HTTP/1.",
        "GET / HTTP/1.10",
        "GET / HTTP/2.0",
        "GET / http/1.1",
        "GET  HTTP/1.1",
        " / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET / x HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET / HTTP/1.x",
        "hello there HTTP",
        "\u{e9} / HTTP/1.1",
    ];
    for line in others {
        assert!(!is_http_request(line.as_bytes()), "{line}");
    }
}
