//! Bounds that connections are held to.

use std::fmt;
use std::str::FromStr;

use super::values::{Bytes, Span, whole};
use crate::hub::{FIXED_FRAME, LENGTH_FRAME, LINE, Limits};
use crate::net::{DRAIN, udp};

/// A length prefix.
const PREFIX: u64 = 4;
/// A frame's length is a number of 32 bits, and nobody needs as much.
const LONGEST_FRAME: u64 = 16 * 1024 * 1024;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct LimitArgs {
    /// The longest line, without its end
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(LINE.into()))]
    limit_line: Bytes,
    /// The longest length-prefixed frame
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(LENGTH_FRAME.into()))]
    limit_frame: Bytes,
    /// Unread input kept of a connection; a whole frame and its prefix must fit
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().unread.into())]
    limit_unread: Bytes,
    /// Unsent output at which a connection is not read any more
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().high.into())]
    limit_high: Bytes,
    /// Unsent output at which it is read again
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().low.into())]
    limit_low: Bytes,
    /// Unsent output that a connection may owe for limit-lag-time
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().lag.into())]
    limit_lag: Bytes,
    /// How long it may owe that much
    #[arg(long, value_name = "TIME", default_value_t = Span(Limits::default().lag_for))]
    limit_lag_time: Span,
    /// Unsent output at which a connection is given up
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().output.into())]
    limit_output: Bytes,
    /// How long a write may make no progress
    #[arg(long, value_name = "TIME", default_value_t = Span(Limits::default().stall))]
    limit_stall: Span,
    /// How long a closed connection may take what was sent before
    #[arg(long, value_name = "TIME", default_value_t = Span(Limits::default().farewell))]
    limit_farewell: Span,
    /// How long what a closed connection still sends is read and dropped
    #[arg(long, value_name = "TIME", default_value_t = Span(Limits::default().linger))]
    limit_linger: Span,
    /// How much of it
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().linger_bytes.into())]
    limit_linger_bytes: Bytes,
    /// The longest silence, on every service but the chat, which asks whether one is there
    #[arg(long, value_name = "TIME", default_value = "5m")]
    limit_silence: Span,
    /// The longest datagram, with udp
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(udp::DATAGRAM.into()))]
    limit_datagram: Bytes,
    /// How often an address beyond this machine is answered, with udp: so many times at once, then so many a second
    #[arg(long, value_name = "BURST/RATE", default_value_t = Pace::default())]
    limit_udp_pace: Pace,
    /// Sources of datagrams that are known; whoever was silent for longest makes room
    #[arg(long, value_name = "N", default_value_t = udp::Terms::default().sources, value_parser = whole::<usize>)]
    limit_udp_sources: usize,
    /// How long a source of datagrams may be silent before it is forgotten
    #[arg(long, value_name = "TIME", default_value_t = Span(udp::SILENCE))]
    limit_udp_silence: Span,
    /// How long a stopping server waits for its connections to end
    #[arg(long, value_name = "TIME", default_value_t = Span(DRAIN))]
    limit_drain: Span,
}

/// The longest frame of each framing, the longest silence, the longest goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireLimits {
    /// A line, without its end.
    pub line: u32,
    /// A length-prefixed frame.
    pub frame: u32,
    /// Silence, where the service does not ask.
    pub silence: std::time::Duration,
    /// Silence of a source of datagrams.
    pub udp_silence: std::time::Duration,
    /// What strangers get who speak in datagrams.
    pub udp: udp::Terms,
    /// The wait of a server that stops.
    pub drain: std::time::Duration,
}

/// So many at once, then so many a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pace {
    burst: u32,
    rate: u32,
}

impl Default for Pace {
    fn default() -> Self {
        let udp::Terms { burst, rate, .. } = udp::Terms::default();
        Self { burst, rate }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.burst, self.rate)
    }
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(burst, rate)| Some((burst.parse().ok()?, rate.parse().ok()?)));
        match parsed {
            Some((burst, rate)) if burst > 0 && rate > 0 => Ok(Self { burst, rate }),
            _ => Err("expected BURST/RATE, two numbers above 0".to_owned()),
        }
    }
}

impl LimitArgs {
    pub(super) fn wire(&self) -> WireLimits {
        let length = |bytes: Bytes| u32::try_from(bytes.0).unwrap_or(u32::MAX);
        let (line, frame) = (length(self.limit_line), length(self.limit_frame));
        let Pace { burst, rate } = self.limit_udp_pace;
        let udp = udp::Terms { datagram: length(self.limit_datagram), sources: self.limit_udp_sources, burst, rate };
        let (silence, udp_silence) = (self.limit_silence.0, self.limit_udp_silence.0);
        WireLimits { line, frame, silence, udp_silence, udp, drain: self.limit_drain.0 }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            unread: self.limit_unread.size(),
            high: self.limit_high.size(),
            low: self.limit_low.size(),
            lag: self.limit_lag.size(),
            lag_for: self.limit_lag_time.0,
            output: self.limit_output.size(),
            stall: self.limit_stall.0,
            farewell: self.limit_farewell.0,
            linger: self.limit_linger.0,
            linger_bytes: self.limit_linger_bytes.size(),
        }
    }

    /// What can't be true at the same time: which setting, and why.
    pub(super) fn contradictions(&self, found: &mut Vec<(&'static str, String)>) {
        let mut at_most = |name, value: Bytes, bound: Bytes, why: &str| {
            if value.0 > bound.0 {
                found.push((name, format!("{why}: expected at most {bound}")));
            }
        };
        let longest = Bytes(LONGEST_FRAME);
        at_most("limit-line", self.limit_line, longest, "nobody types as much");
        at_most("limit-frame", self.limit_frame, longest, "no message is as long");
        let frame = Bytes(self.limit_unread.0.saturating_sub(PREFIX));
        at_most("limit-line", self.limit_line, frame, "a line must fit into limits.unread");
        at_most("limit-frame", self.limit_frame, frame, "a frame and its prefix must fit into limits.unread");
        at_most("limit-datagram", self.limit_datagram, Bytes(udp::DATAGRAM.into()), "longer ones arrive in pieces");
        let below = Bytes(self.limit_high.0.saturating_sub(1));
        at_most("limit-low", self.limit_low, below, "it must be below limits.high");
        at_most("limit-high", self.limit_high, self.limit_lag, "it can't be above limits.lag");
        at_most("limit-lag", self.limit_lag, self.limit_output, "it can't be above limits.output");
        let mut at_least = |name, value: u64, least: u64, shown: &str| {
            if value < least {
                found.push((name, format!("too little to work with: expected at least {shown}")));
            }
        };
        at_least("limit-line", self.limit_line.0, 512, "512");
        at_least("limit-datagram", self.limit_datagram.0, 512, "512");
        at_least("limit-udp-sources", self.limit_udp_sources as u64, 1, "1");
        at_least("limit-frame", self.limit_frame.0, 512, "512");
        // A whole frame of the fixed framing must fit too.
        at_least("limit-unread", self.limit_unread.0, FIXED_FRAME as u64, "1KiB");
        at_least("limit-high", self.limit_high.0, 1024, "1KiB");
        for (name, time) in [
            ("limit-lag-time", self.limit_lag_time),
            ("limit-stall", self.limit_stall),
            ("limit-farewell", self.limit_farewell),
            ("limit-silence", self.limit_silence),
            ("limit-udp-silence", self.limit_udp_silence),
        ] {
            at_least(name, time.millis(), 1000, "1s");
        }
    }
}
