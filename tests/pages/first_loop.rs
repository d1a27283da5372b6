//! The server of `docs/first-loop.rs` at work, seen from its clients.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use socket2::{Domain, SockRef, Socket, Type};

/// Nothing here takes so long, on the slowest machine; what does has gone wrong.
const DEADLINE: Duration = Duration::from_secs(30);

struct Server {
    process: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start() -> Self {
        let program = example();
        let mut process =
            Command::new(&program).arg("127.0.0.1:0").stderr(Stdio::piped()).spawn().unwrap_or_else(|error| {
                panic!("{}: {error}; `cargo test` builds it, `cargo test --test pages` does not", program.display())
            });
        let mut line = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening ").unwrap().parse().unwrap();
        Self { process, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// A client whose own receive buffer holds next to nothing.
    fn connect_narrow(&self) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&self.address.into()).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket.into()
    }

    fn table(&self) -> PathBuf {
        Path::new("/proc").join(self.process.id().to_string()).join("fd")
    }

    fn has_descriptor(&self, number: u64) -> bool {
        self.table().join(number.to_string()).symlink_metadata().is_ok()
    }

    fn descriptors(&self) -> usize {
        self.table().read_dir().unwrap().count()
    }

    fn wait_for_descriptors(&self, count: usize) {
        let start = Instant::now();
        while self.descriptors() != count {
            assert!(start.elapsed() < DEADLINE, "{} descriptors, not {count}", self.descriptors());
            thread::yield_now();
        }
    }
}

/// Where cargo puts examples: beside the programs.
fn example() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_parlor")).with_file_name("examples").join("first-loop")
}

fn assert_echo(client: &mut TcpStream, words: &[u8]) {
    client.write_all(words).unwrap();
    let mut answer = vec![0; words.len()];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, words);
}

/// Bytes of which each tells where in the stream it belongs: the period is prime, so no buffer's size divides it.
fn pattern(from: usize, count: usize) -> Vec<u8> {
    (from..from + count).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

/// Reads until the end, in small bites; answers how many bytes came.
fn read_slowly(client: &mut TcpStream) -> usize {
    let (mut total, mut bite) = (0, [0; 1500]);
    loop {
        let count = client.read(&mut bite).unwrap();
        if count == 0 {
            return total;
        }
        assert_eq!(bite[..count], pattern(total, count), "behind byte {total}");
        total += count;
    }
}

#[test]
fn ten_mebibytes_come_back_whole_to_a_slow_reader_while_others_are_served() {
    const SIZE: usize = 10 * 1024 * 1024;
    let server = Server::start();
    let mut slow = server.connect_narrow();
    let mut mouth = slow.try_clone().unwrap();
    let speaker = thread::spawn(move || {
        mouth.write_all(&pattern(0, SIZE)).unwrap();
        mouth.shutdown(Shutdown::Write).unwrap();
    });
    let mut other = server.connect();
    for _ in 0..1000 {
        assert_echo(&mut other, b"still served");
    }
    assert_eq!(read_slowly(&mut slow), SIZE);
    speaker.join().unwrap();
}

#[test]
fn a_client_that_reads_nothing_is_soon_read_no_further_and_gets_all_of_it_later() {
    /// More than the kernel's buffers of both sides hold.
    const NEVER_TAKEN: usize = 128 * 1024 * 1024;
    let server = Server::start();
    let mut client = server.connect_narrow();
    // Not how long it takes is asserted, only that it stops: an unbounded server would take it all.
    client.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut sent = 0;
    while sent < NEVER_TAKEN {
        match client.write(&pattern(sent, 64 * 1024)) {
            Ok(count) => sent += count,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
    }
    assert!(sent < NEVER_TAKEN);
    assert_echo(&mut server.connect(), b"still served");
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_slowly(&mut client), sent);
}

#[test]
fn a_client_that_has_shut_its_write_side_still_hears_the_rest_and_then_the_end() {
    let server = Server::start();
    let mut client = server.connect();
    client.write_all(b"the last words").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"the last words");
}

#[test]
fn resets_end_the_clients_that_send_them_and_nobody_else() {
    let server = Server::start();
    let before = server.descriptors();
    let mut witness = server.connect();
    for round in 0..100 {
        let mut client = server.connect();
        SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        match round % 3 {
            0 => {}
            // A reset that arrives while the server still has something to write,
            1 => client.write_all(&pattern(0, 100_000)).unwrap(),
            // and one that arrives after the client was heard and answered.
            _ => assert_echo(&mut client, b"hello"),
        }
        drop(client);
        assert_echo(&mut witness, b"still served");
    }
    server.wait_for_descriptors(before + 1);
    assert_echo(&mut witness, b"still served");
    drop(witness);
    server.wait_for_descriptors(before);
}

#[test]
fn newcomers_wait_while_no_descriptor_is_left_and_are_served_as_others_leave() {
    const LIMIT: u64 = 32;
    let server = Server::start();
    let process = Pid::from_child(&server.process);
    prlimit(Some(process), Resource::Nofile, Rlimit { current: Some(LIMIT), maximum: Some(LIMIT) }).unwrap();
    // The limit is one for descriptors' numbers; those that the process was born with may be above it.
    let room = (0..LIMIT).filter(|&number| !server.has_descriptor(number)).count();
    let mut inside: Vec<TcpStream> = (0..room).map(|_| server.connect()).collect();
    for client in &mut inside {
        assert_echo(client, b"inside");
    }
    // These are connected as far as their kernel knows, and wait in the accept queue.
    let mut outside: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
    for client in &mut outside {
        client.write_all(b"outside").unwrap();
    }
    for client in &mut inside {
        assert_echo(client, b"still served");
    }
    outside[0].set_nonblocking(true).unwrap();
    assert_eq!(outside[0].read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    outside[0].set_nonblocking(false).unwrap();
    drop(inside);
    for mut client in outside {
        let mut answer = [0; 7];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"outside");
    }
}
