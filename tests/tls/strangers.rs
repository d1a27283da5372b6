//! Whoever comes to a TLS listener with something else, or too slowly; and TLS at the door of a plain one.

use std::io::{Read, Write};

use rustls::ClientConnection;

use crate::authority::Authority;
use crate::house::{House, Secure, served};
use crate::support::client::Wire;
use crate::support::tools::needs;
use crate::support::{Client, Server, until};

const TOLD: &[u8] = b"! tls: the other end does not speak TLS; this address speaks TLS only (tls:HOST:PORT); goodbye\n";
const NO_TLS_HERE: &[u8] = b"! tls: this address does not speak TLS; goodbye";

/// Every service of streams in every framing, with this option; those that are on Unix sockets only, there.
fn everything(folder: &std::path::Path, option: &str) -> Vec<(Wire, String)> {
    let services = ["chat", "echo", "upper", "files", "run", "admin"];
    let all = Wire::ALL.into_iter().flat_map(|wire| services.map(|service| (wire, service)));
    all.map(|(wire, service)| {
        let at = match service {
            "run" | "admin" => format!("unix:{}/{service}-{}", folder.display(), wire.option()),
            _ => "127.0.0.1:0".to_owned(),
        };
        (wire, format!("{service}+{}{option}={at}", wire.option()))
    })
    .collect()
}

