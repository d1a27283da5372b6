//! Passwords and what is kept of them: Argon2id, in the PHC form that other programs read too.

#[cfg(feature = "accounts")]
use unicode_normalization::UnicodeNormalization;

/// The longest password, in bytes: with a name before it, it fits a line of somebody not yet logged in.
pub const MAX_PASSWORD: usize = 512;

/// What one check may cost at most: memory in KiB, rounds, lanes. A file with dearer ones is refused, for a check that
/// takes a second is a check that can be asked for a hundred times.
#[cfg(feature = "accounts")]
const DEAREST: (u32, u32, u32) = (64 * 1024, 10, 4);

/// Can somebody have this password?
///
/// # Errors
/// What would be right.
pub fn fits(password: &str) -> Result<(), String> {
    let wrong = match password {
        _ if password.trim().is_empty() => "it is empty",
        _ if password.len() > MAX_PASSWORD => "it is longer",
        _ if password.contains(char::is_control) => "there is a control character in it, which nobody could type",
        _ => return Ok(()),
    };
    Err(format!("a password has 1 to {MAX_PASSWORD} bytes on one line; {wrong}"))
}

/// One password, however its accents were typed.
#[cfg(feature = "accounts")]
fn bytes(password: &str) -> Vec<u8> {
    password.nfc().collect::<String>().into_bytes()
}

/// What is kept of a password. Takes tens of milliseconds: never on the loop.
///
/// # Errors
/// When there is not enough memory.
#[cfg(feature = "accounts")]
pub fn hash(password: &str, salt: [u8; 16]) -> Result<String, String> {
    use argon2::{Argon2, PasswordHasher};
    let hash = Argon2::default().hash_password_with_salt(&bytes(password), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// Is this the password of which that was kept? Takes tens of milliseconds: never on the loop.
#[cfg(feature = "accounts")]
pub fn matches(hash: &str, password: &str) -> bool {
    use argon2::{Argon2, PasswordVerifier};
    PasswordVerifier::<str>::verify_password(&Argon2::default(), &bytes(password), hash).is_ok()
}

/// How dear a check is: memory in KiB, rounds, lanes.
///
/// # Errors
/// What is wrong with the hash.
#[cfg(feature = "accounts")]
pub(super) fn cost(hash: &str) -> Result<(u32, u32, u32), String> {
    use argon2::password_hash::phc::PasswordHash;
    let wrong = "the hash is not one that `parlor passwd` writes";
    let parsed = PasswordHash::new(hash).map_err(|_| wrong)?;
    let is_whole = parsed.algorithm.as_str() == "argon2id" && parsed.salt.is_some() && parsed.hash.is_some();
    let params = argon2::Params::try_from(&parsed).ok().filter(|_| is_whole).ok_or(wrong)?;
    let cost = (params.m_cost(), params.t_cost(), params.p_cost());
    if cost.0 > DEAREST.0 || cost.1 > DEAREST.1 || cost.2 > DEAREST.2 {
        let (memory, rounds, lanes) = DEAREST;
        return Err(format!("a check may cost at most m={memory},t={rounds},p={lanes}"));
    }
    Ok(cost)
}

/// A hash as dear as others, of no password that anybody knows.
#[cfg(feature = "accounts")]
pub(super) fn dummy((memory, rounds, lanes): (u32, u32, u32)) -> String {
    format!(
        "$argon2id$v=19$m={memory},t={rounds},p={lanes}$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    )
}

/// What a check costs where nothing else is known.
#[cfg(feature = "accounts")]
pub(super) fn usual() -> (u32, u32, u32) {
    (argon2::Params::DEFAULT_M_COST, argon2::Params::DEFAULT_T_COST, argon2::Params::DEFAULT_P_COST)
}

#[cfg(not(feature = "accounts"))]
mod absent {
    const WITHOUT: &str = "this program was built without accounts";

    /// Without accounts nothing can be kept of a password.
    ///
    /// # Errors
    /// Always.
    pub fn hash(_: &str, _: [u8; 16]) -> Result<String, String> {
        Err(WITHOUT.to_owned())
    }

    /// Without accounts no password is right.
    pub fn matches(_: &str, _: &str) -> bool {
        false
    }

    pub(in super::super) fn cost(_: &str) -> Result<(u32, u32, u32), String> {
        Err(WITHOUT.to_owned())
    }

    pub(in super::super) fn dummy(_: (u32, u32, u32)) -> String {
        String::new()
    }

    pub(in super::super) fn usual() -> (u32, u32, u32) {
        (0, 0, 0)
    }
}

#[cfg(not(feature = "accounts"))]
pub(super) use absent::{cost, dummy, usual};
#[cfg(not(feature = "accounts"))]
pub use absent::{hash, matches};
