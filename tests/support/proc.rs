//! What the kernel says of a process, and of sockets that may outlive it.

use std::fs;
use std::net::SocketAddr;

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, getrlimit, pidfd_getfd, pidfd_open, setrlimit,
};
use socket2::Socket;

fn read(pid: Pid, file: &str) -> String {
    let path = format!("/proc/{}/{file}", pid.as_raw_nonzero());
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fields of `stat` behind the name, which may hold blanks itself. The first is the state.
fn stat(pid: Pid) -> Vec<String> {
    let text = read(pid, "stat");
    let (_, fields) = text.rsplit_once(')').expect("the name stands in brackets");
    fields.split_whitespace().map(str::to_owned).collect()
}

/// `S` asleep, `R` at work, `T` stopped.
pub(crate) fn state(pid: Pid) -> char {
    stat(pid)[0].chars().next().expect("a state is a letter")
}

/// Processor time of its own and in the kernel, in hundredths of a second.
pub(crate) fn ticks(pid: Pid) -> u64 {
    let fields = stat(pid);
    [11, 12].map(|index: usize| fields[index].parse::<u64>().expect("a number")).iter().sum()
}

/// Memory that it has now, in KiB.
pub(crate) fn resident(pid: Pid) -> u64 {
    memory(pid, "VmRSS:")
}

/// The most memory that it ever had, in KiB.
pub(crate) fn peak(pid: Pid) -> u64 {
    memory(pid, "VmHWM:")
}

fn memory(pid: Pid, what: &str) -> u64 {
    let status = read(pid, "status");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The numbers of its open descriptors.
pub(crate) fn descriptors(pid: Pid) -> Vec<i32> {
    let path = format!("/proc/{}/fd", pid.as_raw_nonzero());
    let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// The process's own end of the TCP connection whose other end is at `peer`, to ask for its options.
///
/// # Errors
/// When the kernel does not let us look into the process.
pub(crate) fn socket_towards(pid: Pid, peer: SocketAddr) -> Result<Socket, Errno> {
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    for number in descriptors(pid) {
        let socket: Socket = pidfd_getfd(&process, number, PidfdGetfdFlags::empty())?.into();
        if socket.peer_addr().is_ok_and(|address| address.as_socket() == Some(peer)) {
            return Ok(socket);
        }
    }
    panic!("the process has no connection to {peer}")
}

/// A state of a TCP connection, as the kernel's table has it.
pub(crate) const SYN_RECV: &str = "03";
pub(crate) const TIME_WAIT: &str = "06";

/// How many connections of a local address are in a state.
pub(crate) fn connections(at: impl Into<SocketAddr>, state: &str) -> usize {
    let SocketAddr::V4(at) = at.into() else { panic!("these are in another table") };
    let local = format!("{:08X}:{:04X}", u32::from_ne_bytes(at.ip().octets()), at.port());
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux has it");
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.get(1) == Some(&local.as_str()) && row.get(3) == Some(&state)).count()
}

/// Lets this process open as many descriptors as it may; answers how many that is.
pub(crate) fn raise_own_limit() -> usize {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to the maximum is allowed");
    maximum.map_or(usize::MAX, |maximum| usize::try_from(maximum).unwrap_or(usize::MAX))
}

/// How many connections can wait for a listener that stands still, with the server's usual backlog.
pub(crate) fn accept_queue() -> usize {
    let longest = fs::read_to_string("/proc/sys/net/core/somaxconn").expect("Linux has it");
    longest.trim().parse::<usize>().expect("a number").min(511)
}