/// The first flight of a client.
fn hello(authority: &Authority) -> Vec<u8> {
    let mut session = ClientConnection::new(authority.client(), "localhost".try_into().unwrap()).unwrap();
    let mut bytes = Vec::new();
    session.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_plain_client_at_a_tls_listener_is_told_in_plain_text() {
    let house = House::new(&["chat+tls=127.0.0.1:0"]);
    for said in [&b"/nick alice\n"[..], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0\0\0\x01a", b"\xff", b"\n"] {
        let mut client = house.server.client(0);
        client.send(said);
        assert_eq!(client.rest(), TOLD);
    }
    // What it had sent and nobody read is no reason for a reset that takes our words away.
    let mut client = house.server.client(0);
    client.send(&b"a long line\n".repeat(4000));
    assert_eq!(client.rest(), TOLD);
    until("all six are said", || {
        let lines = house.server.log.lines();
        let told = lines.iter().filter(|line| line.contains("is turned away: the other end does not speak TLS"));
        told.count() == 6
    });
    // No service heard of any of them.
    assert_eq!(house.server.figures().accepted, 0);
    assert!(house.client(0).line().contains("guest1"));
}

#[test]
fn a_plain_client_is_told_in_the_framing_of_whatever_service_it_came_to() {
    let folder = tempfile::tempdir().unwrap();
    let listeners = everything(folder.path(), "+tls");
    let listen: Vec<&str> = listeners.iter().map(|(_, listener)| listener.as_str()).collect();
    let files = folder.path().join("files").display().to_string();
    let house = House::with(&listen, |start, _| start.flags(&["--files", &files]));
    let told = TOLD.strip_suffix(b"\n").unwrap();
    for (door, (wire, listener)) in listeners.iter().enumerate() {
        let mut client = house.server.client(door);
        client.send(&wire.frame(b"hello"));
        assert!(client.rest() == wire.frame(told), "{listener}");
    }
    assert_eq!(house.server.figures().accepted, 0);
}

#[test]
fn a_tls_client_is_told_in_the_framing_of_whatever_service_it_came_to() {
    let folder = tempfile::tempdir().unwrap();
    let listeners = everything(folder.path(), "");
    let files = folder.path().join("files").display().to_string();
    let start = crate::support::Start::serve(&["--no-history", "--files", &files]);
    let server = listeners.iter().fold(start, |start, (_, listener)| start.listen(listener)).go();
    let hello = hello(&Authority::new());
    for (door, (wire, listener)) in listeners.iter().enumerate() {
        let mut client = server.client(door);
        client.send(&hello);
        // Behind a greeting, where there is one.
        let answer = client.rest();
        assert!(answer.ends_with(&wire.frame(NO_TLS_HERE)), "{listener}: {:?}", String::from_utf8_lossy(&answer));
    }
}

#[test]
fn garbage_that_begins_as_tls_is_answered_with_an_alert() {
    let house = House::new(&["echo+tls=127.0.0.1:0"]);
    let hello = hello(&house.authority);
    let mut torn = hello.clone();
    torn[43] = 0xff; // the length of the session's name, behind headers, version and random
    let oversized = [&[22, 3, 1, 0xff, 0xff][..], &vec![0; 0xffff]].concat();
    let application_data_first = [&[23, 3, 3, 0, 5][..], b"hello"].concat();
    for said in [torn, oversized, application_data_first] {
        let mut client = house.server.client(0);
        // It may close while we still speak.
        let _ = client.socket.write_all(&said);
        client.finish();
        let answer = client.rest();
        assert_eq!((answer.len(), answer.first()), (7, Some(&21)), "{:?} was answered with {answer:?}", &said[..8]);
    }
    assert_eq!(house.server.figures().accepted, 0);
    house.client(0).ask(b"hello\n", b"hello\n");
}

#[test]
fn a_handshake_in_crumbs_comes_to_its_end() {
    let house = House::new(&["echo+tls=127.0.0.1:0"]);
    let mut client = house.server.client(0);
    // A hello of 60,000 bytes, one in each record.
    let crumbs = [1, 0, 0xea, 0x60].into_iter().chain([0; 1000]);
    let _ = client.socket.write_all(&crumbs.flat_map(|byte| [22, 3, 1, 0, 1, byte]).collect::<Vec<u8>>());
    assert_eq!(client.rest(), b"");
    house.server.log.wait("the end", |line| line.contains("is turned away: the handshake comes to no end"));
    house.client(0).ask(b"hello\n", b"hello\n");
}

#[test]
fn whoever_is_too_slow_in_shaking_hands_is_turned_away_however_often_a_byte_comes() {
    let limit = |start: crate::support::Start, _: &std::path::Path| start.flags(&["--tls-handshake", "500ms"]);
    let house = House::with(&["echo+tls=127.0.0.1:0"], limit);
    let hello = hello(&house.authority);
    let (mut silent, mut halting) = (house.server.client(0), house.server.client(0));
    let mut trickle = house.server.client(0);
    halting.send(&hello[..hello.len() / 2]);
    let mut twin = trickle.twin();
    let trickling = std::thread::spawn(move || {
        // A byte now and then: the limit counts from the beginning.
        let mut sent = 0;
        while twin.socket.write_all(&hello[sent..=sent]).is_ok() && sent + 10 < hello.len() {
            sent += 1;
            std::thread::sleep(std::time::Duration::from_millis(60));
        }
        sent
    });
    // Somebody who says nothing may wait for us to speak, as nobody does who speaks TLS.
    assert_eq!(silent.rest(), TOLD);
    assert_eq!(halting.rest(), b"");
    // What was sent after the end may have brought a reset.
    let mut rest = Vec::new();
    let _ = trickle.socket.read_to_end(&mut rest);
    assert_eq!(rest, b"");
    let sent = trickling.join().unwrap();
    assert!(sent < 200, "{sent} bytes");
    until("all three are said", || {
        let lines = house.server.log.lines();
        lines.iter().filter(|line| line.contains("is turned away: it took too long")).count() == 3
    });
    assert_eq!(house.server.figures().accepted, 0);
    // In time.
    house.client(0).ask(b"hello\n", b"hello\n");
    house.server.expect_sleep();
}

#[test]
fn however_many_stand_on_the_porch_whoever_shakes_hands_comes_in() {
    if !needs("prlimit") {
        return;
    }
    // 128 descriptors leave room for 16 on the porch.
    let counted = ["--count-loopback", "--per-address", "off", "--new-per-address", "off"];
    let few = |start: crate::support::Start, _: &std::path::Path| {
        start.under(&["prlimit", "--nofile=128:128"]).flags(&counted)
    };
    let house = House::with(&["echo+tls=127.0.0.1:0"], few);
    let silent: Vec<Client> = (0..100).map(|_| house.server.client(0)).collect();
    let mut client = house.client(0);
    client.ask(b"hello\n", b"hello\n");
    house.server.log.wait("the first makes room", |line| line.contains("is turned away: too many others came"));
    // To have been in the way is no misdeed, or who comes next from there would be kept out for it.
    house.client(0).ask(b"hello\n", b"hello\n");
    drop(silent);
    client.ask(b"hello\n", b"hello\n");
}

#[test]
fn tls_at_a_plain_listener_is_no_text_and_is_told_so() {
    let server = Server::with(&["echo=127.0.0.1:0", "echo+length=127.0.0.1:0", "echo+fixed=127.0.0.1:0"]);
    let hello = hello(&Authority::new());
    let text = "! tls: this address does not speak TLS; goodbye";
    for (door, wire) in Wire::ALL.into_iter().enumerate() {
        // A length is too long before the hello is known for one.
        let smallest = if wire == Wire::Length { 6 } else { 1 };
        for pieces in [hello.len(), smallest] {
            let mut client = server.client(door);
            for piece in hello.chunks(pieces) {
                if client.socket.write_all(piece).is_err() {
                    break; // enough was seen
                }
            }
            let mut answer = vec![0; wire.frame(text.as_bytes()).len()];
            client.socket.read_exact(&mut answer).unwrap();
            assert!(answer == wire.frame(text.as_bytes()));
        }
    }
    let error = Secure::to(server.place(0), Authority::new().client()).err().unwrap();
    assert!(error.to_string().contains("InvalidContentType"), "{error}");
    // What only looks like it is a line as any other.
    let mut client = server.client(0);
    client.ask(b"\x16\n", b"\x16\n");
    client.ask(b"\x16\x03\x01\x00\x05\x01\n", b"\x16\x03\x01\x00\x05\x01\n");
    let mut client = server.client(0);
    client.ask(b"\x16\x03\n", b"\x16\x03\n");
}

#[test]
fn too_many_inside_are_told_so_through_tls() {
    let house = House::with(&["echo+tls=127.0.0.1:0"], |start, _| start.flags(&["--max-connections", "1"]));
    let mut first = house.client(0);
    first.ask(b"hello\n", b"hello\n");
    let mut second = house.client(0);
    assert!(String::from_utf8(second.rest()).unwrap().starts_with("! full: "));
    first.ask(b"hello\n", b"hello\n");
}

#[test]
fn a_certificate_that_is_missing_or_wrong_is_named_and_the_server_does_not_start() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let (pair, other) = (authority.here(), authority.here());
    let shown = |name: &str| folder.path().join(name).display().to_string();
    pair.files(folder.path(), "server");
    let (_, other_key) = other.files(folder.path(), "other");
    std::fs::write(folder.path().join("empty"), "nothing\n").unwrap();
    let listen = ["--listen", "echo+tls=127.0.0.1:0"];
    let complains = |flags: &[&str], wanted: &str| {
        let finished = crate::support::Start::serve(&listen).flags(flags).run();
        assert_eq!(finished.code(), 1, "{finished:#?}");
        let said = finished.stderr.iter().any(|line| line.contains(wanted));
        assert!(said, "{wanted}: {finished:#?}");
    };
    let (certificate, key) = (shown("server.pem"), shown("server.key"));
    complains(&[], "a listener with +tls needs tls-certificate and tls-key");
    complains(&["--tls-certificate", &certificate], "tls-certificate = ");
    complains(&["--tls-key", &key], "tls-key = ");
    complains(&["--tls-client-ca", &certificate], "tls-client-ca = ");
    let with = |certificate: &str, key: &str, wanted: &str| {
        complains(&["--tls-certificate", certificate, "--tls-key", key], wanted);
    };
    with("/nowhere/a.pem", &key, "cannot serve TLS: /nowhere/a.pem: No such file");
    with(&shown("empty"), &key, "empty: no certificate");
    with(&certificate, &shown("empty"), "empty: no private key in PEM");
    with(&certificate, other_key.to_str().unwrap(), "do not make a pair");
}

