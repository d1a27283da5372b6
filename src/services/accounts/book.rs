//! Accounts as a file has them: one line each, `NAME:ROLE:HASH`, and behind another colon the fingerprints of certificates,
//! with commas between them. Blank lines and those that begin with `#` are comments.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::proof::{Fingerprint, fingerprint};
use super::secret;
use crate::services::chat::{Alphabet, Name, Roll};

/// The largest file that is read: some hundred thousand accounts.
pub const LARGEST: usize = 16 * 1024 * 1024;

/// Stands in the place of a hash where no password is right.
const NO_PASSWORD: &str = "*";

/// Certificates that one account may have: one for each machine of a person.
const CERTIFICATES: usize = 16;

/// No account: asks a roll for anybody who has a name.
const NOBODY: u32 = u32::MAX;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Speak under a name that is nobody else's, make rooms and lock them.
    User,
    /// Also keep order.
    Operator,
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::User => "user",
            Self::Operator => "operator",
        })
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "user" => Ok(Self::User),
            "operator" => Ok(Self::Operator),
            _ => Err("expected user or operator".to_owned()),
        }
    }
}

/// One account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Whose it is.
    pub name: Name,
    /// What it may do.
    pub role: Role,
    /// What is kept of its password, if it has one.
    pub hash: Option<Arc<str>>,
    /// Whoever comes with one of these certificates is its owner.
    pub certificates: Vec<Fingerprint>,
}

/// What is wrong with a file of accounts.
#[derive(Debug)]
pub struct Wrong {
    /// Where.
    pub line: usize,
    /// What. Never a hash.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Wrong {}

/// All accounts.
#[derive(Debug, Default)]
pub struct Book {
    accounts: Vec<Account>,
    names: Roll<u32>,
    by_certificate: BTreeMap<Fingerprint, u32>,
    /// Stands for the hash of an account that there is not, and costs as much to check.
    dummy: Arc<str>,
    is_even: bool,
}

impl Book {
    /// Reads what a file says.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let mut book = Self { is_even: true, ..Self::default() };
        let mut first = None;
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what: String| Wrong { line: number, what };
            let Some(account) = account(line).map_err(wrong)? else { continue };
            if let Some(hash) = &account.hash {
                let cost = secret::cost(hash).map_err(wrong)?;
                book.is_even &= *first.get_or_insert(cost) == cost;
            }
            let name = &account.name;
            let index = u32::try_from(book.accounts.len()).expect("a file is not so large");
            if let Err(rival) = book.names.claim(name, index) {
                let rival = &book.accounts[rival as usize].name;
                return Err(wrong(format!("{name} is, or looks like, {rival}, who stands above")));
            }
            for certificate in &account.certificates {
                if let Some(other) = book.by_certificate.insert(certificate.clone(), index) {
                    let other = book.accounts.get(other as usize).map_or(name, |other| &other.name);
                    return Err(wrong(format!("the certificate {certificate} stands with {other} already")));
                }
            }
            book.accounts.push(account);
        }
        book.dummy = secret::dummy(first.unwrap_or_else(secret::usual)).into();
        Ok(book)
    }

    /// How many accounts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Does every check cost the same? If not, time can tell an account from a name that has none.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.is_even
    }

    /// The account of that name, in any case.
    #[must_use]
    pub fn find(&self, name: &Name) -> Option<&Account> {
        self.names.find(name).map(|index| &self.accounts[index as usize])
    }

    /// The account of whoever comes with this certificate.
    #[must_use]
    pub fn holder(&self, certificate: &str) -> Option<&Account> {
        self.by_certificate.get(certificate).map(|&index| &self.accounts[index as usize])
    }

    /// Whose account stands in the way of a guest who wants this name: the same, or one that looks like it.
    #[must_use]
    pub fn owner(&self, name: &Name) -> Option<&Account> {
        self.names.rival(name, NOBODY).map(|index| &self.accounts[index as usize])
    }

    /// What a password is to be compared with, and whether that is an account's.
    #[must_use]
    pub fn hash(&self, name: Option<&Name>) -> (Arc<str>, bool) {
        match name.and_then(|name| self.find(name)?.hash.as_ref()) {
            Some(hash) => (Arc::clone(hash), true),
            None => (Arc::clone(&self.dummy), false),
        }
    }
}

