//! Input without an end is refused, and costs no more than its bytes.

use std::io::Write;

use crate::support::client::{Wire, show};
use crate::support::{Client, Server, proc};

/// Generous: a tick is a hundredth of a second, and a whole test takes a fraction of this.
const TICKS: u64 = 500;

/// Writes until the server takes no more, and answers what it said and how much it took.
fn overrun(client: &mut Client, piece: &[u8]) -> (Vec<u8>, usize) {
    let mut taken = 0;
    while client.socket.write_all(piece).is_ok() {
        taken += piece.len();
        assert!(taken < 64 * 1024 * 1024, "it takes everything");
    }
    // The reset that ends this may have overtaken the reason; then nothing is read.
    let mut said = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client.socket, &mut said);
    (said, taken)
}

#[test]
fn an_endless_line_is_refused_whatever_the_size_of_its_pieces() {
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("upper=unix:{}", folder.path().join("u.sock").display());
    let server = Server::with(&["echo=127.0.0.1:0", "upper=[::1]:0", &path]);
    let busy = proc::ticks(server.pid());
    for door in 0..3 {
        for size in [100, 8192, 100_000] {
            let (said, taken) = overrun(&mut server.client(door), &vec![b'A'; size]);
            assert!(said.is_empty() || said.starts_with(b"! too-long: "), "{}", show(&said));
            assert!(taken >= 8192, "{taken} bytes are no overrun");
        }
    }
    assert!(proc::ticks(server.pid()) - busy < TICKS, "the processor was busy for too long");
    let figures = server.figures_when("nobody inside", |figures| figures.connections == 0);
    assert_eq!(figures.frames, 0);
}

#[test]
fn a_line_that_comes_byte_by_byte_costs_no_more_than_its_bytes() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    let busy = proc::ticks(server.pid());
    let mut client = server.client(0);
    for _ in 0..8193 {
        client.send(b"A");
    }
    assert!(client.line().starts_with("! too-long: "));
    client.expect_end();
    // Just short of the limit, over and over, is no fault and must not add up either.
    let mut client = server.client(0);
    let line = Wire::Lines.frame(&[b'A'; 8192]);
    for piece in line.chunks(3) {
        client.send(piece);
    }
    client.expect(&line);
    assert!(proc::ticks(server.pid()) - busy < TICKS, "the processor was busy for too long");
}

#[test]
fn a_prefix_that_promises_much_takes_no_memory_before_the_bytes_come() {
    let server = Server::with(&["echo+length=127.0.0.1:0"]);
    let at_first = proc::resident(server.pid());
    let mut clients: Vec<Client> = (0..200).map(|_| server.client(0)).collect();
    for client in &mut clients {
        client.send(&65_536_u32.to_be_bytes());
        client.send(b"and then nothing");
    }
    server.figures_when("all of it read", |figures| figures.bytes_in == 200 * 20);
    // 200 times 64 KiB would be 12,800 KiB.
    let now = proc::resident(server.pid());
    assert!(now < at_first + 4096, "{at_first} KiB at first, {now} now");
}
