//! What Linux hands down from a listener to the connections that it accepts: read from the server's own descriptors.

use std::time::Duration;

use rustix::io::Errno;
use socket2::Socket;

use crate::support::tools::missing;
use crate::support::{Client, Start, proc};

/// The server's end of a fresh connection, under these flags.
fn accepted(flags: &[&str], judge: impl FnOnce(&Socket)) {
    let server = Start::serve(flags).listen("echo=127.0.0.1:0").go();
    let mut client: Client = server.client(0);
    client.ask(b"1\n", b"1\n");
    match proc::socket_towards(server.pid(), client.address()) {
        Ok(socket) => judge(&socket),
        Err(Errno::PERM | Errno::NOSYS) => drop(missing("pidfd_getfd, which a tracer may use")),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn an_accepted_connection_has_the_documents_numbers() {
    accepted(&[], |socket| {
        assert!(socket.tcp_nodelay().expect("TCP"));
        assert!(socket.keepalive().expect("TCP"));
        assert_eq!(socket.tcp_keepalive_time().expect("TCP"), Duration::from_secs(60));
        assert_eq!(socket.tcp_keepalive_interval().expect("TCP"), Duration::from_secs(10));
        assert_eq!(socket.tcp_keepalive_retries().expect("TCP"), 3);
        assert_eq!(socket.recv_buffer_size().expect("a socket"), 2 * 65536);
        assert_eq!(socket.send_buffer_size().expect("a socket"), 2 * 65536);
    });
}

#[test]
fn an_accepted_connection_has_what_the_flags_asked_for() {
    let flags = "--nodelay off --keepalive-idle 11 --keepalive-interval 12 --keepalive-count 4 --receive-buffer 20000 \
                 --send-buffer 30000 --user-timeout 1234";
    accepted(&flags.split_whitespace().collect::<Vec<_>>(), |socket| {
        assert!(!socket.tcp_nodelay().expect("TCP"));
        assert!(socket.keepalive().expect("TCP"));
        assert_eq!(socket.tcp_keepalive_time().expect("TCP"), Duration::from_secs(11));
        assert_eq!(socket.tcp_keepalive_interval().expect("TCP"), Duration::from_secs(12));
        assert_eq!(socket.tcp_keepalive_retries().expect("TCP"), 4);
        assert_eq!(socket.recv_buffer_size().expect("a socket"), 40000);
        assert_eq!(socket.send_buffer_size().expect("a socket"), 60000);
        assert_eq!(socket.tcp_user_timeout().expect("TCP"), Some(Duration::from_millis(1234)));
    });
    accepted(&["--keepalive", "off"], |socket| assert!(!socket.keepalive().expect("TCP")));
}
