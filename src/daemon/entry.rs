//! Who may come in: from settings to what the chat and the door are told.

use std::cell::Cell;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::str::FromStr;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use rustix::system::sysinfo;

use super::server::Config;
use crate::net::{AddressRules, shown};
use crate::services::accounts::{Accounts, doubts};
use crate::services::chat::{Demands, Guard, Private, Rules};

/// Misdeeds that may wait to be noted. The door looks at each newcomer; whoever has so many is noted already.
const MISDEEDS: usize = 1024;

/// Where the door hears of misdeeds: whose, and how long they are to stay out for one.
pub type Noted = Receiver<(IpAddr, Duration)>;

/// Where bans and locks are kept, in the folder of the history.
pub const RULES: &str = "house-rules";

/// What was chosen.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The file of accounts.
    pub accounts: Option<PathBuf>,
    /// What is asked of newcomers.
    pub demands: Demands,
    /// Where bans and locks are kept, if they are.
    pub rules: Option<PathBuf>,
    /// What all connections together may leave unread and unsent.
    pub buffers: Share,
    /// What the door looks at.
    pub addresses: AddressRules,
}

/// A share of this machine's memory, or so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// In hundredths.
    Percent(u8),
    /// As many.
    Bytes(u64),
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected 1% to 90%, or bytes, at least 1MiB".to_owned();
        if let Some(percent) = text.strip_suffix('%') {
            let percent = percent.parse().ok().filter(|percent| (1..=90).contains(percent));
            return percent.map(Self::Percent).ok_or_else(expected);
        }
        let bytes = text.parse::<super::settings::Bytes>().map_err(|_| expected())?.0;
        if bytes < 1024 * 1024 { Err(expected()) } else { Ok(Self::Bytes(bytes)) }
    }
}

impl Share {
    /// In bytes, on this machine, or in what its control group leaves us.
    #[must_use]
    pub fn bytes(self) -> usize {
        let bytes = match self {
            Self::Percent(percent) => memory() / 100 * u64::from(percent),
            Self::Bytes(bytes) => bytes,
        };
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

/// The memory that we may use, in bytes.
fn memory() -> u64 {
    let machine = sysinfo();
    let machine = machine.totalram.saturating_mul(machine.mem_unit.into());
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let folder = Path::new("/sys/fs/cgroup").join(group);
    // A group is bound by those above it too.
    let limits = folder.ancestors().take_while(|folder| folder.starts_with("/sys/fs/cgroup"));
    // Past the lower one it is slowed down, past the other killed.
    let files = limits.flat_map(|folder| [folder.join("memory.high"), folder.join("memory.max")]);
    files.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok()).min().unwrap_or(machine).min(machine)
}

/// What services are told of who may come in, and where the door hears of misdeeds. Accounts and bans are read only if
/// somebody serves who asks for them: `is_asked`.
///
/// # Errors
/// What could not be read, and why.
pub fn guard(config: &Config, is_asked: bool) -> Result<(Guard, Noted), (String, std::io::Error)> {
    let entry = &config.entry;
    let (misdeeds, noted) = sync_channel(MISDEEDS);
    let at = |what: &str, path: &Path| format!("{what} {}", path.display());
    let accounts = entry.accounts.as_deref().filter(|_| is_asked);
    let accounts = accounts.map(|path| open(path).map_err(|error| (at("accounts", path), error)));
    let rules = entry.rules.as_deref().filter(|_| is_asked);
    let rules = rules.map(|path| Rules::open(path).map_err(|error| (at("bans and locks", path), error)));
    let guard = Guard {
        accounts: accounts.transpose()?,
        demands: Rc::new(Cell::new(entry.demands)),
        limits: config.limits.clone(),
        rules: rules.transpose()?.unwrap_or_default(),
        misdeeds: Some(misdeeds),
        show_address: Some(|address| shown(address).to_string()),
        private: Private::default(),
    };
    Ok((guard, noted))
}

fn open(path: &Path) -> std::io::Result<Accounts> {
    let accounts = Accounts::open(path)?;
    for doubt in doubts(path, &accounts.book()) {
        log::warn!("{doubt}");
    }
    Ok(accounts)
}

/// Can this address be reached from this machine only?
#[must_use]
pub fn is_own(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Why an address may not be listened on, if it may not: everybody beyond this machine could come in. `is_safe`: its
/// lines can't be read by others, and nobody speaks there who has not logged in.
#[must_use]
pub fn exposes(address: IpAddr, is_safe: bool, open: bool) -> Option<&'static str> {
    (!is_own(address) && !is_safe && !open).then_some(
        "this address can be reached from other machines, by anybody; TLS and require-login make that safe, and --open says that \
         this is wanted",
    )
}
