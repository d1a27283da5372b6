//! What can be chosen about who comes in.

use std::path::PathBuf;

use super::values::{Bytes, Span, Switch};
use crate::daemon::entry::{Entry, Share};
use crate::net::{AddressRules, PerAddress};
use crate::services::chat::{Demands, Narrow, Startups};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct EntryArgs {
    /// File of accounts, as `parlor passwd` writes it; read again on SIGHUP
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Let nobody speak who has not logged in
    #[arg(long)]
    require_login: bool,
    /// Take passwords from other machines over plain TCP too, where whoever is in between can read them
    #[arg(long)]
    plain_login: bool,
    /// With require-login: from FROM who have not logged in yet, a newcomer is refused with a chance of PERCENT, which rises
    /// to certainty at ALL
    #[arg(long, value_name = "FROM:PERCENT:ALL", default_value = "10:30:100")]
    login_startups: Startups,
    /// With require-login: how long somebody may take to log in, from the first segment
    #[arg(long, value_name = "TIME", default_value_t = Span(Narrow::default().time))]
    limit_login_time: Span,
    /// With require-login: the longest line of somebody who has not logged in
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(Narrow::default().line.into()))]
    limit_line_before_login: Bytes,
    /// With require-login: their longest length-prefixed frame
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(Narrow::default().frame.into()))]
    limit_frame_before_login: Bytes,
    /// With require-login: their unsent output at which they are not read any more
    #[arg(long, value_name = "BYTES", default_value_t = Narrow::default().output.into())]
    limit_output_before_login: Bytes,
    /// Connections that may be open from one address, of IPv6 from one /64; or off
    #[arg(long, value_name = "N|off", default_value = "16")]
    per_address: Count,
    /// Connections that may come from one address within ten minutes; or off
    #[arg(long, value_name = "N|off", default_value = "32")]
    new_per_address: Count,
    /// Hold addresses of this machine to per-address, new-per-address and penalties too
    #[arg(long)]
    count_loopback: bool,
    /// Keep out for a while whoever showed wrong passwords or wasted connections
    #[arg(long, default_value = "on")]
    penalties: Switch,
    /// What all connections together may leave unread and unsent: a share of the memory, or bytes. The largest go first
    #[arg(long, value_name = "PERCENT%|BYTES", default_value = "25%")]
    buffers: Share,
}

/// A number; `None`: any.
#[derive(Debug, Clone, Copy)]
struct Count(Option<u32>);

impl std::str::FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "off" => Ok(Self(None)),
            Ok(count) if count > 0 => Ok(Self(Some(count))),
            _ => Err("expected a number above 0, or off".to_owned()),
        }
    }
}

impl EntryArgs {
    pub(super) fn entry(&self, rules: Option<PathBuf>) -> Entry {
        let length = |bytes: Bytes| u32::try_from(bytes.0).unwrap_or(u32::MAX);
        Entry {
            accounts: self.accounts.clone(),
            demands: Demands {
                require_login: self.require_login,
                plain_login: self.plain_login,
                startups: self.login_startups,
                narrow: Narrow {
                    line: length(self.limit_line_before_login),
                    frame: length(self.limit_frame_before_login),
                    output: self.limit_output_before_login.size(),
                    time: self.limit_login_time.0,
                },
            },
            rules,
            buffers: self.buffers,
            addresses: AddressRules {
                per_address: PerAddress { open: self.per_address.0, new: self.new_per_address.0 },
                count_loopback: self.count_loopback,
                penalties: self.penalties == Switch::On,
            },
        }
    }

    pub(super) fn has_accounts(&self) -> bool {
        self.accounts.is_some()
    }

    pub(super) fn contradictions(&self, found: &mut Vec<(&'static str, String)>) {
        let usual = Narrow::default();
        for (name, value, least, most) in [
            // A name and a password must fit.
            ("limit-line-before-login", self.limit_line_before_login, 700, u64::from(usual.line) * 16),
            ("limit-frame-before-login", self.limit_frame_before_login, 700, u64::from(usual.frame) * 16),
            ("limit-output-before-login", self.limit_output_before_login, 1024, 1024 * 1024),
        ] {
            if !(least..=most).contains(&value.0) {
                found.push((name, format!("expected {least} to {most}")));
            }
        }
        if self.limit_login_time.millis() < 1000 {
            found.push(("limit-login-time", "too short for anybody: expected at least 1s".to_owned()));
        }
        if self.require_login && self.accounts.is_none() {
            found.push(("require-login", "nobody could log in: accounts names no file".to_owned()));
        }
    }
}
