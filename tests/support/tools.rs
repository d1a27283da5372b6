//! Tools that a machine may lack, and what strace writes.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

/// Is a tool here, and may it be used? If not, a test says so and returns; on CI, where tools belong to the machine,
/// it fails.
pub(crate) fn needs(tool: &str) -> bool {
    let (trial, package): (&[&str], _) = match tool {
        "strace" => (&["-o", "/dev/null", "true"], "strace"),
        "prlimit" => (&["--nofile=64:64", "true"], "util-linux"),
        "setsid" => (&["true"], "util-linux"),
        "perl" => (&["-e", "1"], "perl-base"),
        "openssl" => (&["version"], "openssl"),
        "ip" => (&["-V"], "iproute2"),
        other => panic!("how is {other} tried?"),
    };
    let tried = Command::new(tool).args(trial).stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success()) || missing(&format!("{tool} (install the package {package})"))
}

/// Begins a command whose process has a PID namespace of its own, as in a container: it sees nobody who is outside.
pub(crate) const CONTAINED: [&str; 6] =
    ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child=SIGTERM"];

/// May a process here have a network of its own, with cables and switches?
pub(crate) fn may_be_apart() -> bool {
    let trial = "ip link add near type veth peer name far && echo 1 >/proc/sys/net/ipv4/tcp_syncookies";
    may(&["unshare", "--user", "--map-root-user", "--net", "sh", "-c", trial])
}

/// May a process here be in a container?
pub(crate) fn may_be_contained() -> bool {
    may(&[&CONTAINED[..], &["true"]].concat())
}

/// May it see the processes there, and nobody else's?
pub(crate) fn may_be_contained_with_proc() -> bool {
    may(&[&CONTAINED[..], &["--mount-proc", "true"]].concat())
}

/// Does a command succeed that needs a right which no package brings? Where it is forbidden a test is skipped on CI too.
fn may(command: &[&str]) -> bool {
    let tried = Command::new(command[0]).args(&command[1..]).output();
    let may = tried.is_ok_and(|output| output.status.success());
    if !may {
        println!("skipped: this test needs a namespace of its own, and this fails: {}", command.join(" "));
    }
    may
}

/// Something that this test needs can't be had here.
pub(crate) fn missing(what: &str) -> bool {
    assert!(std::env::var_os("CI").is_none(), "this test needs {what}");
    println!("skipped: this test needs {what}");
    false
}

/// The file that strace writes to.
#[derive(Debug)]
pub(crate) struct Trace(NamedTempFile);

impl Trace {
    pub(crate) fn new() -> Self {
        Self(NamedTempFile::new().expect("the temporary folder is ours"))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path().to_str().expect("temporary folders have plain names")
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let bytes = fs::read(self.0.path()).expect("it is ours");
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}
