//! Connections that are half open, made on this machine, with what the kernel counts of them. `connections.md` explains
//! what it prints. Run it with `cargo run --example half-open`; it needs `unshare` and `ip`.
//!
//! In a network of its own, so that nothing outside is touched: there a way leads from 10.9.9.* into a cable whose other
//! end nobody holds. Whoever asks from such an address is answered, and the answer is lost.

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::process::{Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// What the program is told when it stands in that network.
const INSIDE: &str = "--inside";
/// The listener's side of it, and the cable.
const NETWORK: [&str; 6] = [
    "link set lo up",
    "address add 10.9.0.1/32 dev lo",
    "link add cable type veth peer name nobody",
    "link set cable arp off up",
    "link set nobody up",
    "route add 10.9.9.0/24 dev cable src 10.9.0.1",
];

fn main() -> io::Result<ExitCode> {
    if std::env::args().nth(1).as_deref() == Some(INSIDE) {
        return inside().map(|()| ExitCode::SUCCESS);
    }
    let apart = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", program]);
        command
    };
    if !apart("true").output().is_ok_and(|output| output.status.success()) {
        eprintln!("here nobody may have a network of their own: `unshare --user --map-root-user --net true` fails");
        return Ok(ExitCode::from(2));
    }
    let program = std::env::current_exe()?;
    let status = apart(&program.to_string_lossy()).arg(INSIDE).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn inside() -> io::Result<()> {
    for line in NETWORK {
        let done = Command::new("ip").args(line.split(' ')).status()?;
        assert!(done.success(), "ip {line}");
    }
    println!("{:<52}  SYN_RECV  cookies  dropped  to accept", "");
    switch("tcp_syncookies", 1)?;
    let mut stage = Stage::new(128)?;
    stage.half_open(20)?;
    stage.show("20 who never finish; backlog 128")?;
    let finished = [stage.client()?, stage.client()?, stage.client()?];
    stage.show("and 3 who do, and are not accepted yet")?;
    drop(finished);

    let mut stage = Stage::new(8)?;
    stage.half_open(40)?;
    stage.show("40 who never finish; backlog 8: the queue is full")?;
    let finished = stage.client()?;
    stage.show("and one who does: in, by a cookie")?;
    drop(finished);

    switch("tcp_syncookies", 0)?;
    let mut stage = Stage::new(8)?;
    stage.half_open(40)?;
    stage.show("40 who never finish; backlog 8, no cookies")?;
    stage.begin(*stage.at.ip())?;
    stage.show("and one who would: outside, and tries again")?;

    switch("tcp_max_syn_backlog", 16)?;
    let mut stage = Stage::new(128)?;
    stage.half_open(40)?;
    stage.show("40; backlog 128, no cookies, tcp_max_syn_backlog 16")
}

/// One of the kernel's switches, for this network alone.
fn switch(name: &str, value: u32) -> io::Result<()> {
    fs::write(format!("/proc/sys/net/ipv4/{name}"), value.to_string())
}

/// One of the kernel's counters for TCP.
fn counter(name: &str) -> io::Result<u64> {
    let text = fs::read_to_string("/proc/net/netstat")?;
    let mut rows = text.lines().filter(|line| line.starts_with("TcpExt:")).map(|line| line.split(' '));
    let (names, values) = (rows.next().into_iter().flatten(), rows.next().into_iter().flatten());
    let found = names.zip(values).find(|(other, _)| *other == name).and_then(|(_, value)| value.parse().ok());
    found.ok_or_else(|| io::Error::other(format!("this kernel does not count {name}")))
}

/// A listener that accepts nobody.
struct Stage {
    _listener: Socket,
    at: SocketAddrV4,
    /// How many asked and were not waited for.
    asked: u64,
    /// What the counters showed before: cookies, and SYNs that were dropped.
    before: [u64; 2],
}

impl Stage {
    fn new(backlog: i32) -> io::Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from(([10, 9, 0, 1], 0)).into())?;
        listener.listen(backlog)?;
        let at = listener.local_addr()?.as_socket_ipv4().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let before = [counter("SyncookiesSent")?, counter("ListenDrops")?];
        Ok(Self { _listener: listener, at, asked: 0, before })
    }

    /// Somebody asks for a connection, and is gone before they would ask again.
    fn begin(&mut self, from: Ipv4Addr) -> io::Result<()> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // So it may say to be where it is not.
        socket.set_ip_transparent_v4(true)?;
        socket.bind(&SocketAddrV4::new(from, 0).into())?;
        socket.set_nonblocking(true)?;
        // It would have to wait, which is no error here.
        let _ = socket.connect(&self.at.into());
        self.asked += 1;
        Ok(())
    }

    /// So many ask from where no answer arrives.
    fn half_open(&mut self, count: u8) -> io::Result<()> {
        (1..=count).try_for_each(|number| self.begin(Ipv4Addr::new(10, 9, 9, number)))
    }

    /// Somebody who can be reached, and who waits until the connection stands.
    fn client(&self) -> io::Result<TcpStream> {
        TcpStream::connect_timeout(&self.at.into(), Duration::from_secs(10))
    }

    /// The listener's connections in the state `SYN_RECV`, and how many stand and wait to be accepted.
    fn queues(&self) -> io::Result<[u64; 2]> {
        let table = fs::read_to_string("/proc/net/tcp")?;
        let local = format!("{:08X}:{:04X}", u32::from_ne_bytes(self.at.ip().octets()), self.at.port());
        let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let (mut half_open, mut to_accept) = (0, 0);
        for row in rows.filter(|row| row.get(1) == Some(&local.as_str())) {
            match row[3] {
                "03" => half_open += 1,
                "0A" => to_accept = u64::from_str_radix(&row[4][9..], 16).unwrap_or_default(),
                _ => {}
            }
        }
        Ok([half_open, to_accept])
    }

    /// Prints what became of all who asked, once something has become of each.
    fn show(&self, what: &str) -> io::Result<()> {
        let start = Instant::now();
        loop {
            let [half_open, to_accept] = self.queues()?;
            let cookies = counter("SyncookiesSent")? - self.before[0];
            let dropped = counter("ListenDrops")? - self.before[1];
            if half_open + cookies + dropped >= self.asked || start.elapsed().as_secs() > 5 {
                println!("{what:<52}{half_open:>10}{cookies:>9}{dropped:>9}{to_accept:>11}");
                return io::stdout().flush();
            }
            sleep(Duration::from_millis(5));
        }
    }
}
