//! What is offered, and to whom.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Template;
use super::asked::MAX_TASKS;
use crate::services::accounts::Role;
use crate::services::chat::Name;
use crate::services::line::Wrong;

/// What is offered, by name.
pub type Offers = BTreeMap<String, Offer>;

/// What can be chosen.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What is offered.
    pub offers: Offers,
    /// Commands of one owner that may run at once.
    pub each: usize,
}

impl Settings {
    /// How many those are if nothing else is said: nobody takes all places alone.
    pub const EACH: usize = MAX_TASKS / 2;
}

/// A command that is offered.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What is run.
    pub argv: Template,
    /// For how long at most.
    pub time: Duration,
    /// Bytes that it may write to both its outputs together.
    pub output: u64,
    /// Who may call it.
    pub callers: Callers,
}

impl Offer {
    /// How long a command may run if nothing else is said.
    pub const TIME: Duration = Duration::from_secs(60);
    /// How much it may write.
    pub const OUTPUT: u64 = 64 * 1024 * 1024;
}

/// Who may call a command: everybody who may speak here, unless something is said; then whoever is one of these.
#[derive(Debug, Clone, Default)]
pub struct Callers {
    /// These accounts.
    pub accounts: Vec<Name>,
    /// Accounts with this role, or a higher one.
    pub role: Option<Role>,
}

impl Callers {
    /// May they? `who`: the account that somebody has logged in to.
    ///
    /// # Errors
    /// What they lack.
    pub(super) fn admit(&self, who: Option<&(Name, Role)>) -> Result<(), Wrong> {
        if self.accounts.is_empty() && self.role.is_none() {
            return Ok(());
        }
        let Some((name, role)) = who else { return Err(Wrong::login_first()) };
        let has_role = self.role.is_some_and(|needed| needed == Role::User || *role == Role::Operator);
        if has_role || self.accounts.iter().any(|account| account.key() == name.key()) {
            return Ok(());
        }
        Err(Wrong::new("forbidden", "this is offered to others; list shows what is offered to you"))
    }
}
