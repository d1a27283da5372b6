//! What it costs to find frames, and to write them: 64 KiB of wire at a time, as much as one read brings.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use parlor::hub::{Decoder, Framing, READ_PER_TURN, Step};

/// How a framing is called here, the framing, and how long its frames are.
const CASES: [(&str, Framing, usize); 5] = [
    ("lines", Framing::LINES, 1),
    ("lines", Framing::LINES, 64),
    ("lines", Framing::LINES, 4096),
    ("length", Framing::LENGTH, 64),
    ("fixed", Framing::Fixed, 64),
];

/// How many frames of `size` bytes one read brings.
fn frames_of_a_read(framing: Framing, size: usize) -> usize {
    let mut wire = Vec::new();
    framing.encode(&vec![b'x'; size], &mut wire);
    READ_PER_TURN / wire.len()
}

fn wire(framing: Framing, size: usize) -> Vec<u8> {
    let (frame, mut wire) = (vec![b'x'; size], Vec::new());
    for _ in 0..frames_of_a_read(framing, size) {
        framing.encode(&frame, &mut wire);
    }
    wire
}

fn decode_all(decoder: &mut Decoder, mut wire: &[u8]) -> usize {
    let mut frames = 0;
    while let Step::Frame(frame, used) = decoder.next(wire) {
        black_box(frame);
        wire = &wire[used..];
        frames += 1;
    }
    frames
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (name, framing, size) in CASES {
        let wire = wire(framing, size);
        let mut decoder = Decoder::new(framing);
        assert_eq!(decode_all(&mut decoder, &wire), frames_of_a_read(framing, size));
        group.throughput(Throughput::Bytes(wire.len() as u64));
        group.bench_function(BenchmarkId::new(name, size), |bencher| {
            bencher.iter(|| decode_all(&mut decoder, black_box(&wire)));
        });
    }
    // Shown one byte more each time: what was searched once must not be searched again.
    let mut line = vec![b'x'; 4095];
    line.push(b'\n');
    group.throughput(Throughput::Bytes(line.len() as u64));
    group.bench_function("lines/4095-byte-by-byte", |bencher| {
        let mut decoder = Decoder::new(Framing::LINES);
        bencher.iter(|| (1..=line.len()).map(|end| decode_all(&mut decoder, black_box(&line[..end]))).sum::<usize>());
    });
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    for (name, framing, size) in CASES {
        let (frame, count) = (vec![b'x'; size], frames_of_a_read(framing, size));
        let mut out = wire(framing, size);
        group.throughput(Throughput::Bytes(out.len() as u64));
        group.bench_function(BenchmarkId::new(name, size), |bencher| {
            bencher.iter(|| {
                out.clear();
                for _ in 0..count {
                    framing.encode(black_box(&frame), &mut out);
                }
                out.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
