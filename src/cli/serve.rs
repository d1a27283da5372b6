//! `parlor serve`: run the server.
#![expect(clippy::doc_markdown, reason = "comments on arguments are help texts, and terminals show no markdown")]

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use log::LevelFilter;

use super::Failure;
use crate::daemon::{self, Config, History, Listen, logger};
use crate::hub::Limits;
use crate::log::SyncMode;
use crate::net::Exit;
use crate::net::socket::{Keepalive, Options};
use crate::services::chat::{self, Alphabet, Flood, Name, Slow};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Listen on an address, as often as wanted. SERVICE: chat, echo, upper. OPTION: lines (default), length, fixed; for
    /// echo stamp. ADDRESS: HOST:PORT, [IPV6]:PORT, unix:PATH; port 0 takes any. [env: PARLOR_LISTEN, separated by
    /// blanks] [default: chat=127.0.0.1:8888]
    #[arg(long = "listen", value_name = "SERVICE[+OPTION…]=ADDRESS")]
    listeners: Vec<Listen>,
    /// Allow listening beyond this machine
    #[arg(long, env = "PARLOR_OPEN", value_parser = BoolishValueParser::new())]
    open: bool,
    /// Turn more connections away
    #[arg(long, value_name = "N", env = "PARLOR_MAX_CONNECTIONS", default_value_t = 10_000)]
    max_connections: usize,
    /// Mode of the files of Unix sockets, octal
    #[arg(long, value_name = "MODE", env = "PARLOR_UNIX_MODE", default_value = "600", value_parser = octal)]
    unix_mode: u32,
    /// What is logged: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", env = "PARLOR_LOG", default_value = "info")]
    log: LevelFilter,
    #[command(flatten, next_help_heading = "Chat")]
    chat: ChatArgs,
    #[command(flatten, next_help_heading = "Socket options")]
    socket: SocketArgs,
}

#[derive(Debug, clap::Args)]
struct ChatArgs {
    /// Folder of the history [default: $STATE_DIRECTORY, else $XDG_STATE_HOME/parlor, else ~/.local/state/parlor]
    #[arg(long, value_name = "DIR", env = "PARLOR_DATA")]
    data: Option<PathBuf>,
    /// Keep no history
    #[arg(long, env = "PARLOR_NO_HISTORY", value_parser = BoolishValueParser::new())]
    no_history: bool,
    /// When what was said is on the disk for sure: always before it is heard, once a second, or when the system likes
    #[arg(long, value_name = "WHEN", env = "PARLOR_SYNC", default_value = "second")]
    sync: Sync,
    /// How fast somebody may speak: so many at once, then so many a second; or off
    #[arg(long, value_name = "BURST/RATE|off", env = "PARLOR_FLOOD", default_value = "50/20")]
    flood: FloodArg,
    /// What becomes of those who read too slowly: disconnect, gap or pause
    #[arg(long, value_name = "POLICY", env = "PARLOR_SLOW", default_value = "disconnect")]
    slow: Slow,
    /// Rooms in which speakers wait for slow readers, with --slow pause
    #[arg(long, value_name = "ROOM,…", env = "PARLOR_PAUSE_ROOMS", value_delimiter = ',', value_parser = room_name)]
    pause_rooms: Vec<Name>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sync {
    Always,
    Second,
    Never,
}

impl From<Sync> for SyncMode {
    fn from(sync: Sync) -> Self {
        match sync {
            Sync::Always => Self::Always,
            Sync::Second => Self::Second,
            Sync::Never => Self::Never,
        }
    }
}

impl ChatArgs {
    fn history(&self) -> Result<Option<History>, Failure> {
        if self.no_history {
            return Ok(None);
        }
        let folder = self.data.clone().or_else(daemon::history::default_folder);
        let folder =
            folder.ok_or("there is no home for the history; name a folder with --data, or say --no-history")?;
        Ok(Some(History { folder, sync: self.sync.into() }))
    }
}

/// A pace; `None`: as fast as they can.
#[derive(Debug, Clone, Copy)]
struct FloodArg(Option<Flood>);

impl std::str::FromStr for FloodArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let parsed = text.split_once('/').and_then(|(burst, rate)| Some((burst.parse().ok()?, rate.parse().ok()?)));
        match parsed {
            Some((burst, rate)) if burst > 0 && rate > 0 => Ok(Self(Some(Flood { burst, rate }))),
            _ => Err("expected BURST/RATE, two numbers above 0, or off".to_owned()),
        }
    }
}

fn room_name(text: &str) -> Result<Name, String> {
    Name::new(text.trim_start_matches('#'), Alphabet::OneScript).map_err(|complaint| complaint.text)
}

