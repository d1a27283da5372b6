//! What UDP promises, and what not.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use crate::support::{PATIENCE, own_address};

/// Two sockets, each other's peer.
fn pair() -> (UdpSocket, UdpSocket) {
    let [one, other] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    one.connect(other.local_addr().unwrap()).unwrap();
    other.connect(one.local_addr().unwrap()).unwrap();
    for socket in [&one, &other] {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    (one, other)
}

fn hear(socket: &UdpSocket) -> Vec<u8> {
    let mut bytes = vec![0; 65536];
    let size = socket.recv(&mut bytes).unwrap();
    bytes.truncate(size);
    bytes
}

/// An address at which nobody listens.
fn nowhere() -> SocketAddr {
    (own_address(), 9).into()
}

#[test]
fn d32_an_empty_datagram_arrives_and_says_from_where() {
    let (one, other) = pair();
    assert_eq!(one.send(b"").unwrap(), 0);
    let (size, from) = other.recv_from(&mut [0; 10]).unwrap();
    assert_eq!((size, from), (0, one.local_addr().unwrap()));
}

#[test]
fn d32_each_send_is_one_receive_and_none_is_ever_two() {
    let (one, other) = pair();
    for datagram in [&b"one"[..], b"", b"three", b""] {
        one.send(datagram).unwrap();
    }
    for datagram in [&b"one"[..], b"", b"three", b""] {
        assert_eq!(hear(&other), datagram);
    }
}

#[test]
fn d32_what_does_not_fit_into_the_receivers_buffer_is_gone() {
    let (one, other) = pair();
    one.send(b"hello world").unwrap();
    one.send(b"next").unwrap();
    let mut small = [0; 5];
    assert_eq!(other.recv(&mut small).unwrap(), 5, "and no word of there having been more");
    assert_eq!(&small, b"hello");
    assert_eq!(hear(&other), b"next", "the rest is not in the next receive either");
}

#[test]
fn d32_a_send_to_nobody_is_no_error() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let nobody = nowhere();
    for _ in 0..10 {
        assert_eq!(socket.send_to(b"anybody?", nobody).unwrap(), 8);
    }
}

#[test]
fn d32_but_a_connected_socket_hears_that_nobody_is_there() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(nowhere()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send(b"anybody?").unwrap();
    assert_eq!(socket.recv(&mut [0; 10]).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn d32_without_a_listen_queue_there_is_still_a_buffer_and_what_it_can_not_hold_is_gone() {
    let (one, other) = pair();
    for number in 0..10_000_u32 {
        one.send(&[&number.to_be_bytes()[..], &[0; 1000]].concat()).unwrap();
    }
    other.set_nonblocking(true).unwrap();
    let mut heard = Vec::new();
    let mut bytes = [0; 2000];
    while other.recv(&mut bytes).is_ok() {
        heard.push(u32::from_be_bytes(bytes[..4].try_into().unwrap()));
    }
    assert!(!heard.is_empty() && heard.len() < 10_000, "{} of 10,000", heard.len());
    // All ten thousand sends succeeded. On one machine those that arrived are in order; a network promises not even that.
    assert!(heard.is_sorted());
}

#[test]
fn d32_a_receive_waits_for_a_lost_answer_for_as_long_as_it_is_allowed_to() {
    let (one, _other) = pair();
    one.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    one.send(b"a question that nobody answers").unwrap();
    let waited = one.recv(&mut [0; 10]).unwrap_err();
    assert!(matches!(waited.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
}

#[test]
fn d32_the_longest_datagram_has_65507_bytes() {
    let (one, other) = pair();
    assert_eq!(one.send(&vec![7; 65_507]).unwrap(), 65_507);
    assert_eq!(hear(&other).len(), 65_507);
    assert_eq!(one.send(&vec![7; 65_508]).unwrap_err().raw_os_error(), Some(rustix::io::Errno::MSGSIZE.raw_os_error()));
}

#[test]
fn d23_one_port_number_serves_tcp_and_udp_for_they_are_two_ports() {
    // Until a number is free in both.
    let (listener, datagrams) = (0..100)
        .find_map(|_| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let datagrams = UdpSocket::bind(listener.local_addr().unwrap()).ok()?;
            Some((listener, datagrams))
        })
        .unwrap();
    let at = listener.local_addr().unwrap();
    assert_eq!(datagrams.local_addr().unwrap(), at);
    let (mut stream, socket) = (TcpStream::connect(at).unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    stream.write_all(b"stream").unwrap();
    socket.send_to(b"datagram", at).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    let mut bytes = [0; 6];
    accepted.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"stream");
    assert_eq!(hear(&datagrams), b"datagram");
}
