//! Every way in which a TCP connection ends, made on this machine, with the state that the kernel gives to each end
//! meanwhile. `connections.md` explains what it prints. Run it with `cargo run --example endings`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use socket2::SockRef;

/// Names of the states, at the place of their number in the kernel's table.
const STATES: [&str; 12] = [
    "-",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
];

/// What the kernel knows of all TCP sockets.
fn table() -> String {
    std::fs::read_to_string("/proc/net/tcp").unwrap_or_default()
}

/// The state of the socket at `local` that is connected to `remote`; `-` when there is none.
fn state(table: &str, local: SocketAddr, remote: SocketAddr) -> &'static str {
    // In a row of the table, local and remote stand side by side.
    let ends = format!("{} {} ", written(local), written(remote));
    let number = table.split_once(&ends).and_then(|(_, rest)| usize::from_str_radix(rest.get(..2)?, 16).ok());
    number.and_then(|number| STATES.get(number)).unwrap_or(&"-")
}

/// An address as the table writes it.
fn written(address: SocketAddr) -> String {
    let ip = if let SocketAddr::V4(address) = address { u32::from_ne_bytes(address.ip().octets()) } else { 0 };
    format!("{ip:08X}:{:04X}", address.port())
}

struct Pair {
    client: Option<TcpStream>,
    server: Option<TcpStream>,
    ends: [SocketAddr; 2],
}

impl Pair {
    fn new(listener: &TcpListener) -> io::Result<Self> {
        let client = TcpStream::connect(listener.local_addr()?)?;
        let (server, _) = listener.accept()?;
        let ends = [client.local_addr()?, server.local_addr()?];
        Ok(Self { client: Some(client), server: Some(server), ends })
    }

    /// Prints both ends' states, once they have had time to change.
    fn show(&self, what: &str) {
        sleep(Duration::from_millis(100));
        let table = table();
        let states = [state(&table, self.ends[0], self.ends[1]), state(&table, self.ends[1], self.ends[0])];
        println!("  {what:<44} {:<12} {}", states[0], states[1]);
    }
}

/// Writes until nothing more fits into the buffers on the way.
fn fill(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let mut stream = stream;
    // The far side's buffer grows a few times before it is really full.
    for _ in 0..20 {
        loop {
            match stream.write(&[0; 16384]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                written => written?,
            };
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Prints how many ends of a pile are in which state.
fn count(what: &str, pile: &[Pair]) {
    sleep(Duration::from_millis(100));
    let table = table();
    println!("  {what}");
    for (side, end) in [("client", 0), ("server", 1)] {
        let states: Vec<_> = pile.iter().map(|pair| state(&table, pair.ends[end], pair.ends[1 - end])).collect();
        for name in &STATES[1..] {
            let count = states.iter().filter(|state| *state == name).count();
            if count > 0 {
                println!("    at the {side}: {count} {name}");
            }
        }
    }
}

fn main() -> io::Result<()> {
    // All of 127.0.0.0/8 is this machine. At 127.0.0.1 somebody else's client might come by.
    let listener = TcpListener::bind("127.26.0.1:0")?;

    println!("The client closes first                        client       server");
    let mut pair = Pair::new(&listener)?;
    pair.show("both talk");
    pair.client = None;
    pair.show("the client has closed");
    pair.server = None;
    pair.show("the server has closed too");

    println!("The server closes first");
    let mut pair = Pair::new(&listener)?;
    pair.server = None;
    pair.show("the server has closed");
    pair.client = None;
    pair.show("the client has closed too");

    println!("Half a close");
    let mut pair = Pair::new(&listener)?;
    pair.client.as_ref().map_or(Ok(()), |client| client.shutdown(Shutdown::Write))?;
    pair.show("the client has shut its write side");
    let mut answer = [0; 6];
    if let (Some(client), Some(server)) = (&mut pair.client, &mut pair.server) {
        server.write_all(b"answer")?;
        client.read_exact(&mut answer)?;
    }
    println!("  and still hears \"{}\"", String::from_utf8_lossy(&answer));

    println!("Words that nobody reads are in the way of the end");
    let mut pair = Pair::new(&listener)?;
    pair.client.as_ref().map_or(Ok(()), fill)?;
    pair.client = None;
    pair.show("the client has written much, and closed");
    let mut pair = Pair::new(&listener)?;
    pair.client.as_ref().map_or(Ok(()), |client| client.shutdown(Shutdown::Write))?;
    pair.server.as_ref().map_or(Ok(()), fill)?;
    pair.server = None;
    pair.show("the server has, after the client's end");

    println!("A reset: nobody waits for anything");
    let mut pair = Pair::new(&listener)?;
    if let Some(client) = &pair.client {
        SockRef::from(client).set_linger(Some(Duration::ZERO))?;
    }
    pair.client = None;
    pair.show("the client has closed with linger 0");
    let mut pair = Pair::new(&listener)?;
    pair.server.as_mut().map_or(Ok(()), |server| server.write_all(b"never read"))?;
    sleep(Duration::from_millis(50));
    pair.client = None;
    pair.show("the client has closed with unread input");

    println!("Piles, of 20 connections");
    let mut pile: Vec<Pair> = (0..20).map(|_| Pair::new(&listener)).collect::<Result<_, _>>()?;
    for pair in &mut pile {
        pair.client = None;
    }
    count("the clients have left, and the server does not close", &pile);
    for pair in &mut pile {
        pair.server = None;
    }
    count("it has closed too", &pile);
    let mut pile: Vec<Pair> = (0..20).map(|_| Pair::new(&listener)).collect::<Result<_, _>>()?;
    for pair in &mut pile {
        pair.server = None;
    }
    for pair in &mut pile {
        pair.client = None;
    }
    count("both have closed, the server first", &pile);
    Ok(())
}
