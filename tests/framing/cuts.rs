//! Streams cut at every place, and at every two, give what they give whole.

use super::streams::{Stream, fixed, long, short};
use super::{through_decoder, through_hub};

/// Sends a stream in these pieces, through everything that frames pass through.
fn check(stream: &Stream, pieces: &[&[u8]]) {
    let sizes = || pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>();
    if !stream.hub_only {
        let heard = through_decoder(stream.framing, pieces);
        assert!(heard == stream.expected, "decoder, {:?}, cut into {:?}: {heard:?}", stream.name, sizes());
    }
    let heard = through_hub(stream.framing, pieces);
    assert!(heard == stream.expected, "hub, {:?}, cut into {:?}: {heard:?}", stream.name, sizes());
}

fn cut_once(stream: &Stream, at: usize) {
    let (first, second) = stream.bytes.split_at(at);
    check(stream, &[first, second]);
}

fn cut_twice(stream: &Stream, at: usize, then: usize) {
    let (first, rest) = stream.bytes.split_at(at);
    let (second, third) = rest.split_at(then - at);
    check(stream, &[first, second, third]);
}

/// The places near an end of a stream or near a multiple of 1,024, where frames of full size begin and end.
fn places_near_ends(size: usize) -> Vec<usize> {
    (0..=size).filter(|at| at % 1024 < 7 || at % 1024 > 1016 || size - at < 7).collect()
}

#[test]
fn every_stream_gives_its_frames_when_it_comes_whole() {
    for stream in short().iter().chain(&fixed()).chain(&long()) {
        check(stream, &[&stream.bytes]);
    }
}

#[test]
fn every_stream_gives_its_frames_when_it_comes_byte_by_byte() {
    for stream in short().iter().chain(&fixed()) {
        check(stream, &stream.bytes.chunks(1).collect::<Vec<_>>());
    }
}

#[test]
fn a_short_stream_gives_its_frames_when_cut_at_any_place() {
    for stream in short() {
        (0..=stream.bytes.len()).for_each(|at| cut_once(&stream, at));
    }
}

#[test]
fn a_short_stream_gives_its_frames_when_cut_at_any_two_places() {
    for stream in short() {
        let size = stream.bytes.len();
        (0..=size).for_each(|at| (at..=size).for_each(|then| cut_twice(&stream, at, then)));
    }
}

#[test]
fn fixed_frames_come_whole_when_cut_at_any_place() {
    for stream in fixed() {
        (0..=stream.bytes.len()).for_each(|at| cut_once(&stream, at));
    }
}

#[test]
fn fixed_frames_come_whole_when_cut_near_any_two_of_their_ends() {
    for stream in fixed() {
        let places = places_near_ends(stream.bytes.len());
        for (index, &at) in places.iter().enumerate() {
            places[index..].iter().for_each(|&then| cut_twice(&stream, at, then));
        }
    }
}

#[test]
fn frames_of_full_size_come_whole_when_cut_near_their_ends() {
    for stream in long() {
        let size = stream.bytes.len();
        let places = places_near_ends(size).into_iter().filter(|&at| at < 16 || size - at < 16 || at % 4096 == 0);
        places.for_each(|at| cut_once(&stream, at));
    }
}
