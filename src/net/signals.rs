//! Signals as events on the same poll.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::{fmt, io};

use mio::{Interest, Registry, Token};
use rustix::process::{Pid, getpid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// SIGTERM, SIGINT; SIGHUP too, for a program that was started on a terminal which has gone.
    Stop,
    /// SIGHUP.
    Reload,
    /// SIGUSR1.
    Figures,
}

/// A write past the limit of a file's size fails from now on, as any write may; the signal that comes with it would
/// end the process.
///
/// # Errors
/// When no handler can be installed.
pub fn survive_file_limits() -> io::Result<()> {
    signal_hook::flag::register(libc::SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Switched off when a loop obeys signals.
static ENDS_AT_ONCE: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Has SIGTERM and SIGINT end the first process of a container until a loop obeys them. Every other they end anyway; it
/// hears of no signal that it does not ask for, and a start can take its time: a name is looked up, a disk is slow.
///
/// # Errors
/// When no handler can be installed.
pub fn stop_from_the_start() -> io::Result<()> {
    if getpid() == Pid::INIT {
        let on = ENDS_AT_ONCE.get_or_init(|| Arc::new(AtomicBool::new(true)));
        for signal in [SIGTERM, SIGINT] {
            // As a shell counts the end by a signal.
            signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(on))?;
        }
    }
    Ok(())
}

/// A child that has ended is kept until it is reaped, from now on. Whoever started this process may have ignored the signal
/// that tells of children, and then the system keeps none, and nobody learns how they ended.
///
/// # Errors
/// When no handler can be installed.
pub fn keep_ended_children() -> io::Result<()> {
    signal_hook::flag::register(libc::SIGCHLD, Arc::default())?;
    Ok(())
}

pub(super) struct Signals {
    source: signal_hook_mio::v1_0::Signals,
    hangup: Wish,
}

impl fmt::Debug for Signals {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Signals").field("hangup", &self.hangup).finish_non_exhaustive()
    }
}

impl Signals {
    pub(super) fn register(registry: &Registry, token: Token, hangup_stops: bool) -> io::Result<Self> {
        let mut source = signal_hook_mio::v1_0::Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])?;
        registry.register(&mut source, token, Interest::READABLE)?;
        if let Some(on) = ENDS_AT_ONCE.get() {
            on.store(false, Ordering::SeqCst);
        }
        let hangup = if hangup_stops { Wish::Stop } else { Wish::Reload };
        Ok(Self { source, hangup })
    }

    /// What was asked for since the last call.
    pub(super) fn pending(&mut self) -> Vec<Wish> {
        let wish = |signal| match signal {
            SIGHUP => self.hangup,
            SIGUSR1 => Wish::Figures,
            _ => Wish::Stop,
        };
        self.source.pending().map(wish).collect()
    }
}
