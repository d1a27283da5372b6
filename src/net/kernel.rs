//! Socket options that no safe package offers, and descriptors that were here before us. The one module in which unsafe
//! code is allowed.
#![allow(
    unsafe_code,
    reason = "these options have no safe wrapper that holds, and no type can know of an inherited descriptor"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::hub::Credentials;

/// Figures that the kernel keeps of a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TcpFigures {
    /// Smoothed round-trip time, microseconds.
    pub(super) rtt_us: u32,
    /// Its variance, microseconds.
    pub(super) rtt_variance_us: u32,
    /// Congestion window, segments.
    pub(super) congestion_window: u32,
    /// Largest segment sent, bytes.
    pub(super) segment: u32,
    /// Segments sent again since the connection stands.
    pub(super) retransmits: u32,
    /// Segments sent and not acknowledged.
    pub(super) unacknowledged: u32,
    /// For a listener: connections in its accept queue, and how many fit.
    pub(super) accept_queue: (u32, u32),
}

/// The first descriptor that a service manager hands over, by its contract.
const FIRST_INHERITED: RawFd = 3;
/// More than any unit names.
const MOST_INHERITED: RawFd = 64;

/// Takes descriptors that were open when the process began: so many from 3 on, those of them that are sockets. A second
/// call gets none.
pub(super) fn take_inherited(count: RawFd) -> Vec<OwnedFd> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if count <= 0 || TAKEN.swap(true, Ordering::Relaxed) {
        return Vec::new();
    }
    let end = FIRST_INHERITED + count.min(MOST_INHERITED);
    let is_socket = |&fd: &RawFd| {
        let mut kind: libc::c_int = 0;
        let (mut length, level, name) = (size_of_int(), libc::SOL_SOCKET, libc::SO_TYPE);
        // SAFETY: the kernel writes at most `length` bytes into `kind`, which is that large, and answers an error for
        // a number that is no open socket.
        let answer = unsafe { libc::getsockopt(fd, level, name, (&raw mut kind).cast(), &raw mut length) };
        answer == 0
    };
    // SAFETY: the environment says that these were opened for us before the process began, so nothing in it owns them,
    // and the mark above sees to it that each is taken once.
    let take = |fd: RawFd| unsafe { OwnedFd::from_raw_fd(fd) };
    (FIRST_INHERITED..end).filter(is_socket).map(take).collect()
}

/// Sets how many connections may send data with their first segment before they are accepted; 0 switches it off.
pub(super) fn set_fast_open(socket: &impl AsFd, queue: u32) -> io::Result<()> {
    let value = libc::c_int::try_from(queue).unwrap_or(libc::c_int::MAX);
    // SAFETY: the descriptor is open for as long as it is borrowed, and the kernel reads exactly the bytes of `value`,
    // which lives until the call has returned.
    let answer = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_FASTOPEN,
            (&raw const value).cast(),
            size_of_int(),
        )
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads the queue length that [`set_fast_open`] set.
pub(super) fn fast_open(socket: &impl AsFd) -> io::Result<u32> {
    let (value, _) = read_option::<libc::c_int>(socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN)?;
    Ok(u32::try_from(value).unwrap_or(0))
}

/// Reads the kernel's figures of a TCP socket.
pub(super) fn tcp_figures(socket: &impl AsFd) -> io::Result<TcpFigures> {
    let (info, _) = read_option::<libc::tcp_info>(socket, libc::IPPROTO_TCP, libc::TCP_INFO)?;
    Ok(TcpFigures {
        rtt_us: info.tcpi_rtt,
        rtt_variance_us: info.tcpi_rttvar,
        congestion_window: info.tcpi_snd_cwnd,
        segment: info.tcpi_snd_mss,
        retransmits: info.tcpi_total_retrans,
        unacknowledged: info.tcpi_unacked,
        accept_queue: (info.tcpi_unacked, info.tcpi_sacked),
    })
}

/// Reads who is at the other end of a Unix socket. The packages' own types take it that a process has a number, and one
/// outside of our PID namespace has none.
pub(super) fn credentials(socket: &impl AsFd) -> io::Result<Credentials> {
    let (who, _) = read_option::<libc::ucred>(socket, libc::SOL_SOCKET, libc::SO_PEERCRED)?;
    Ok(Credentials { pid: who.pid, uid: who.uid, gid: who.gid })
}

/// Types of which every bit pattern, all zeros included, is a value: whatever the kernel writes, it is one.
trait AnyBits: Copy {}
impl AnyBits for libc::c_int {}
impl AnyBits for libc::tcp_info {}
impl AnyBits for libc::ucred {}

fn read_option<T: AnyBits>(socket: &impl AsFd, level: libc::c_int, option: libc::c_int) -> io::Result<(T, usize)> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = libc::socklen_t::try_from(size_of::<T>()).expect("a socket option is small");
    // SAFETY: the descriptor is open for as long as it is borrowed; the kernel writes at most `length` bytes, which is
    // the size of `value`, and says in `length` how many.
    let answer = unsafe {
        libc::getsockopt(socket.as_fd().as_raw_fd(), level, option, value.as_mut_ptr().cast(), &raw mut length)
    };
    if answer != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `value` was zeroed, the kernel wrote a prefix of it, and any bits are a value of the type.
    Ok((unsafe { value.assume_init() }, length as usize))
}

fn size_of_int() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<libc::c_int>()).expect("an int is small")
}
