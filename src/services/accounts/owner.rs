//! Whose something is: what somebody is known by at every service, from one connection to the next.

use std::fmt;

use crate::hub::About;
use crate::services::chat::Name;

/// Whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Nobody knows who; all guests are one.
    Guest,
    /// Whoever has logged in to this account, by the key of its name.
    Account(String),
    /// A user of this machine, on a Unix socket.
    User(u32),
    /// Whoever has this certificate, which the server trusts.
    Certificate(String),
}

impl Owner {
    /// Who is at the other end of a connection, and has logged in to this account, if to any.
    #[must_use]
    pub fn of(account: Option<&Name>, about: &About<'_>) -> Self {
        match (account, about.credentials, about.certificate) {
            (Some(name), ..) => Self::Account(name.key().to_owned()),
            (_, Some(who), _) => Self::User(who.uid),
            (.., Some(fingerprint)) => Self::Certificate(fingerprint.to_owned()),
            _ => Self::Guest,
        }
    }

    /// In a sentence that says how many things of theirs there are.
    #[must_use]
    pub fn whose(&self) -> &'static str {
        if *self == Self::Guest { "guests" } else { "yours" }
    }
}

/// As it is kept on the disk.
impl fmt::Display for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest => write!(out, "guest"),
            Self::Account(key) => write!(out, "account {key}"),
            Self::User(uid) => write!(out, "user {uid}"),
            Self::Certificate(fingerprint) => write!(out, "certificate {fingerprint}"),
        }
    }
}
