//! The kernel's own tables of TCP sockets.

use std::fs;
use std::net::SocketAddr;

/// One socket of 127.0.0.1.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    local: u16,
    remote: u16,
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

/// The sockets at this port of 127.0.0.1, ours and those that lead to it.
fn rows(at: SocketAddr) -> Vec<Row> {
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux has it");
    let row = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let port = |column: &str| {
            u16::from_str_radix(column.strip_prefix("0100007F:").or(column.strip_prefix("00000000:"))?, 16).ok()
        };
        Some(Row {
            local: port(columns.get(1)?)?,
            remote: port(columns.get(2)?)?,
            state: u8::from_str_radix(columns.get(3)?, 16).ok()?,
            waiting: u32::from_str_radix(columns.get(4)?.split_once(':')?.1, 16).ok()?,
            rings_in: u64::from_str_radix(columns.get(5)?.split_once(':')?.1, 16).ok()?,
        })
    };
    // There may be many others, of other programs.
    let ours = format!(":{:04X} ", at.port());
    let rows = table.lines().filter(|line| line.contains(&ours)).filter_map(row);
    rows.filter(|row| row.local == at.port() || row.remote == at.port()).collect()
}

/// How many of the server's ends of connections to these ports are in a state. Named one by one, for a port may have
/// been somebody else's a minute ago.
pub(crate) fn at_server(at: SocketAddr, clients: &[u16], state: u8) -> usize {
    let is_one = |row: &&Row| row.local == at.port() && clients.contains(&row.remote) && row.state == state;
    rows(at).iter().filter(is_one).count()
}

/// The same of the clients' ends.
pub(crate) fn at_clients(at: SocketAddr, clients: &[u16], state: u8) -> usize {
    let is_one = |row: &&Row| row.remote == at.port() && clients.contains(&row.local) && row.state == state;
    rows(at).iter().filter(is_one).count()
}

/// When the timers of the clients' ends in a state will ring, in hundredths of a second.
pub(crate) fn timers_at_clients(at: SocketAddr, clients: &[u16], state: u8) -> Vec<u64> {
    let is_one = |row: &Row| row.remote == at.port() && clients.contains(&row.local) && row.state == state;
    rows(at).into_iter().filter(is_one).map(|row| row.rings_in).collect()
}

/// How many connections wait to be accepted at this port.
pub(crate) fn accept_queue(at: SocketAddr) -> u32 {
    let listener = rows(at).into_iter().find(|row| row.local == at.port() && row.state == LISTEN);
    listener.expect("somebody listens").waiting
}
