//! What TCP promises.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::support::{PATIENCE, Server, until};

/// Both ends of a connection.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    for end in [&client, &server] {
        end.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    (client, server)
}

/// Bytes that show when one of them is missing.
fn counted(count: u32) -> Vec<u8> {
    let mut bytes = vec![0; count as usize];
    for (number, place) in (0_u32..).zip(bytes.chunks_exact_mut(4)) {
        place.copy_from_slice(&number.to_be_bytes());
    }
    bytes
}

#[test]
fn d32_an_empty_send_is_nothing_at_all() {
    let (mut client, mut server) = pair();
    assert_eq!(client.write(b"").unwrap(), 0);
    // Were it anything, it would come before this.
    client.write_all(b"x").unwrap();
    let mut byte = [0; 10];
    assert_eq!((server.read(&mut byte).unwrap(), byte[0]), (1, b'x'));
}

#[test]
fn d12_an_empty_send_does_not_tell_whether_anybody_is_there() {
    let (mut client, server) = pair();
    drop(server);
    assert_eq!(client.read(&mut [0; 10]).unwrap(), 0, "the peer has gone, and said so");
    for _ in 0..10 {
        assert_eq!(client.write(b"").unwrap(), 0, "an empty send is content all the same");
    }
}

#[test]
fn d32_what_was_sent_apart_may_come_together_and_the_other_way_round() {
    let (mut client, mut server) = pair();
    client.set_nodelay(true).unwrap();
    client.write_all(b"one").unwrap();
    client.write_all(b"two").unwrap();
    let mut peeked = [0; 10];
    until("both", || server.peek(&mut peeked).unwrap() == 6);
    assert_eq!(server.read(&mut peeked).unwrap(), 6);
    assert_eq!(&peeked[..6], b"onetwo");
    client.write_all(b"three").unwrap();
    let mut piece = [0; 2];
    server.read_exact(&mut piece).unwrap();
    assert_eq!(&piece, b"th");
}

#[test]
fn d10_a_send_that_finds_no_room_takes_a_part_and_loses_nothing() {
    let (mut client, mut server) = pair();
    let all = counted(16 << 20);
    client.set_nonblocking(true).unwrap();
    let taken = client.write(&all).unwrap();
    assert!(taken < all.len(), "{taken} bytes fit at once");
    // Whoever ignores that number loses the rest, and not TCP.
    client.set_nonblocking(false).unwrap();
    let rest = all[taken..].to_vec();
    let writer = thread::spawn(move || client.write_all(&rest));
    let mut got = vec![0; all.len()];
    server.read_exact(&mut got).unwrap();
    assert!(got == all, "something is missing or in another place");
    writer.join().unwrap().unwrap();
}

#[test]
fn d10_our_server_sends_all_and_receives_exactly_what_a_frame_says() {
    let server = Server::with(&["echo+length=127.0.0.1:0"]);
    let mut client = server.client(0);
    let frames: Vec<u8> = (1..=120_u32)
        .flat_map(|number| {
            let text = vec![u8::try_from(number).unwrap(); number as usize * 500];
            [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], &text].concat()
        })
        .collect();
    let mut twin = client.twin();
    let sent = frames.clone();
    // In pieces that fit no frame.
    let writer = thread::spawn(move || sent.chunks(997).for_each(|piece| twin.send(piece)));
    client.expect(&frames);
    writer.join().unwrap();
    client.finish();
    client.expect_end();
}

#[test]
fn d32_a_receive_waits_while_there_is_nothing() {
    let (_client, server) = pair();
    server.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let waited = (&server).read(&mut [0; 10]).unwrap_err();
    assert!(matches!(waited.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    server.set_nonblocking(true).unwrap();
    assert_eq!(
        (&server).read(&mut [0; 10]).unwrap_err().kind(),
        ErrorKind::WouldBlock,
        "and at once, where it may not wait"
    );
}

#[test]
fn d32_a_listener_is_enough_for_a_client_nobody_need_have_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut early = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    early.write_all(b"early").unwrap();
    let (mut server, _) = listener.accept().unwrap();
    let mut got = [0; 5];
    server.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"early");
}

#[test]
fn d32_one_side_may_end_and_still_hear_the_other() {
    let (mut client, mut server) = pair();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.read(&mut [0; 10]).unwrap(), 0, "the end is an empty receive");
    server.write_all(b"still speaking").unwrap();
    drop(server);
    let mut heard = String::new();
    client.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "still speaking");
}

#[test]
fn d32_a_send_to_somebody_who_has_gone_succeeds_once() {
    let (mut client, server) = pair();
    drop(server);
    assert_eq!(client.read(&mut [0; 10]).unwrap(), 0);
    client.write_all(b"nobody will read this").unwrap();
    let mut failed = None;
    until("the news that nobody is there", || {
        failed = client.write_all(b"nor this").err();
        failed.is_some()
    });
    assert!(matches!(failed.unwrap().kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset));
}

#[test]
fn d18_upper_answers_one_client_after_another_and_one_many_times() {
    let server = Server::with(&["upper=127.0.0.1:0"]);
    let mut first = server.client(0);
    for _ in 0..100 {
        first.ask(b"hello\n", b"HELLO\n");
    }
    // The documents' second program serves the next only when the first has left.
    let mut second = server.client(0);
    second.ask(b"and me\n", b"AND ME\n");
    first.ask(b"still here\n", b"STILL HERE\n");
}
