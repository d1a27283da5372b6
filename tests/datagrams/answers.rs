//! What is answered, and what is not.

use crate::peer::Peer;
use crate::support::client::show;
use crate::support::{Server, Start};

#[test]
fn d19_upper_answers_each_datagram_with_its_capitals() {
    let server = Server::with(&["upper+udp=127.0.0.1:0", "upper+udp=[::1]:0"]);
    for index in [0, 1] {
        let peer = Peer::to(&server, index);
        for (question, answer) in [("hello", "HELLO"), ("straße ñ", "STRASSE Ñ"), ("two\nlines\n", "TWO\nLINES\n")] {
            peer.ask(question.as_bytes(), answer.as_bytes());
        }
    }
}

#[test]
fn d19_echo_answers_any_bytes_each_datagram_by_one() {
    let server = Server::with(&["echo+udp=127.0.0.1:0"]);
    let peer = Peer::to(&server, 0);
    let every: Vec<u8> = (0..=255).collect();
    for question in [&every[..], b"\n", b"GET / HTTP/1.1", b"\0\0\0\x01x", b"a", &[0xff; 8192]] {
        peer.ask(question, question);
    }
}

#[test]
fn no_browser_sends_datagrams_so_what_looks_like_its_request_is_answered_too() {
    let server = Server::with(&["echo+udp=127.0.0.1:0"]);
    let peer = Peer::to(&server, 0);
    peer.ask(b"GET / HTTP/1.1", b"GET / HTTP/1.1");
    peer.ask(b"and on", b"and on");
}

#[test]
fn d32_an_empty_datagram_is_answered_by_an_empty_one() {
    let server = Server::with(&["echo+udp=127.0.0.1:0", "upper+udp=127.0.0.1:0"]);
    for index in [0, 1] {
        let peer = Peer::to(&server, index);
        peer.ask(b"", b"");
        peer.ask(b"A", b"A");
        peer.ask(b"", b"");
    }
}

#[test]
fn an_over_long_datagram_is_refused_and_not_cut() {
    let server = Server::with(&["echo+udp=127.0.0.1:0"]);
    let peer = Peer::to(&server, 0);
    peer.ask(&[b'x'; 8192], &[b'x'; 8192]);
    for size in [8193, 9000, 65507] {
        peer.send(&vec![b'x'; size]);
        let answer = peer.hear();
        assert_eq!(show(&answer), "\"! too-long: a datagram here has at most 8192 bytes; nothing of it was used\"");
    }
    peer.ask(b"still here", b"still here");
}

#[test]
fn a16_an_answer_longer_than_its_question_is_not_sent_and_the_next_one_is() {
    let server = Server::with(&["upper+udp=127.0.0.1:0", "echo+stamp+udp=127.0.0.1:0"]);
    let peer = Peer::to(&server, 0);
    // In capitals it has three bytes, and so the bare error would have more than the question too.
    for longer in ["ŉ".as_bytes(), b"\xff", b"a\xc3"] {
        peer.send(longer);
        peer.send(b"next");
        assert_eq!(show(&peer.hear()), "\"NEXT\"");
    }
    // The reason fits into a question that is as long.
    let reason = b"! not-utf8: these bytes are no UTF-8 text; nothing was done with them";
    peer.ask(&vec![0xff; reason.len()], reason);

    // A stamp makes every answer longer.
    let stamped = Peer::to(&server, 1);
    stamped.send(b"when?");
    server.figures_when("the frame", |figures| figures.frames >= 8);
    peer.ask(b"and now", b"AND NOW");
    assert!(stamped.gather().is_empty());
}

#[test]
fn answers_go_to_whoever_asked_and_to_nobody_else() {
    let server = Server::with(&["echo+udp=127.0.0.1:0"]);
    let peers: Vec<Peer> = (0..50).map(|_| Peer::to(&server, 0)).collect();
    for round in 0..5 {
        for (number, peer) in peers.iter().enumerate() {
            peer.ask(format!("{number} {round}").as_bytes(), format!("{number} {round}").as_bytes());
        }
    }
    for peer in &peers {
        assert!(peer.gather().is_empty(), "more answers than questions");
    }
}

#[test]
fn a_burst_that_waits_for_the_server_is_read_to_the_end_in_order() {
    let server = Server::with(&["upper+udp=127.0.0.1:0"]);
    let peer = Peer::to(&server, 0);
    peer.ask(b"ready?", b"READY?");
    for size in [1, 100, 8000] {
        server.freeze();
        // As many as surely fit into what the kernel grants, the bookkeeping included.
        let burst: Vec<Vec<u8>> = (0..if size == 8000 { 20 } else { 200 })
            .map(|number: u32| format!("n{number:0size$}").into_bytes())
            .collect();
        for question in &burst {
            peer.send(question);
        }
        server.thaw();
        for question in &burst {
            assert_eq!(show(&peer.hear()), show(&question.to_ascii_uppercase()));
        }
    }
}

#[test]
fn the_longest_datagram_can_be_shorter() {
    let server = Start::serve(&["--limit-datagram", "600"]).listen("echo+udp=127.0.0.1:0").go();
    let peer = Peer::to(&server, 0);
    peer.ask(&[b'a'; 600], &[b'a'; 600]);
    peer.ask(&[b'a'; 601], b"! too-long: a datagram here has at most 600 bytes; nothing of it was used");
}
