//! Properties: whatever is sent, in whatever pieces.

use parlor::hub::{FIXED_FRAME, Fault, Framing};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::Heard::{self, Ended, Frame};
use super::streams::{LENGTH, LINES};
use super::{through_decoder, through_hub};

fn config() -> ProptestConfig {
    // The same cases every time; PROPTEST_RNG_SEED and PROPTEST_CASES choose others by hand.
    let usual = ProptestConfig::default();
    let rng_seed = match usual.rng_seed {
        RngSeed::Random => RngSeed::Fixed(2),
        chosen @ RngSeed::Fixed(_) => chosen,
    };
    ProptestConfig { rng_seed, failure_persistence: None, ..usual }
}

/// Bytes of which framings make something.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![6 => Just(b'\n'), 4 => Just(b'\r'), 8 => Just(0), 2 => 0..10u8, 8 => b'a'..=b'c', 2 => any::<u8>()]
}

fn framing() -> impl Strategy<Value = Framing> {
    prop_oneof![Just(LINES), Just(LENGTH), Just(Framing::Fixed), Just(Framing::Raw)]
}

/// A stream: noise, or whole frames with noise behind them, or changes of framing.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(byte(), 0..60);
    let piece = prop_oneof![
        4 => prop::collection::vec(byte(), 0..9),
        2 => Just(b"\0\0\0\x02ab".to_vec()),
        1 => Just(b"a".repeat(FIXED_FRAME)),
        1 => Just([&b"=lines"[..], &[0; FIXED_FRAME - 6]].concat()),
        1 => prop_oneof![Just("=length\n"), Just("=fixed\n"), Just("=raw\n"), Just("+4\n")].prop_map(Vec::from),
        1 => Just(b"\0\0\0\x06=lines".to_vec()),
        1 => Just(b"\0\0\0\x03+11".to_vec()),
    ];
    let pieces = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    (pieces, noise).prop_map(|(pieces, noise)| [pieces, noise].concat())
}

fn cut<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &size in sizes {
        let (piece, rest) = bytes.split_at(size.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

/// Lines as the plainest program finds them, in a stream that is whole.
fn plain_lines(bytes: &[u8], max: u32) -> Vec<Heard> {
    let mut heard = Vec::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > max as usize {
            heard.push(Heard::Fault(Fault::TooLong { max }));
            return heard;
        }
        heard.push(Frame(line.to_vec()));
    }
    heard.push(Ended);
    heard
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_same_frames_come_out_of_any_pieces(
        framing in framing(), bytes in stream(), sizes in prop::collection::vec(0..40usize, 0..40),
    ) {
        let whole = through_decoder(framing, &[&bytes]);
        let pieces = cut(&bytes, &sizes);
        prop_assert_eq!(&through_decoder(framing, &pieces), &whole);
        prop_assert_eq!(&through_hub(framing, &pieces), &whole);
        prop_assert_eq!(&through_hub(framing, &[&bytes]), &whole);
    }

    #[test]
    fn lines_are_what_the_plainest_program_finds(bytes in prop::collection::vec(byte(), 0..80)) {
        prop_assert_eq!(through_decoder(LINES, &[&bytes]), plain_lines(&bytes, 8));
    }

    #[test]
    fn a_line_comes_back_as_it_was_sent(
        lines in prop::collection::vec(prop::collection::vec(byte(), 0..200), 0..8),
    ) {
        // What a line can't hold: its own end.
        let lines: Vec<Vec<u8>> = lines
            .into_iter()
            .map(|line| {
                let text: Vec<u8> = line.into_iter().filter(|&byte| byte != b'\n').collect();
                let kept = text.iter().rposition(|&byte| byte != b'\r').map_or(0, |last| last + 1);
                text[..kept].to_vec()
            })
            .collect();
        prop_assert_eq!(there_and_back(Framing::LINES, &lines), lines);
    }

    #[test]
    fn a_length_frame_comes_back_as_it_was_sent(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
    ) {
        prop_assert_eq!(there_and_back(Framing::LENGTH, &frames), frames);
    }

    #[test]
    fn text_in_fixed_frames_comes_back_cut_between_characters(text in "[a-cé€😀\n]{0,3000}") {
        let frames = there_and_back(Framing::Fixed, &[text.clone().into_bytes()]);
        let pieces: Vec<&str> = frames.iter().map(|frame| std::str::from_utf8(frame).unwrap()).collect();
        prop_assert_eq!(pieces.concat(), text);
        let (last, full) = pieces.split_last().unwrap();
        prop_assert!(full.iter().all(|piece| piece.len() > FIXED_FRAME - 4), "no frame is shorter than it must be");
        prop_assert!(!last.is_empty() || full.is_empty());
    }

    #[test]
    fn bytes_without_nul_come_back_from_fixed_frames(bytes in prop::collection::vec(1..=255u8, 0..3000)) {
        prop_assert_eq!(there_and_back(Framing::Fixed, std::slice::from_ref(&bytes)).concat(), bytes);
    }
}

fn there_and_back(framing: Framing, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut wire = Vec::new();
    for frame in frames {
        framing.encode(frame, &mut wire);
    }
    let mut heard = through_decoder(framing, &[&wire]);
    assert_eq!(heard.pop(), Some(Ended), "what is encoded ends with a frame");
    let frame = |heard| match heard {
        Frame(frame) => frame,
        other => panic!("{other:?}"),
    };
    heard.into_iter().map(frame).collect()
}
