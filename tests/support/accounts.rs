//! Accounts for tests: alice and bob, users, and oscar, an operator; each with the password "NAME's password".

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// Runs `parlor passwd` with a line on its standard input.
pub(crate) fn passwd(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
    command.arg("passwd").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end without having read anything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Accounts made once for all tests: hashing is slow on purpose.
pub(crate) fn accounts() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("accounts");
        let file = path.to_str().unwrap();
        for (name, role) in [("alice", "user"), ("bob", "user"), ("oscar", "operator")] {
            let output = passwd(&[file, name, "--role", role], &format!("{name}'s password\n"));
            assert!(output.status.success(), "{output:?}");
        }
        fs::read_to_string(path).unwrap()
    })
}
