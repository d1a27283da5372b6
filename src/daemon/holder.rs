//! Who has the address that we wanted: asked of the kernel, for the line that refuses a second copy.

use std::fs;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::Path;

/// Which sockets are in the way of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted<'a> {
    /// Those that listen there.
    Tcp(SocketAddr),
    /// Those that are bound there.
    Udp(SocketAddr),
    /// The one that listens there.
    Unix(&'a Path),
}

/// The state of a TCP socket that listens, as the kernel's tables write it.
const LISTENS: &str = "0A";
/// The mark of a Unix socket that listens.
const ACCEPTS: &str = "00010000";

/// Who it is, and what to do about it.
pub(super) fn advice(wanted: Wanted<'_>) -> String {
    let inodes = sockets(wanted);
    match process_with(&inodes) {
        Some(process) if process == std::process::id() => {
            "another listener of this server has it; expected each once".to_owned()
        }
        Some(process) => format!("{} listens there already; stop it, or choose another address", describe(process)),
        None if !inodes.is_empty() => {
            "somebody else's process listens there already; have it stopped, or choose another address".to_owned()
        }
        None if matches!(wanted, Wanted::Unix(_)) => {
            "somebody listens there already; have them stopped, or choose another path".to_owned()
        }
        None => "nobody listens there, but connections of an earlier run are in TIME_WAIT, or another socket is bound \
                 to it; try --reuse-address on, wait a minute, or choose another address"
            .to_owned(),
    }
}

fn sockets(wanted: Wanted<'_>) -> Vec<String> {
    match wanted {
        Wanted::Tcp(at) => internet(at, ["/proc/net/tcp", "/proc/net/tcp6"], |state| state == LISTENS),
        Wanted::Udp(at) => internet(at, ["/proc/net/udp", "/proc/net/udp6"], |_| true),
        Wanted::Unix(path) => unix(path),
    }
}

/// Its number; `None` when it is one into whose descriptors we may not look.
fn process_with(inodes: &[String]) -> Option<u32> {
    let names: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let numbers = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    numbers.into_iter().find(|&process| has_one(process, &names))
}

fn internet(at: SocketAddr, tables: [&str; 2], is_in_the_way: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for line in tables.iter().flat_map(|table| lines(table)) {
        // The second column is ADDRESS:PORT in hexadecimal, the fourth the state, the tenth the socket's number.
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = columns[..] else { continue };
        let Some((address, port)) = local.split_once(':') else { continue };
        let is_port = u16::from_str_radix(port, 16) == Ok(at.port());
        if is_port && is_in_the_way(state) && overlaps(address, at.ip()) {
            found.push(inode.to_owned());
        }
    }
    found
}

/// Does a socket at this address keep another one from ours? Every address overlaps with "any".
fn overlaps(shown: &str, ours: IpAddr) -> bool {
    let words: Option<Vec<[u8; 4]>> = (0..shown.len() / 8)
        .map(|word| u32::from_str_radix(shown.get(8 * word..8 * word + 8)?, 16).ok().map(u32::to_ne_bytes))
        .collect();
    let theirs: IpAddr = match words.unwrap_or_default()[..] {
        [address] => address.into(),
        [a, b, c, d] => <[u8; 16]>::try_from([a, b, c, d].concat()).expect("four times four are sixteen").into(),
        _ => return false,
    };
    let theirs = theirs.to_canonical();
    theirs == ours || theirs.is_unspecified() || ours.is_unspecified()
}

fn unix(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for line in lines("/proc/net/unix") {
        // Seven columns, aligned with blanks, and behind one more the path, which may have blanks itself.
        let columns: Vec<&str> = line.split_whitespace().take(7).collect();
        if let [_, _, _, flags, _, _, inode] = columns[..]
            && flags == ACCEPTS
            && line.split_once(&format!(" {inode} ")).is_some_and(|(_, name)| Path::new(name) == path)
        {
            found.push(inode.to_owned());
        }
    }
    found
}

fn lines(table: &str) -> Vec<String> {
    fs::read_to_string(table).unwrap_or_default().lines().skip(1).map(str::to_owned).collect()
}

fn has_one(process: u32, sockets: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.into_iter().any(|target| sockets.iter().any(|socket| target == Path::new(socket)))
}

/// `process 4711 (parlor)`
fn describe(process: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    format!("process {process} ({})", name.trim_end())
}
