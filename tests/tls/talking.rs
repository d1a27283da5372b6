//! The real server through TLS: every service, both versions, much, and piece by piece.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

use rustls::ClientConnection;
use rustls::version::{TLS12, TLS13};

use crate::authority::client_of;
use crate::chance::Chance;
use crate::house::{House, Secure};
use crate::memory::bytes;
use crate::support::{Client, Start};

#[test]
fn every_service_and_framing_is_served_behind_tls_in_both_versions() {
    let house = House::new(&["chat+tls=127.0.0.1:0", "echo+length+tls=127.0.0.1:0", "upper+tls+lines=[::1]:0"]);
    for version in [&TLS12, &TLS13] {
        let config = || client_of(version, house.authority.roots());
        let mut chat = Secure::to(house.server.place(0), config()).unwrap();
        assert!(chat.line().starts_with("- parlor chat: you are guest"));
        let mut echo = Secure::to(house.server.place(1), config()).unwrap();
        echo.ask(b"\0\0\0\x05hello", b"\0\0\0\x05hello");
        let mut upper = Secure::to(house.server.place(2), config()).unwrap();
        upper.ask(b"hello\n", b"HELLO\n");
    }
}

#[test]
fn a_unix_socket_can_be_behind_tls_too() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::new(&[&format!("echo+tls=unix:{}", folder.path().join("s").display())]);
    house.client(0).ask(b"hello\n", b"hello\n");
}

#[test]
fn many_lines_in_one_record_are_answered_without_another_byte() {
    let house = House::new(&["echo+tls=127.0.0.1:0"]);
    let mut client = house.client(0);
    // 16 KiB are one record; more frames than one turn takes.
    let lines = b"a\n".repeat(8 * 1024);
    client.ask(&lines, &lines);
}

#[test]
fn ten_mebibytes_go_both_ways_at_once() {
    let house = House::new(&["echo+tls=127.0.0.1:0"]);
    let mut client = house.client(0);
    let line = [bytes(&mut Chance::new(1), 4000).as_slice()].concat();
    let line: Vec<u8> = line.iter().map(|&byte| if byte == b'\n' || byte == b'\r' { b'x' } else { byte }).collect();
    let all = [&line[..], b"\n"].concat().repeat(10 * 1024 * 1024 / 4001);
    let Secure(stream) = &mut client;
    let mut reader = stream.sock.try_clone().unwrap();
    // rustls has one state for both directions: a thread carries bytes from the socket, this one does the rest.
    let (carried, comes) = std::sync::mpsc::sync_channel::<Vec<u8>>(64);
    thread::spawn(move || {
        let mut piece = vec![0; 65536];
        while let Ok(count @ 1..) = reader.read(&mut piece) {
            carried.send(piece[..count].to_vec()).unwrap();
        }
    });
    let (mut at, mut heard) = (0, Vec::new());
    while heard.len() < all.len() {
        if at < all.len() {
            at += stream.conn.writer().write(&all[at..all.len().min(at + 60_000)]).unwrap();
            while stream.conn.wants_write() {
                stream.conn.write_tls(&mut stream.sock).unwrap();
            }
        }
        while let Some(came) = if at < all.len() { comes.try_recv().ok() } else { comes.recv().ok() } {
            let mut came = &came[..];
            while !came.is_empty() {
                stream.conn.read_tls(&mut came).unwrap();
                let state = stream.conn.process_new_packets().unwrap();
                let from = heard.len();
                heard.resize(from + state.plaintext_bytes_to_read(), 0);
                stream.conn.reader().read_exact(&mut heard[from..]).unwrap();
            }
            if heard.len() == all.len() {
                break;
            }
        }
    }
    assert!(heard == all);
    stream.sock.shutdown(Shutdown::Both).unwrap();
}

#[test]
fn a_handshake_that_comes_byte_by_byte_is_one_all_the_same() {
    let house = House::new(&["echo+tls=127.0.0.1:0"]);
    let mut socket = Client::to(house.server.place(0)).socket;
    let mut session = ClientConnection::new(house.authority.client(), "localhost".try_into().unwrap()).unwrap();
    while session.is_handshaking() {
        let mut records = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut records).unwrap();
        }
        for byte in records {
            socket.write_all(&[byte]).unwrap();
        }
        if session.is_handshaking() {
            session.read_tls(&mut socket).unwrap();
            session.process_new_packets().unwrap();
        }
    }
    let mut stream = rustls::StreamOwned::new(session, socket);
    stream.write_all(b"hello\n").unwrap();
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"hello\n");
}

#[test]
fn whoever_says_goodbye_first_still_hears_all_the_answers_and_then_ours() {
    let house = House::new(&["echo+tls=127.0.0.1:0"]);
    let mut client = house.client(0);
    let lines = b"0123456789\n".repeat(20_000);
    let (mut left, mut heard) = (&lines[..], Vec::new());
    // As much at once as is answered without being read.
    while !left.is_empty() {
        let piece = &left[..left.len().min(44_000)];
        client.send(piece);
        left = &left[piece.len()..];
        if left.is_empty() {
            client.says_goodbye();
        } else {
            let from = heard.len();
            heard.resize(from + piece.len(), 0);
            client.0.read_exact(&mut heard[from..]).unwrap();
        }
    }
    heard.extend(client.rest());
    assert!(heard == lines, "{} of {} bytes", heard.len(), lines.len());
}

