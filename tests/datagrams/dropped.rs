//! What is dropped is counted, by why.

use std::net::UdpSocket;

use crate::peer::{Peer, place};
use crate::support::tools::needs;
use crate::support::{Server, Start, own_address, until};

const SERVICES: [&str; 3] = ["metrics=127.0.0.1:0", "echo+udp=127.0.0.1:0", "upper+udp=127.0.0.1:0"];

fn dropped(server: &Server, why: &str) -> u64 {
    server.metric(0, &format!("parlor_datagrams_dropped_total{{reason=\"{why}\"}}"))
}

#[test]
fn an_over_long_question_and_an_answer_longer_than_its_question_are_counted() {
    let server = Server::with(&SERVICES);
    let peer = Peer::to(&server, 2);
    for _ in 0..2 {
        peer.send(&[b'x'; 8193]);
        assert!(peer.hear().starts_with(b"! too-long: "));
    }
    // In capitals it has three bytes.
    peer.send("ŉ".as_bytes());
    peer.ask(b"next", b"NEXT");
    assert_eq!(["too-long", "longer-answer", "too-fast"].map(|why| dropped(&server, why)), [2, 1, 0]);
}

#[test]
fn our_own_words_that_come_back_too_often_are_counted() {
    let server = Server::with(&SERVICES);
    let peer = Peer::to(&server, 1);
    until("an echo that is not heard", || {
        for _ in 0..100 {
            peer.send(b"echo");
        }
        dropped(&server, "echo") > 0
    });
}

#[test]
fn a_question_from_a_services_port_is_counted() {
    let server = Server::with(&SERVICES);
    let Ok(service) = UdpSocket::bind((own_address(), 19)) else {
        return println!("skipped: this test needs the right to have port 19");
    };
    service.send_to(b"chargen", place(&server, 1)).expect("loopback takes it");
    // Behind it in the server's queue.
    Peer::to(&server, 1).ask(b"heard", b"heard");
    assert_eq!(dropped(&server, "no-answer"), 1);
}

#[test]
fn an_answer_that_the_network_refuses_is_counted() {
    if !needs("strace") {
        return;
    }
    let start = Start::serve(&[]).strace(&["trace=sendto", "inject=sendto:error=ENETUNREACH:when=1"]);
    let server = SERVICES.iter().fold(start, |start, listener| start.listen(listener)).go();
    let peer = Peer::to(&server, 1);
    peer.send(b"lost");
    peer.ask(b"next", b"next");
    assert_eq!(dropped(&server, "unsent"), 1);
}

#[test]
fn a_source_that_is_forgotten_is_no_loss() {
    let start = Start::serve(&["--limit-udp-silence", "1s"]);
    let server = SERVICES.iter().fold(start, |start, listener| start.listen(listener)).go();
    Peer::to(&server, 1).ask(b"hello", b"hello");
    server.figures_when("it is forgotten", |figures| figures.freed > 0);
    let all = ["no-answer", "too-fast", "too-long", "echo", "no-room", "longer-answer", "unsent"];
    assert_eq!(all.map(|why| dropped(&server, why)), [0; 7]);
}