#[derive(Debug, clap::Args)]
struct SocketArgs {
    /// Bind while connections of an earlier run are in TIME_WAIT
    #[arg(long, env = "PARLOR_REUSE_ADDRESS", default_value = "on")]
    reuse_address: Switch,
    /// Let several processes share a port
    #[arg(long, env = "PARLOR_REUSE_PORT", default_value = "off")]
    reuse_port: Switch,
    /// Connections that may wait to be accepted
    #[arg(long, value_name = "N", env = "PARLOR_BACKLOG", default_value_t = Options::server().backlog)]
    backlog: u32,
    /// Send small segments at once
    #[arg(long, env = "PARLOR_NODELAY", default_value = "on")]
    nodelay: Switch,
    /// Probe silent connections
    #[arg(long, env = "PARLOR_KEEPALIVE", default_value = "on")]
    keepalive: Switch,
    /// Seconds of silence before the first probe
    #[arg(long, value_name = "SECONDS", env = "PARLOR_KEEPALIVE_IDLE", default_value_t = 60, value_parser = seconds())]
    keepalive_idle: u64,
    /// Seconds between probes
    #[arg(long, value_name = "SECONDS", env = "PARLOR_KEEPALIVE_INTERVAL", default_value_t = 10, value_parser = seconds())]
    keepalive_interval: u64,
    /// Unanswered probes that end a connection
    #[arg(long, value_name = "N", env = "PARLOR_KEEPALIVE_COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=127))]
    keepalive_count: u32,
    /// Bytes of the receive buffer, or `kernel` to have it tuned there
    #[arg(long, value_name = "BYTES", env = "PARLOR_RECEIVE_BUFFER", default_value = "65536")]
    receive_buffer: Size,
    /// Bytes of the send buffer, or `kernel`
    #[arg(long, value_name = "BYTES", env = "PARLOR_SEND_BUFFER", default_value = "65536")]
    send_buffer: Size,
    /// Connections that may bring data with their first segment and wait; 0 is off
    #[arg(long, value_name = "N", env = "PARLOR_FAST_OPEN", default_value_t = Options::server().fast_open)]
    fast_open: u32,
    /// Milliseconds that sent data may stay unacknowledged; 0 leaves it to the kernel
    #[arg(long, value_name = "MILLISECONDS", env = "PARLOR_USER_TIMEOUT", default_value_t = 0)]
    user_timeout: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// A buffer's size; `None` leaves it to the kernel.
#[derive(Debug, Clone, Copy)]
struct Size(Option<u32>);

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "kernel" => Ok(Self(None)),
            _ => text
                .parse()
                .map(|size| Self(Some(size)))
                .map_err(|_| "expected a number of bytes, or kernel".to_owned()),
        }
    }
}

fn octal(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|&mode| mode <= 0o777)
        .ok_or_else(|| "expected an octal mode up to 777".to_owned())
}

/// The kernel takes keepalive times up to 32,767 s.
fn seconds() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=32_767)
}

impl SocketArgs {
    fn options(&self) -> Options {
        let keepalive = Keepalive {
            idle: Duration::from_secs(self.keepalive_idle),
            interval: Duration::from_secs(self.keepalive_interval),
            count: self.keepalive_count,
        };
        Options {
            reuse_address: self.reuse_address == Switch::On,
            reuse_port: self.reuse_port == Switch::On,
            backlog: self.backlog,
            nodelay: self.nodelay == Switch::On,
            keepalive: (self.keepalive == Switch::On).then_some(keepalive),
            receive_buffer: self.receive_buffer.0,
            send_buffer: self.send_buffer.0,
            fast_open: self.fast_open,
            user_timeout: (self.user_timeout > 0).then(|| Duration::from_millis(self.user_timeout.into())),
        }
    }
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    logger::install(args.log);
    let config = Config {
        options: args.socket.options(),
        listeners: listeners(args.listeners)
            .unwrap_or_else(|wrong| clap::Error::raw(ErrorKind::ValueValidation, format!("{wrong}\n")).exit()),
        unix_mode: args.unix_mode,
        max_connections: args.max_connections,
        open: args.open,
        limits: Limits::default(),
        history: args.chat.history()?,
        chat: chat::Settings {
            sync: args.chat.sync.into(),
            days: daemon::history::days(),
            flood: args.chat.flood.0,
            slow: args.chat.slow,
            pausing: args.chat.pause_rooms,
            ..chat::Settings::default()
        },
    };
    let mut server = daemon::start(&config, stderr().is_terminal() && !hangup_is_ignored())?;
    match server.run()? {
        Exit::Drained => Ok(ExitCode::SUCCESS),
        // Asked twice: what was still on its way is lost, and that is no success.
        Exit::AtOnce => Ok(ExitCode::FAILURE),
    }
}

/// Flags over environment over default.
fn listeners(flags: Vec<Listen>) -> Result<Vec<Listen>, String> {
    if !flags.is_empty() {
        return Ok(flags);
    }
    let Ok(text) = std::env::var("PARLOR_LISTEN") else { return Ok(daemon::default_listeners()) };
    if text.trim().is_empty() {
        return Err("PARLOR_LISTEN is set and names no listener".to_owned());
    }
    let parsed =
        text.split_whitespace().map(|one| one.parse().map_err(|error| format!("PARLOR_LISTEN: {one}: {error}")));
    parsed.collect()
}

/// Was the process started under nohup? Then it outlives its terminal, and a hang-up means reload.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|ignored| ignored & 1 != 0)
}
