//! Whoever does not read is waited for without work, and gets everything in the end.

use std::thread;

use tempfile::TempDir;

use crate::support::{Client, Server};

const SIZE: usize = 10 * 1024 * 1024;

/// Lines that all differ.
fn lines() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SIZE + 100);
    for number in 0.. {
        bytes.extend_from_slice(format!("this is line number {number} of many\n").as_bytes());
        if bytes.len() >= SIZE {
            break;
        }
    }
    bytes
}

fn everywhere() -> (Server, TempDir) {
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("echo=unix:{}", folder.path().join("u.sock").display());
    (Server::with(&["echo=127.0.0.1:0", &path]), folder)
}

#[test]
fn a_reader_that_slept_gets_ten_mebibytes_whole_and_the_loop_slept_meanwhile() {
    let (server, _folder) = everywhere();
    let bytes = lines();
    for door in [0, 1] {
        let mut reader = server.client(door);
        let mut writer = reader.twin();
        let before = server.figures().bytes_in;
        thread::scope(|scope| {
            scope.spawn(|| {
                writer.send(&bytes);
                writer.finish();
            });
            // Until the outbox and every buffer of the kernel is full, and the server reads no more.
            server.figures_when("input under way", |figures| figures.bytes_in > before + 64 * 1024);
            let taken = server.settled().bytes_in - before;
            assert!(taken < bytes.len() as u64 / 2, "{taken} bytes were taken: nothing holds the writer back");
            server.expect_sleep();
            // Others are served as if nothing were.
            server.client(door).ask(b"hello\n", b"hello\n");
            assert!(reader.rest() == bytes, "what came back is not what was sent");
        });
    }
}

#[test]
fn many_readers_that_sleep_keep_neither_the_loop_nor_each_other_awake() {
    let (server, _folder) = everywhere();
    // As much as may wait is known from the server itself: a client writes until nobody takes more.
    let mut clients: Vec<Client> = (0..20).map(|number| server.client(number % 2)).collect();
    let line = [&[b'x'; 999][..], b"\n"].concat();
    let mut sent = vec![0_usize; clients.len()];
    for client in &clients {
        client.socket.set_nonblocking(true).expect("every socket can");
    }
    loop {
        let before = sent.clone();
        for (client, sent) in clients.iter_mut().zip(&mut sent) {
            // A part of a line may be taken; the next write goes on where it ended.
            while let Ok(count) = client.socket.send(&line[*sent % line.len()..]) {
                *sent += count;
            }
        }
        server.settled();
        if before == sent {
            break;
        }
    }
    server.expect_sleep();
    for (client, sent) in clients.iter_mut().zip(sent) {
        client.socket.set_nonblocking(false).expect("every socket can");
        let mut writer = client.twin();
        let rest = &line[sent % line.len()..];
        let whole = line.repeat(sent.div_ceil(line.len()) + usize::from(sent % line.len() == 0));
        thread::scope(|scope| {
            scope.spawn(|| {
                writer.send(rest);
                writer.finish();
            });
            assert!(client.rest() == whole, "what came back is not what was sent");
        });
    }
}