#[test]
fn an_end_without_a_goodbye_is_told_apart_from_leaving() {
    let house = House::new(&["chat+tls=127.0.0.1:0"]);
    let mut watcher = house.client(0);
    watcher.line();
    watcher.send(b"/nick watcher\n");
    watcher.line();
    for (polite, why) in [(true, "quit"), (false, "connection lost")] {
        let mut client = house.client(0);
        client.line();
        client.send(b"hello\n");
        while !watcher.line().ends_with("> hello") {}
        if polite {
            client.says_goodbye();
        }
        client.0.sock.shutdown(Shutdown::Write).unwrap();
        let line = watcher.line();
        assert!(line.contains("left") && line.contains(why), "{line}");
    }
}

#[test]
fn a_stopping_server_says_goodbye_through_tls() {
    let house = House::new(&["echo+tls=127.0.0.1:0"]);
    let mut client = house.client(0);
    client.ask(b"hello\n", b"hello\n");
    house.server.signal(rustix::process::Signal::TERM);
    assert_eq!(client.rest(), b"");
    client.says_goodbye();
    client.0.sock.shutdown(Shutdown::Both).unwrap();
    assert_eq!(house.server.wait().code(), 0);
}

#[test]
fn key_updates_are_answered_while_nothing_else_is_said() {
    let house = House::new(&["echo+tls=127.0.0.1:0"]);
    let mut client = house.client(0);
    for _ in 0..5 {
        client.0.conn.refresh_traffic_keys().unwrap();
        client.ask(b"still here\n", b"still here\n");
    }
    assert_eq!(client.0.conn.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    // So many on end are no conversation any more.
    for _ in 0..100 {
        client.0.conn.refresh_traffic_keys().unwrap();
    }
    let mut records = Vec::new();
    while client.0.conn.wants_write() {
        client.0.conn.write_tls(&mut records).unwrap();
    }
    let _ = client.0.sock.write_all(&records);
    assert!(client.0.read(&mut [0]).is_err(), "it went on");
    house.server.figures_when("nobody inside", |figures| figures.connections == 0);
}

#[test]
fn our_own_client_talks_through_tls_and_sees_how() {
    let house = House::new(&["chat+tls=127.0.0.1:0"]);
    let address = format!("tls:localhost:{}", house.server.place(0).port());
    let ca = house.ca();
    let chat = || Start::parlor(&["chat", "--ca", ca.to_str().unwrap(), &address]);
    let mut watcher = house.client(0);
    watcher.line();
    let finished = chat().flags(&["--send", "through TLS", "--nick", "alice"]).run();
    assert_eq!(finished.code(), 0, "{finished:#?}");
    while !watcher.line().ends_with("<alice> through TLS") {}
    watcher.send(b"/info\n");
    let mut facts = Vec::new();
    while !facts.iter().any(|line: &String| line.contains("end of info") || line.contains("retransmits")) {
        facts.push(watcher.line());
    }
    assert!(facts.iter().any(|line| line.contains("tls: TLS 1.3")), "{facts:#?}");
    assert!(facts.iter().any(|line| line.contains("tls-cipher: TLS13_")), "{facts:#?}");
    // Whom it does not believe, it does not talk to, and says so.
    let other = tempfile::tempdir().unwrap();
    let stranger = crate::authority::Authority::new().file(other.path());
    let chat = Start::parlor(&["chat", "--ca", stranger.to_str().unwrap(), &address]);
    let finished = chat.flags(&["--send", "never", "--timeout", "20"]).run();
    assert_eq!(finished.code(), 1, "{finished:#?}");
    let said = finished.stderr.iter().any(|line| line.contains("it comes from nobody whom we trust"));
    assert!(said, "{finished:#?}");
}

#[test]
fn version_and_cipher_can_be_seen_by_the_client_and_in_the_log() {
    let house = House::with(&["echo+tls=127.0.0.1:0"], |start, _| start.flags(&["--log", "debug"]));
    let place = format!("tls:localhost:{}", house.server.place(0).port());
    let ca = house.ca();
    let finished = Start::parlor(&["probe", "--ca", ca.to_str().unwrap(), &place]).run();
    assert_eq!(finished.code(), 0, "{finished:#?}");
    for (name, value) in [("tls", "TLS 1.3"), ("tls-cipher", "TLS13_"), ("tls-group", "X25519"), ("family", "IPv4")] {
        let line = finished.stdout.lines().find(|line| line.split_whitespace().next() == Some(name));
        assert!(line.is_some_and(|line| line.contains(value)), "{name}: {finished:#?}");
    }
    house.server.log.wait("version and cipher", |line| line.contains("TLS 1.3, TLS13_"));
}

/// The load generator, its words before the address, believing in the house's authority.
#[cfg(feature = "bench")]
fn bench(house: &House, words: &[&str]) -> (i32, String) {
    let address = format!("tls:localhost:{}", house.server.place(0).port());
    let finished = Start::parlor(&["bench"]).flags(words).flags(&[&address, "--json"]).run();
    (finished.code(), finished.stdout)
}

#[cfg(feature = "bench")]
#[test]
fn the_load_generator_measures_through_tls_whom_it_believes() {
    let house = House::with(&["chat+tls=127.0.0.1:0"], |start, _| start.flags(&["--flood", "off"]));
    let ca = house.ca();
    let fanout = ["fanout", "--receivers", "3", "--count", "20", "--warmup", "0"];
    let (code, report) = bench(&house, &[&fanout[..], &["--ca", ca.to_str().unwrap()]].concat());
    assert!(code == 0 && report.contains("\"deliveries\":60,"), "{report}");
    let stranger = tempfile::tempdir().unwrap();
    let other = crate::authority::Authority::new().file(stranger.path());
    let (code, report) = bench(&house, &[&fanout[..], &["--ca", other.to_str().unwrap()]].concat());
    assert!(code == 1 && report.contains("it comes from nobody whom we trust"), "{report}");
}
