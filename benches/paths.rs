//! The hot paths, each to be run so many times: for `benches/instructions`, which counts what they take.
//!
//! `paths list` names them, `paths PATH TIMES` runs one.

mod stage;
mod world;

use std::hint::black_box;

use parlor::hub::{Decoder, Framing, Step};
use parlor::services::Echo;
use stage::{LINE, chat};
use world::World;

/// What is done so many times.
type Path = fn(times: u32);

const PATHS: [(&str, Path); 7] = [
    ("echo-turn", |times| turns(World::new(Echo::new(false), 1), 1, times)),
    ("echo-turn-of-16", |times| turns(World::new(Echo::new(false), 1), 16, times)),
    ("chat-turn-to-2", |times| turns(World::new(chat(), 2), 1, times)),
    ("chat-turn-to-102", |times| turns(World::new(chat(), 102), 1, times)),
    ("chat-turn-of-64-to-102", |times| turns(World::new(chat(), 102), 64, times)),
    ("decode-64-KiB-of-lines", decode),
    ("encode-64-KiB-of-lines", encode),
];

/// The first client says so many lines in each turn.
fn turns(mut world: World, lines: usize, times: u32) {
    let bytes = LINE.repeat(lines);
    for _ in 0..times {
        assert!(black_box(world.turn(black_box(&bytes))) > 0);
    }
}

fn decode(times: u32) {
    let (wire, mut decoder) = (LINE.repeat(1024), Decoder::new(Framing::LINES));
    for _ in 0..times {
        let mut rest = black_box(&wire[..]);
        while let Step::Frame(frame, used) = decoder.next(rest) {
            black_box(frame);
            rest = &rest[used..];
        }
        assert!(rest.is_empty());
    }
}

fn encode(times: u32) {
    let mut out = Vec::new();
    for _ in 0..times {
        out.clear();
        for _ in 0..1024 {
            Framing::LINES.encode(black_box(&LINE[..63]), &mut out);
        }
        assert_eq!(black_box(&out).len(), 64 * 1024);
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (path, times) = (words.first().map_or("", String::as_str), words.get(1).and_then(|times| times.parse().ok()));
    match (PATHS.iter().find(|(name, _)| *name == path), times) {
        (Some((_, run)), Some(times)) => run(times),
        _ if path == "list" => PATHS.iter().for_each(|(name, _)| println!("{name}")),
        // `cargo bench` comes here: each once, to see that it can be run.
        _ => PATHS.iter().for_each(|(_, run)| run(1)),
    }
}
