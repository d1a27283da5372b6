//! Lines, limits and manners on the wire.

use std::time::{SystemTime, UNIX_EPOCH};

use parlor::hub::Wall;

use crate::support::Server;
use crate::support::client::{Wire, show};

#[test]
fn crlf_counts_as_lf_and_blank_lines_are_skipped() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    let mut client = server.client(0);
    client.send(b"\n\r\n\na\r\n\n\r\nb\n c \r\n\rd\re\n");
    client.finish();
    assert_eq!(client.rest(), b"a\nb\n c \n\rd\re\n");
}

#[test]
fn a_last_line_without_its_end_counts() {
    let server = Server::with(&["echo=127.0.0.1:0", "upper=[::1]:0"]);
    for (door, answer) in [(0, b"one\ntwo\n"), (1, b"ONE\nTWO\n")] {
        for question in [&b"one\ntwo"[..], b"one\r\ntwo\r"] {
            let mut client = server.client(door);
            client.send(question);
            client.finish();
            assert_eq!(client.rest(), answer);
        }
    }
}

#[test]
fn a_partial_frame_at_the_end_is_an_error_after_the_answers_to_the_whole_ones() {
    let server = Server::with(&["echo+length=127.0.0.1:0", "echo+fixed=127.0.0.1:0"]);
    for (wire, door) in [(Wire::Length, 0), (Wire::Fixed, 1)] {
        let whole = wire.frame(b"whole");
        for cut in [1, 3, whole.len() - 1] {
            let mut client = server.client(door);
            client.send(&[&whole[..], &whole[..cut]].concat());
            client.finish();
            client.expect(&whole);
            let reason = client.rest();
            let text = if wire == Wire::Length { &reason[4..] } else { &reason[..] };
            assert!(text.starts_with(b"! partial-frame: "), "{}", show(&reason));
        }
    }
}

#[test]
fn the_longest_frame_is_taken_and_one_byte_more_is_refused() {
    let server = Server::with(&["echo=127.0.0.1:0", "echo+length=127.0.0.1:0"]);
    let mut client = server.client(0);
    let longest = Wire::Lines.frame(&[b'x'; 8192]);
    client.ask(&longest, &longest);
    client.ask(&[&longest[..8192], b"\r\n"].concat(), &longest);
    client.send(&Wire::Lines.frame(&[b'x'; 8193]));
    assert!(client.line().starts_with("! too-long: "));
    client.expect_end();

    let mut client = server.client(1);
    let longest = Wire::Length.frame(&vec![b'x'; 65536]);
    client.ask(&longest, &longest);
    // The prefix alone is enough: no memory is taken on a liar's word.
    for lie in [65537_u32, u32::MAX] {
        let mut liar = server.client(1);
        liar.send(&lie.to_be_bytes());
        let reason = liar.rest();
        assert!(reason[4..].starts_with(b"! too-long: "), "{}", show(&reason));
    }
    client.ask(&Wire::Length.frame(b"well"), &Wire::Length.frame(b"well"));
}

#[test]
fn a_stamp_is_the_time_of_the_answer_and_a_blank() {
    let server = Server::with(&["echo+stamp=127.0.0.1:0", "echo+stamp+length=127.0.0.1:0"]);
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
        Wall::from_millis(u64::try_from(since.as_millis()).expect("not so far past it")).to_string()
    };
    let mut client = server.client(0);
    let before = now();
    client.send(b" what time is it\n");
    let line = client.line();
    let (stamp, text) = line.split_once(' ').expect("a blank behind the time");
    assert_eq!(text, " what time is it");
    assert_eq!((stamp.len(), &stamp[10..11], &stamp[23..]), (24, "T", "Z"), "{stamp}");
    assert!(*before <= *stamp && *stamp <= *now(), "{before} {stamp}");

    let mut client = server.client(1);
    client.send(&Wire::Length.frame(b"x"));
    client.expect(&26_u32.to_be_bytes());
    client.finish();
    assert!(client.rest().ends_with(b"Z x"));
}

#[test]
fn d16_many_are_answered_by_an_echo_at_once_each_behind_the_time() {
    let server = Server::with(&["echo+stamp=127.0.0.1:0"]);
    let mut clients: Vec<_> = (0..50).map(|_| server.client(0)).collect();
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(format!("client {number} round {round}\n").as_bytes());
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let line = client.line();
            let (stamp, text) = line.split_once(' ').expect("a blank behind the time");
            assert_eq!((stamp.len(), text), (24, format!("client {number} round {round}").as_str()));
        }
    }
}

#[test]
fn a_browser_is_refused_and_nothing_behind_its_request_is_obeyed() {
    let server = Server::with(&["echo=127.0.0.1:0", "upper=[::1]:0"]);
    for door in [0, 1] {
        for request in ["POST / HTTP/1.1\r\n", "GET /x?y=z HTTP/1.0\n", "OPTIONS * HTTP/1.1\r\n"] {
            let mut client = server.client(door);
            client.send(format!("{request}Host: here\r\nContent-Length: 5\r\n\r\nevil\n").as_bytes());
            assert!(client.line().starts_with("! http: "));
            client.expect_end();
        }
    }
    assert_eq!(server.figures().frames, 0, "something was obeyed");
}

#[test]
fn a_request_line_later_in_a_stream_is_text() {
    let server = Server::with(&["echo=127.0.0.1:0", "echo+length=127.0.0.1:0"]);
    server.client(0).ask(b"hello\nGET / HTTP/1.1\n", b"hello\nGET / HTTP/1.1\n");
    let (hello, request) = (Wire::Length.frame(b"hello"), Wire::Length.frame(b"GET / HTTP/1.1"));
    let mut framed = server.client(1);
    framed.ask(&hello, &hello);
    framed.ask(&request, &request);
    // As the first frame it is refused in that framing too.
    let mut browser = server.client(1);
    browser.send(&request);
    assert!(browser.rest()[4..].starts_with(b"! http: "));
    for text in [&b"GET / HTTP/2\n"[..], b"GET / HTTP/1.1 now\n", b"GET HTTP/1.1\n", b"the HTTP/1.1 way\n"] {
        server.client(0).ask(text, text);
    }
}
