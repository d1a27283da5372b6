//! Who somebody is, and how they prove it.

use std::fmt;

/// Why a password is not sent.
pub const INSECURE: &str = "insecure: others could read the password on its way; write tls: before the address";

/// An account, and its password. Nothing shows the password.
#[derive(Clone)]
pub struct Login {
    /// The account's name.
    pub name: String,
    /// Its password.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Login({:?})", self.name)
    }
}
