//! The settings of a server. Their table is clap's: a field here, or in a group, is a flag, an environment variable, a
//! key of the file, a line of the sample and of `--print-config`. What is left to do is to use it in `Settings::config`.

#![expect(clippy::doc_markdown, reason = "comments on arguments are help texts, and terminals show no markdown")]
#![allow(rustdoc::broken_intra_doc_links, reason = "and square brackets stand for themselves there")]

mod chat;
mod entry;
mod file;
mod files;
mod layers;
mod limits;
mod run;
mod sections;
mod show;
mod socket;
mod table;
#[cfg(feature = "tls")]
mod tls;
mod values;

use std::path::PathBuf;

use ::log::LevelFilter;
use clap::ValueEnum;

use self::values::{octal, whole};
use super::logger::Format;
use super::{Config, Listen};
use crate::net::Detail;

pub use self::layers::{Change, Changes, InForce, Layers, Wrong};
pub use self::limits::WireLimits;
pub use self::sections::{Offer, Sections};
pub use self::show::{in_force, sample};
pub use self::table::{naming_variables, prepared};
pub use self::values::{Bytes, Span};

/// What can be chosen about a server.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// Listen on an address, as often as wanted. SERVICE: chat, echo, upper, files, run, metrics, admin. OPTION: lines
    /// (default), length, fixed; tls; udp; for echo stamp. ADDRESS: HOST:PORT, [IPV6]:PORT, unix:PATH; port 0 takes any.
    /// [env: PARLOR_LISTEN, separated by blanks]
    #[arg(long = "listen", value_name = "SERVICE[+OPTION…]=ADDRESS", default_value = "chat=127.0.0.1:8888")]
    listeners: Vec<Listen>,
    /// Allow listening beyond this machine
    #[arg(long)]
    open: bool,
    /// Turn more connections away
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = whole::<usize>)]
    max_connections: usize,
    /// Mode of the files of Unix sockets, octal
    #[arg(long, value_name = "MODE", default_value = "600", value_parser = octal)]
    unix_mode: u32,
    /// What is logged: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = level)]
    log: LevelFilter,
    /// How the log looks: plain for people, logfmt for programs
    #[arg(long, value_name = "FORMAT", default_value = "plain")]
    log_format: LogFormat,
    /// How much of peers' addresses the log shows: all, their network (24 bits of IPv4, 48 of IPv6), or nothing
    #[arg(long, value_name = "DETAIL", default_value = "full")]
    log_addresses: LogAddresses,
    /// Read settings from a file too; flags and environment win
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Show what is in force and where each value came from, and end
    #[arg(long)]
    pub print_config: bool,
    #[command(flatten, next_help_heading = "Chat")]
    chat: chat::ChatArgs,
    #[command(flatten, next_help_heading = "Files")]
    files: files::FileArgs,
    #[command(flatten, next_help_heading = "Commands")]
    run: run::RunArgs,
    #[command(flatten, next_help_heading = "Socket options")]
    socket: socket::SocketArgs,
    #[command(flatten, next_help_heading = "Who may come in")]
    entry: entry::EntryArgs,
    #[command(flatten, next_help_heading = "Limits")]
    limits: limits::LimitArgs,
    #[cfg(feature = "tls")]
    #[command(flatten, next_help_heading = "TLS")]
    tls: tls::TlsArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Plain,
    Logfmt,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogAddresses {
    Full,
    Net,
    None,
}

fn level(text: &str) -> Result<LevelFilter, String> {
    text.parse().map_err(|_| "expected off, error, warn, info, debug or trace".to_owned())
}

impl Settings {
    /// How much is logged.
    #[must_use]
    pub fn log(&self) -> LevelFilter {
        self.log
    }

    /// How the log looks.
    #[must_use]
    pub fn log_format(&self) -> Format {
        match self.log_format {
            LogFormat::Plain => Format::Plain,
            LogFormat::Logfmt => Format::Logfmt,
        }
    }

    /// How much of addresses is logged.
    #[must_use]
    pub fn log_addresses(&self) -> Detail {
        match self.log_addresses {
            LogAddresses::Full => Detail::Full,
            LogAddresses::Net => Detail::Net,
            LogAddresses::None => Detail::None,
        }
    }

    fn config(&self, sections: &Sections) -> Result<Config, String> {
        Ok(Config {
            options: self.socket.options(),
            listeners: self.listeners.clone(),
            unix_mode: self.unix_mode,
            max_connections: self.max_connections,
            open: self.open,
            limits: self.limits.limits(),
            wire: self.limits.wire(),
            history: self.chat.history()?,
            chat: self.chat.chat(),
            files: self.files.folder(self.chat.kept().0),
            file_limits: self.files.limits(),
            entry: self.entry.entry(self.chat.rules()),
            offers: sections.run.clone(),
            commands_each: self.run.limit_commands_each,
            #[cfg(feature = "tls")]
            tls: self.tls.config(),
        })
    }

    /// Where a history would be, and how old what is shown of it may be.
    #[must_use]
    pub fn kept(&self) -> (Option<PathBuf>, Span) {
        self.chat.kept()
    }

    /// Settings that can't be true together.
    fn contradictions(&self, found: &mut Vec<(&'static str, String)>) {
        self.limits.contradictions(found);
        self.chat.contradictions(found);
        self.files.contradictions(found);
        self.run.contradictions(found);
        #[cfg(feature = "tls")]
        self.tls.contradictions(self.listeners.iter().any(|listen| listen.tls), found);
        self.entry.contradictions(found);
    }
}

impl InForce {
    /// What a server is to be.
    ///
    /// # Errors
    /// There is no home for the history.
    pub fn config(&self) -> Result<Config, String> {
        self.settings.config(&self.sections)
    }
}
