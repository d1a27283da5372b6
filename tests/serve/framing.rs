//! What comes back, in every framing and on every kind of address.

use tempfile::TempDir;

use crate::support::client::Wire;
use crate::support::{Server, Start};

/// `service` in every framing, each on TCP over IPv4 and IPv6 and on a Unix socket: three listeners a framing.
fn everywhere(service: &str) -> (Server, TempDir) {
    let folder = tempfile::tempdir().expect("ours");
    let mut start = Start::serve(&[]);
    for wire in Wire::ALL {
        let name = format!("{service}+{}", wire.option());
        let path = folder.path().join(wire.option());
        start = start.listen(&format!("{name}=127.0.0.1:0")).listen(&format!("{name}=[::1]:0"));
        start = start.listen(&format!("{name}=unix:{}", path.display()));
    }
    (start.go(), folder)
}

/// Each framing, and the numbers of its three listeners.
fn doors() -> impl Iterator<Item = (Wire, usize)> {
    Wire::ALL.into_iter().enumerate().flat_map(|(index, wire)| (0..3).map(move |door| (wire, index * 3 + door)))
}

#[test]
fn echo_answers_every_frame_in_every_framing_on_every_kind_of_address() {
    let (server, _folder) = everywhere("echo");
    let longest = [b'x'; 1024];
    for (wire, door) in doors() {
        let mut client = server.client(door);
        let frames: [&[u8]; 6] = [b"hello", "Grüße, 世界 🎉".as_bytes(), b"  blanks kept\t ", b"\0nul", &longest, b"!"];
        let all: Vec<u8> = frames.iter().flat_map(|frame| wire.frame(frame)).collect();
        client.ask(&all, &all);
        for frame in frames {
            client.ask(&wire.frame(frame), &wire.frame(frame));
        }
        client.finish();
        client.expect_end();
    }
}

#[test]
fn upper_answers_in_unicode_capitals_in_every_framing_on_every_kind_of_address() {
    let (server, _folder) = everywhere("upper");
    // One letter becomes two or three, a digraph becomes its capital, a final sigma a plain one.
    let (small, capital) = ("straße ŉ ﬃ ǆ ὀδυσσεύς ı ÿ 世界 🎉 aB1", "STRASSE ʼN FFI Ǆ ὈΔΥΣΣΕΎΣ I Ÿ 世界 🎉 AB1");
    for (wire, door) in doors() {
        let mut client = server.client(door);
        client.ask(&wire.frame(small.as_bytes()), &wire.frame(capital.as_bytes()));
        client.finish();
        client.expect_end();
    }
}

#[test]
fn an_empty_frame_is_answered_where_it_was_sent_on_purpose_and_skipped_as_a_line() {
    for service in ["echo", "upper"] {
        let (server, _folder) = everywhere(service);
        for (wire, door) in doors() {
            let mut client = server.client(door);
            client.send(&[wire.frame(b""), wire.frame(b"1"), wire.frame(b""), wire.frame(b"2")].concat());
            client.finish();
            let (one, empty) = (wire.frame(b"1"), wire.frame(b""));
            let empty = if wire == Wire::Lines { &[][..] } else { &empty };
            assert_eq!(client.rest(), [empty, &one, empty, &wire.frame(b"2")].concat(), "{service} {wire:?}");
        }
    }
}

#[test]
fn echo_returns_any_bytes() {
    let (server, _folder) = everywhere("echo");
    for (wire, door) in doors() {
        // No line holds a newline, and none of the fixed ones ends with NUL.
        let bytes: Vec<u8> = (0..=255).filter(|&byte| wire != Wire::Lines || byte != b'\n').collect();
        server.client(door).ask(&wire.frame(&bytes), &wire.frame(&bytes));
    }
}

#[test]
fn upper_answers_invalid_utf8_with_an_error_and_nobody_is_harmed() {
    let (server, _folder) = everywhere("upper");
    for (wire, door) in doors() {
        let mut bystander = server.client(door);
        let mut client = server.client(door);
        // A byte that never occurs, an overlong form, half of a surrogate pair, a character without its end.
        for broken in [&b"a\xffb"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"caf\xc3"] {
            client.send(&wire.frame(broken));
            let answer = match wire {
                Wire::Lines => client.line().into_bytes(),
                Wire::Length => {
                    let mut length = [0; 4];
                    std::io::Read::read_exact(&mut client.socket, &mut length).expect("a prefix");
                    let mut text = vec![0; u32::from_be_bytes(length) as usize];
                    std::io::Read::read_exact(&mut client.socket, &mut text).expect("a frame");
                    text
                }
                Wire::Fixed => {
                    let mut frame = [0; 1024];
                    std::io::Read::read_exact(&mut client.socket, &mut frame).expect("a frame");
                    frame.to_vec()
                }
            };
            assert!(answer.starts_with(b"! not-utf8: "), "{}", answer.escape_ascii());
            client.ask(&wire.frame(b"well"), &wire.frame(b"WELL"));
            bystander.ask(&wire.frame("ä".as_bytes()), &wire.frame("Ä".as_bytes()));
        }
    }
}

#[test]
fn a_character_that_the_network_cut_in_two_comes_through_whole() {
    let (server, _folder) = everywhere("upper");
    for (wire, door) in doors().filter(|(_, door)| door % 3 != 1) {
        let (question, answer) = (wire.frame("ä€🎉ß".as_bytes()), wire.frame("Ä€🎉SS".as_bytes()));
        let mut client = server.client(door);
        // The padding of a fixed frame holds no character to cut.
        for cut in 1..question.len().min(16) {
            let before = server.figures().bytes_in;
            client.send(&question[..cut]);
            server.figures_when("the first piece read alone", |figures| figures.bytes_in == before + cut as u64);
            client.ask(&question[cut..], &answer);
        }
    }
}