/// What a line holds; `None` for a comment.
fn account(line: &str) -> Result<Option<Account>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut parts = line.splitn(4, ':');
    let (Some(name), Some(role), Some(hash)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("expected NAME:ROLE:HASH or NAME:ROLE:HASH:CERTIFICATES".to_owned());
    };
    let name = Name::new(name, Alphabet::OneScript).map_err(|complaint| complaint.text)?;
    let role = role.parse().map_err(|wrong| format!("the role: {wrong}"))?;
    let hash = Some(hash).filter(|&hash| hash != NO_PASSWORD).map(Arc::from);
    let known = parts.next().map(|words| words.split(',').map(fingerprint).collect::<Option<Vec<_>>>());
    let certificates = known.unwrap_or(Some(Vec::new())).ok_or(
        "the certificates: expected fingerprints of 64 digits, base 16, with commas between them: \
         openssl x509 -noout -fingerprint -sha256 -in FILE",
    )?;
    if certificates.len() > CERTIFICATES {
        return Err(format!("an account has at most {CERTIFICATES} certificates"));
    }
    Ok(Some(Account { name, role, hash, certificates }))
}

/// As a line.
impl fmt::Display for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.name, self.role, self.hash.as_deref().unwrap_or(NO_PASSWORD))?;
        for (at, certificate) in self.certificates.iter().enumerate() {
            write!(out, "{}{certificate}", if at == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

/// What is to become of an account in a file.
#[derive(Debug, Clone)]
pub enum Edit {
    /// It is to be there, with this changed.
    Put(Change),
    /// It is to go.
    Delete,
}

/// What is to be different; the rest stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The role.
    pub role: Option<Role>,
    /// What is kept of the password; inside, none: no password is right.
    pub hash: Option<Option<String>>,
    /// Certificates that are to stand with it.
    pub with: Vec<Fingerprint>,
    /// Those that are not.
    pub without: Vec<Fingerprint>,
}

impl Change {
    /// Carries it out, on an account that is there or on none.
    fn of(&self, name: &Name, known: Option<&Account>) -> Result<Account, String> {
        let new = Account { name: name.clone(), role: Role::User, hash: None, certificates: Vec::new() };
        if known.is_none() && !matches!(self.hash, Some(Some(_))) && self.with.is_empty() {
            return Err(format!("there is no account {name}, and a new one needs a password or a certificate"));
        }
        let mut account = Account { name: name.clone(), ..known.cloned().unwrap_or(new) };
        account.role = self.role.unwrap_or(account.role);
        if let Some(hash) = &self.hash {
            account.hash = hash.as_deref().map(Arc::from);
        }
        for certificate in &self.without {
            let at = account.certificates.iter().position(|known| known == certificate);
            account.certificates.remove(at.ok_or_else(|| format!("{name} has no certificate {certificate}"))?);
        }
        for certificate in &self.with {
            if !account.certificates.contains(certificate) {
                account.certificates.push(certificate.clone());
            }
        }
        Ok(account)
    }
}

/// A file's text with one account changed. Everything else stays as it is, comments too.
///
/// # Errors
/// The file is wrong already, there is no such account, or the new one can't be.
pub fn edited(text: &str, name: &Name, edit: &Edit) -> Result<String, String> {
    let book = Book::parse(text).map_err(|wrong| wrong.to_string())?;
    let known = book.find(name);
    let own = |line: &&str| matches!(account(line), Ok(Some(other)) if other.name.key() == name.key());
    let mut lines: Vec<String> = Vec::new();
    let put = match (edit, known) {
        (Edit::Delete, None) => return Err(format!("there is no account {name}")),
        (Edit::Delete, Some(_)) => None,
        (Edit::Put(change), _) => Some(change.of(name, known)?.to_string()),
    };
    for line in text.lines() {
        match &put {
            _ if !own(&line) => lines.push(line.to_owned()),
            Some(put) => lines.push(put.clone()),
            None => {}
        }
    }
    if let (Some(put), None) = (put, known) {
        lines.push(put);
    }
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    // What was put must be readable again: a new name may look like one that is there.
    Book::parse(&text).map(|_| text).map_err(|wrong| wrong.to_string())
}
