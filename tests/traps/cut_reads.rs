//! Reads that stop before the socket is dry, ends that come with the last bytes, and what lies in the middle of a
//! stream without being a byte of it.
//!
//! The server is stopped while the bytes are sent, so that it meets them all at once, with one edge. And its figures,
//! not its answers, say that it has read them all: on a Unix socket, whoever reads an answer gives the other side an
//! edge, which would hide that there was none.

use std::fs::File;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tempfile::TempDir;

use crate::support::{Client, Server, proc};

/// Echo on IPv4, on IPv6 and on a Unix socket.
fn everywhere() -> (Server, TempDir) {
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("echo=unix:{}", folder.path().join("u.sock").display());
    (Server::with(&["echo=127.0.0.1:0", "echo=[::1]:0", &path]), folder)
}

const UNIX: usize = 2;

/// Lines that differ, so many bytes of them at least.
fn lines(size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0.. {
        bytes.extend_from_slice(format!("line {number}\n").as_bytes());
        if bytes.len() >= size {
            break;
        }
    }
    bytes
}

#[test]
fn a_megabyte_and_then_silence_is_answered_to_the_last_line() {
    let (server, _folder) = everywhere();
    let bytes = lines(1024 * 1024);
    for door in 0..=UNIX {
        let mut client = server.client(door);
        let mut writer = client.twin();
        std::thread::scope(|scope| {
            scope.spawn(|| writer.send(&bytes));
            client.expect(&bytes);
        });
    }
}

#[test]
fn more_than_one_turns_share_arriving_with_one_edge_is_answered_to_the_last_line() {
    let (server, _folder) = everywhere();
    for door in 0..=UNIX {
        let mut client = server.client(door);
        client.ask(b"\nhello\n", b"hello\n");
        // Past 64 KiB, the share of a turn, and yet within what the kernel keeps for a process that does not read.
        for size in [65_535, 65_536, 65_537, 80_000] {
            let bytes = &lines(80_000)[..size];
            let bytes = [&bytes[..size - 1], b"\n"].concat();
            let before = server.settled();
            server.freeze();
            client.send(&bytes);
            server.thaw();
            let all = before.bytes_in + bytes.len() as u64;
            server.figures_when("all of it read", |figures| figures.bytes_in == all);
            client.expect(&bytes);
        }
    }
}

#[test]
fn a_hundred_lines_and_a_half_close_are_answered_by_a_hundred_lines_and_the_end() {
    let (server, _folder) = everywhere();
    let bytes: Vec<u8> = (0..100).flat_map(|number| format!("{number}\n").into_bytes()).collect();
    for door in 0..=UNIX {
        for at_once in [false, true] {
            let mut client = server.client(door);
            if at_once {
                server.freeze();
            }
            client.send(&bytes);
            client.finish();
            if at_once {
                server.thaw();
                server.figures_when("the end noticed", |figures| figures.connections == 0);
            }
            assert_eq!(client.rest(), bytes, "door {door}, at once: {at_once}");
            server.figures_when("the end noticed", |figures| figures.connections == 0);
        }
    }
}

#[test]
fn data_and_its_end_in_one_segment_are_answered_and_closed_within_a_few_turns() {
    let (server, _folder) = everywhere();
    for door in 0..=UNIX {
        for (size, asleep) in [(6, false), (6, true), (65_536, true), (80_000, true)] {
            let bytes = [&lines(size)[..size - 1], b"\n"].concat();
            let mut client = server.client(door);
            client.ask(b"hello\n", b"hello\n");
            let before = server.settled();
            if asleep {
                server.freeze();
            }
            if door == UNIX {
                client.send(&bytes);
            } else {
                // Corked, the last bytes wait for more; then the end leaves together with them.
                client.socket.set_tcp_cork(true).expect("TCP");
                client.send(&bytes);
            }
            client.finish();
            if asleep {
                server.thaw();
            }
            assert_eq!(client.rest(), bytes, "door {door}, {size} bytes");
            let after = server.figures_when("the slot freed", |figures| figures.freed > before.freed);
            // Waking up, reading twice, writing, closing, and the askings.
            let turns = after.turns - before.turns;
            assert!(turns < 20, "{turns} turns for one answer: door {door}, {size} bytes");
        }
    }
}

#[test]
fn an_urgent_byte_in_the_middle_of_a_stream_stalls_nothing() {
    let (server, _folder) = everywhere();
    for door in 0..UNIX {
        for (before, after) in [(4, 4), (40_000, 30_000), (60_000, 10), (10, 65_536)] {
            let mut client = server.client(door);
            client.ask(b"hello\n", b"hello\n");
            for round in 0..3 {
                let bytes = [&lines(before)[..], &lines(after)[..]].concat();
                let seen = server.settled().bytes_in;
                server.freeze();
                client.send(&lines(before));
                assert_eq!(client.socket.send_out_of_band(b"!").expect("TCP"), 1);
                client.send(&lines(after));
                server.thaw();
                let all = seen + bytes.len() as u64;
                server.figures_when("all of it read", |figures| figures.bytes_in == all);
                client.expect(&bytes);
                client.ask(format!("round {round}\n").as_bytes(), format!("round {round}\n").as_bytes());
            }
            client.finish();
            client.expect_end();
        }
    }
}

#[test]
fn an_urgent_byte_and_the_end_behind_it_are_both_noticed() {
    let (server, _folder) = everywhere();
    for door in 0..UNIX {
        let mut client = server.client(door);
        client.ask(b"hello\n", b"hello\n");
        server.freeze();
        client.send(b"before\n");
        assert_eq!(client.socket.send_out_of_band(b"!").expect("TCP"), 1);
        client.send(b"after\n");
        client.finish();
        server.thaw();
        assert_eq!(client.rest(), b"before\nafter\n");
    }
}

/// Sends `bytes` and a descriptor with them.
fn pass(client: &Client, bytes: &[u8]) {
    let file = File::open("/dev/null").expect("it is always there");
    let descriptors = [file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)), "there is space for one");
    let sent = sendmsg(&client.socket, &[IoSlice::new(bytes)], &mut control, SendFlags::empty());
    assert_eq!(sent.expect("a Unix socket takes descriptors"), bytes.len());
}

#[test]
fn a_descriptor_passed_in_the_middle_of_a_stream_stalls_nothing_and_is_not_kept() {
    let (server, _folder) = everywhere();
    let mut client = server.client(UNIX);
    client.ask(b"hello\n", b"hello\n");
    let open = proc::descriptors(server.pid()).len();
    for round in 0..10 {
        let before = server.settled().frames;
        server.freeze();
        client.send(b"before\n");
        pass(&client, b"with it\n");
        pass(&client, b"and another\n");
        client.send(b"after\n");
        if round == 9 {
            client.finish();
        }
        server.thaw();
        let all = before + 4;
        server.figures_when("all of it read", |figures| figures.frames == all);
        client.expect(b"before\nwith it\nand another\nafter\n");
        if round < 9 {
            assert_eq!(proc::descriptors(server.pid()).len(), open, "a descriptor was kept");
        }
    }
    client.expect_end();
}