#[test]
fn addresses_of_strangers_are_logged_as_it_was_asked_for() {
    let quiet = |start: crate::support::Start, _: &std::path::Path| start.flags(&["--log-addresses", "none"]);
    let house = House::with(&["echo+tls=127.0.0.1:0"], quiet);
    let mut client = house.server.client(0);
    let port = client.address().port().to_string();
    client.send(b"hello\n");
    client.rest();
    let line = house.server.log.wait("the stranger", |line| line.contains("is turned away"));
    assert!(!line.contains(&port) && !line.contains("127.0.0.1"), "{line}");
}

#[test]
fn a_key_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    for (mode, warned) in [(0o600, false), (0o640, true), (0o604, true)] {
        let start = served(folder.path(), &authority.here()).listen("echo+tls=127.0.0.1:0");
        let key = folder.path().join("server.key");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let server = start.go();
        let lines = server.log.lines();
        let found = lines.iter().any(|line| line.contains("WARN") && line.contains("can be read by others"));
        assert_eq!(found, warned, "{lines:#?}");
    }
}

#[test]
fn whoever_comes_again_and_again_and_shakes_no_hands_stays_out_for_a_while() {
    let house =
        House::with(&["echo+tls=127.0.0.1:0", "echo=127.0.0.1:0"], |start, _| start.flags(&["--count-loopback"]));
    for _ in 0..4 {
        let mut client = house.server.client(0);
        client.send(b"hello\n");
        assert_eq!(client.rest(), TOLD);
    }
    let told = String::from_utf8(house.server.client(1).rest()).unwrap();
    assert!(told.starts_with("! penalty: too much went wrong from your address"), "{told}");
}
