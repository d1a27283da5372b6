//! What TLS costs, as the server's own processor time. Not judged, only shown: `cargo test --release --test tls -- --ignored
//! --nocapture what_tls_costs`.

use std::io::{Read, Write};

use crate::house::{House, Secure};
use crate::support::{Client, proc, until};

const ROUNDS: u32 = 40_000;
const MEBIBYTES: u32 = 512;
const HANDSHAKES: u32 = 4000;
const IDLE: u32 = 2000;

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

/// Microseconds of the server's time for each of so many things.
fn spent(house: &House, count: u32, act: impl FnOnce()) -> f64 {
    let before = proc::ticks(house.server.pid());
    act();
    #[expect(clippy::cast_precision_loss, reason = "hundredths of a second are few")]
    let micros = (proc::ticks(house.server.pid()) - before) as f64 * 10_000.0;
    micros / f64::from(count)
}

fn round_trips(stream: &mut dyn Both) {
    let line = [&[b'x'; 63][..], b"\n"].concat();
    let mut answer = [0; 64];
    for _ in 0..ROUNDS {
        stream.write_all(&line).unwrap();
        stream.read_exact(&mut answer).unwrap();
    }
}

/// A piece is asked and answered at a time: large enough for whole records, small enough to be taken without reading.
fn bulk(stream: &mut dyn Both) {
    let piece = [&[b'x'; 1023][..], b"\n"].concat().repeat(32);
    let mut answer = vec![0; piece.len()];
    for _ in 0..MEBIBYTES * 32 {
        stream.write_all(&piece).unwrap();
        stream.read_exact(&mut answer).unwrap();
    }
}

#[test]
#[ignore = "takes minutes, and judges nothing"]
fn what_tls_costs() {
    let house = House::new(&["echo=127.0.0.1:0", "echo+tls=127.0.0.1:0"]);
    for (name, door) in [("plain", 0), ("TLS", 1)] {
        let mut stream: Box<dyn Both> = match door {
            0 => Box::new(Client::to(house.server.place(0)).socket),
            _ => Box::new(house.client(1).0),
        };
        let each = spent(&house, ROUNDS, || round_trips(&mut *stream));
        println!("{name}: {each:.1} us of the server for a round trip of 64 bytes");
        let each = spent(&house, MEBIBYTES, || bulk(&mut *stream));
        println!("{name}: {each:.0} us of the server for a MiB in and out");
    }
    let config = house.authority.client();
    let each = spent(&house, HANDSHAKES, || {
        for _ in 0..HANDSHAKES {
            drop(Secure::to(house.server.place(1), config.clone()).unwrap());
        }
    });
    println!("TLS: {each:.0} us of the server for a handshake");
    for (name, door) in [("plain", 0), ("TLS", 1)] {
        until("nobody inside", || house.server.figures().connections == 0);
        let before = proc::resident(house.server.pid());
        let mut idle: Vec<Box<dyn Both>> = Vec::new();
        for _ in 0..IDLE {
            let mut stream: Box<dyn Both> = match door {
                0 => Box::new(Client::to(house.server.place(0)).socket),
                _ => Box::new(house.client(1).0),
            };
            stream.write_all(b"hello\n").unwrap();
            stream.read_exact(&mut [0; 6]).unwrap();
            idle.push(stream);
        }
        let after = proc::resident(house.server.pid());
        println!("{name}: {} bytes for an idle connection", (after - before) * 1024 / u64::from(IDLE));
    }
}
