//! How a connection is made, at our own listener.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::support::{Client, Place, Server, Start, own_address, until};
use crate::tables::{ESTABLISHED, SYN_SENT, accept_queue, apart, at_clients, at_server};

fn address(server: &Server) -> SocketAddr {
    match server.place(0) {
        Place::Tcp(address) => *address,
        Place::Unix(path) => panic!("{}", path.display()),
    }
}

/// A connection that is asked for and not waited for.
fn begin(at: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    let under_way = Some(rustix::io::Errno::INPROGRESS.raw_os_error());
    assert!(socket.connect(&at.into()).map_or_else(|error| error.raw_os_error() == under_way, |()| true));
    socket
}

#[test]
fn d25_a_connection_stands_before_it_is_accepted_and_waits_in_the_accept_queue() {
    let server = Server::with(&[&apart("echo")]);
    let at = address(&server);
    server.freeze();
    let mut clients: Vec<Client> = (0..7).map(|_| server.client(0)).collect();
    // The kernel made them, and took what they say. The program has not moved.
    for client in &mut clients {
        client.send(b"said before anybody accepted\n");
    }
    assert_eq!(accept_queue(at), 7);
    let ports: Vec<u16> = clients.iter().map(|client| client.address().port()).collect();
    assert_eq!(at_server(at, &ports, ESTABLISHED), 7);
    server.thaw();
    for client in &mut clients {
        client.expect(b"said before anybody accepted\n");
    }
    assert_eq!(accept_queue(at), 0);
}

#[test]
fn d25_backlog_counts_the_accept_queue_and_one_more_and_beyond_it_a_client_waits() {
    let server = Start::serve(&["--backlog", "4"]).listen(&apart("echo")).go();
    let at = address(&server);
    server.freeze();
    let clients: Vec<Socket> = (0..8).map(|_| begin(at)).collect();
    until("a full queue", || accept_queue(at) == 5);
    // The rest is answered by nothing at all: the first segment was dropped, and will be sent again after a second.
    let port = |socket: &Socket| socket.local_addr().unwrap().as_socket().unwrap().port();
    let ports: Vec<u16> = clients.iter().map(port).collect();
    let waiting = || at_clients(at, &ports, SYN_SENT);
    assert_eq!(waiting(), 3);
    server.thaw();
    until("everybody is in", || waiting() == 0 && at_server(at, &ports, ESTABLISHED) == 8);
    drop(clients);
}

#[test]
fn d25_the_kernel_cuts_a_backlog_to_its_own_limit_and_we_show_both() {
    let server = Start::serve(&["--log", "debug", "--backlog", "1000000"]).listen(&apart("echo")).go();
    let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let wanted = format!("backlog: asked 1000000, granted {}", limit.trim());
    assert!(server.log.lines().iter().any(|line| line.ends_with(&wanted)), "{:#?}", server.log.lines());
}

#[test]
fn d25_where_nobody_listens_a_client_is_refused_at_once() {
    let at = (own_address(), 8888).into();
    let refused = TcpStream::connect_timeout(&at, Duration::from_secs(30)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}
