//! The kernel's own tables of TCP sockets.

use std::fs;
use std::net::SocketAddr;

use crate::support::own_address;

/// One socket: the server's listener, its end of a connection, or the other end of one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    is_servers: bool,
    /// The client's port; 0 at the listener.
    client: u16,
    state: u8,
    /// Of a listener: connections that wait to be accepted.
    waiting: u32,
    /// When the kernel's timer for it will ring, in hundredths of a second.
    rings_in: u64,
}

pub(crate) const ESTABLISHED: u8 = 1;
pub(crate) const SYN_SENT: u8 = 2;
pub(crate) const FIN_WAIT2: u8 = 5;
pub(crate) const TIME_WAIT: u8 = 6;
pub(crate) const CLOSE_WAIT: u8 = 8;
pub(crate) const LISTEN: u8 = 10;

/// The sockets at this address, and those that lead to it.
fn rows(at: SocketAddr) -> Vec<Row> {
    let SocketAddr::V4(at) = at else { panic!("{at} is in another table") };
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux has it");
    let ours = format!("{:08X}:{:04X}", u32::from_ne_bytes(at.ip().octets()), at.port());
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (local, remote) = (*columns.get(1)?, *columns.get(2)?);
        let is_servers = local == ours;
        let other = if is_servers { remote } else { local };
        (is_servers || remote == ours).then_some(())?;
        Some(Row {
            is_servers,
            client: u16::from_str_radix(other.split_once(':')?.1, 16).ok()?,
            state: u8::from_str_radix(columns.get(3)?, 16).ok()?,
            waiting: u32::from_str_radix(columns.get(4)?.split_once(':')?.1, 16).ok()?,
            rings_in: u64::from_str_radix(columns.get(5)?.split_once(':')?.1, 16).ok()?,
        })
    };
    // There may be many others, of other programs.
    table.lines().filter(|line| line.contains(&ours)).filter_map(row).collect()
}

/// The server's ends of connections to these ports that are in a state, or the clients'. Named one by one, for a port may
/// have been somebody else's a minute ago.
fn ends(at: SocketAddr, are_servers: bool, clients: &[u16], state: u8) -> Vec<Row> {
    let is_one = |row: &Row| row.is_servers == are_servers && clients.contains(&row.client) && row.state == state;
    rows(at).into_iter().filter(is_one).collect()
}

/// How many of the server's ends are in a state.
pub(crate) fn at_server(at: SocketAddr, clients: &[u16], state: u8) -> usize {
    ends(at, true, clients, state).len()
}

/// How many of the clients' ends are.
pub(crate) fn at_clients(at: SocketAddr, clients: &[u16], state: u8) -> usize {
    ends(at, false, clients, state).len()
}

/// When the timers of the clients' ends in a state will ring, in hundredths of a second.
pub(crate) fn timers_at_clients(at: SocketAddr, clients: &[u16], state: u8) -> Vec<u64> {
    ends(at, false, clients, state).iter().map(|row| row.rings_in).collect()
}

/// How many connections wait to be accepted there.
pub(crate) fn accept_queue(at: SocketAddr) -> u32 {
    let listener = rows(at).into_iter().find(|row| row.is_servers && row.state == LISTEN);
    listener.expect("somebody listens").waiting
}

/// A listener at an address of our own: on 127.0.0.1 somebody else's client could come to us, who looks for a server that
/// had our port before.
pub(crate) fn apart(service: &str) -> String {
    format!("{service}={}:0", own_address())
}
