//! `parlor passwd`, as the contract has it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::inn::passwd;

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("accounts")
    }

    fn run(&self, args: &[&str], input: &str) -> (i32, String) {
        let file = self.file();
        let output = passwd(&[&[file.to_str().unwrap()], args].concat(), input);
        assert!(output.stdout.is_empty(), "{output:?}");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    fn succeeds(&self, args: &[&str], input: &str) {
        assert_eq!(self.run(args, input), (0, String::new()));
    }

    fn fails(&self, args: &[&str], input: &str, code: i32, why: &str) {
        let before = fs::read(self.file()).ok();
        let (got, said) = self.run(args, input);
        assert!(got == code && said.contains(why), "{got}: {said}");
        assert_eq!(fs::read(self.file()).ok(), before, "a failure changes nothing");
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn entries(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn an_account_is_added_changed_and_removed_and_the_rest_stays_as_it_was() {
    let desk = Desk::new();
    desk.succeeds(&["alice"], "one\n");
    assert_eq!(mode(&desk.file()), 0o600);
    assert_eq!(desk.entries(), ["accounts"]);
    let first = desk.text();
    assert!(first.starts_with("alice:user:$argon2id$v=19$") && first.lines().count() == 1, "{first}");
    fs::write(desk.file(), format!("# ours\n\n{first}")).unwrap();
    fs::set_permissions(desk.file(), fs::Permissions::from_mode(0o644)).unwrap();
    desk.succeeds(&["bob", "--role", "operator"], "two\n");
    assert_eq!(mode(&desk.file()), 0o600, "also where it was another");
    let both = desk.text();
    assert!(both.starts_with(&format!("# ours\n\n{first}bob:operator:$argon2id$")), "{both}");
    desk.succeeds(&["ALICE"], "three\n");
    let changed = desk.text();
    assert!(changed.starts_with("# ours\n\nALICE:user:$argon2id$") && !changed.contains(first.trim()), "{changed}");
    desk.succeeds(&["alice", "--delete"], "");
    assert_eq!(desk.text(), both.replace(&first, ""));
}

#[test]
fn a_role_is_changed_without_a_password() {
    let desk = Desk::new();
    desk.succeeds(&["alice"], "one\n");
    let before = desk.text();
    desk.succeeds(&["alice", "--role", "operator"], "");
    assert_eq!(desk.text(), before.replace(":user:", ":operator:"));
}

#[test]
fn what_can_be_no_account_is_refused_and_changes_nothing() {
    let desk = Desk::new();
    desk.fails(&["alice"], "", 1, "standard input holds no password");
    assert!(desk.entries().is_empty(), "no file is left behind");
    desk.succeeds(&["coco"], "one\n");
    desk.fails(&["\u{441}\u{43e}\u{441}\u{43e}"], "one\n", 1, "looks like, coco");
    desk.fails(&["carol", "--delete"], "", 1, "there is no account carol");
    desk.fails(&["carol"], " \n", 1, "it is empty");
    desk.fails(&["carol"], "\n", 1, "it is empty");
    desk.fails(&["carol"], &format!("{}\n", "x".repeat(513)), 1, "it is longer");
    desk.fails(&["carol"], "a\u{1b}b\n", 1, "a control character");
    desk.fails(&["a b"], "one\n", 2, "names have letters");
    desk.fails(&["carol", "--role", "king"], "one\n", 2, "expected user or operator");
    desk.fails(&["coco", "--delete", "--role", "user"], "", 2, "cannot be used with");
}

/// Two fingerprints, as people have them and as they stand in the file.
const ONE: [&str; 2] = [
    "sha256 Fingerprint=AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89",
    "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789",
];
const TWO: &str = "2222222222222222222222222222222222222222222222222222222222222222";

#[test]
fn certificates_are_added_to_an_account_and_struck_out() {
    let desk = Desk::new();
    desk.succeeds(&["alice"], "one\n");
    let before = desk.text().trim().to_owned();
    desk.succeeds(&["alice", "--certificate", ONE[0]], "");
    assert_eq!(desk.text(), format!("{before}:{}\n", ONE[1]), "the password stays");
    desk.succeeds(&["alice", "--certificate", ONE[1], "--certificate", TWO, "--role", "operator"], "");
    let operator = before.replace(":user:", ":operator:");
    assert_eq!(desk.text(), format!("{operator}:{},{TWO}\n", ONE[1]));
    desk.fails(&["bob", "--certificate", TWO], "", 1, &format!("the certificate {TWO} stands with alice already"));
    desk.succeeds(&["alice", "--without-certificate", ONE[0]], "");
    desk.fails(&["alice", "--without-certificate", ONE[0]], "", 1, &format!("alice has no certificate {}", ONE[1]));
    // What one does not say stays: also when the password is another.
    desk.succeeds(&["alice"], "two\n");
    assert!(desk.text().ends_with(&format!(":{TWO}\n")) && !desk.text().contains(&operator), "{}", desk.text());
    desk.succeeds(&["alice", "--without-password"], "");
    assert_eq!(desk.text(), format!("alice:operator:*:{TWO}\n"));
    desk.succeeds(&["alice", "--without-certificate", TWO], "");
    assert_eq!(desk.text(), "alice:operator:*\n", "a name that is kept, and nobody's");
    // A new one needs no password.
    desk.succeeds(&["bob", "--certificate", TWO], "");
    assert!(desk.text().ends_with(&format!("\nbob:user:*:{TWO}\n")), "{}", desk.text());
    desk.fails(&["carol", "--without-password"], "", 1, "a new one needs a password or a certificate");
    desk.fails(&["bob", "--certificate", "/nowhere/bob.pem"], "", 2, "/nowhere/bob.pem: No such file");
    desk.fails(&["bob", "--certificate", "md5 Fingerprint=00"], "", 2, "No such file");
    fs::write(desk.file(), "alice:user:*:abc\n").unwrap();
    desk.fails(&["bob"], "one\n", 1, "line 1: the certificates: expected fingerprints of 64 digits");
    let many: Vec<String> = (0..17).map(|number| format!("{number:064x}")).collect();
    fs::write(desk.file(), format!("alice:user:*:{}\n", many.join(","))).unwrap();
    desk.fails(&["bob"], "one\n", 1, "line 1: an account has at most 16 certificates");
}

#[test]
fn a_damaged_file_is_not_touched_and_the_line_is_named() {
    let desk = Desk::new();
    fs::write(desk.file(), "# one\nalice:user\n").unwrap();
    desk.fails(&["bob"], "one\n", 1, "line 2: expected NAME:ROLE:HASH");
    fs::write(desk.file(), "alice:user:plain text\n").unwrap();
    desk.fails(&["bob"], "one\n", 1, "line 1: the hash is not one that `parlor passwd` writes");
    let dear = "alice:user:$argon2id$v=19$m=9999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    fs::write(desk.file(), dear).unwrap();
    desk.fails(&["bob"], "one\n", 1, "a check may cost at most");
}

#[test]
fn ten_at_once_lose_nobody() {
    let desk = Desk::new();
    std::thread::scope(|scope| {
        for number in 0..10 {
            let desk = &desk;
            scope.spawn(move || desk.succeeds(&[&format!("user{}", number + 2)], "one\n"));
        }
    });
    assert_eq!(desk.text().lines().count(), 10);
    assert_eq!(desk.entries(), ["accounts"]);
}

#[test]
fn a_link_leads_to_the_file_that_is_changed() {
    let desk = Desk::new();
    let elsewhere = desk.folder.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    std::os::unix::fs::symlink(&elsewhere, desk.file()).unwrap();
    desk.succeeds(&["alice"], "one\n");
    assert!(fs::read_to_string(elsewhere).unwrap().starts_with("alice:user:"));
    assert!(desk.file().is_symlink());
}

mod terminal {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, tcgetattr};

    use super::Desk;
    use crate::support::until;

    /// Runs `parlor passwd` on a terminal, types answers to its prompts, and answers its exit code and what was shown.
    fn on_terminal(desk: &Desk, typed: &[&str]) -> (i32, String) {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let name = ptsname(&near, Vec::new()).unwrap().into_string().unwrap();
        let far = File::options().read(true).write(true).open(name).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command.arg("passwd").arg(desk.file()).arg("alice").stdout(Stdio::null());
        command.stdin(far.try_clone().unwrap()).stderr(far.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        // It holds the terminal too, and the last to let go of it ends our reading.
        drop(command);
        let is_shown = || tcgetattr(&far).unwrap().local_modes.contains(LocalModes::ECHO);
        let mut near = File::from(near);
        let mut shown = String::new();
        for line in typed {
            let mut bytes = [0; 1024];
            while !shown.ends_with(": ") {
                let count = near.read(&mut bytes).unwrap();
                shown.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            }
            // Typed at once, the first would still be shown by the terminal itself.
            until("a terminal that shows nothing", || !is_shown());
            near.write_all(line.as_bytes()).unwrap();
            shown.push('|');
        }
        let mut code = None;
        until("the end of parlor passwd", || {
            code = child.try_wait().unwrap();
            code.is_some()
        });
        assert!(is_shown(), "the terminal was given back as it was");
        drop(far);
        let mut rest = Vec::new();
        // A terminal whose other side is closed ends with an error instead of a 0.
        let _ = near.read_to_end(&mut rest);
        (code.unwrap().code().unwrap(), shown + &String::from_utf8(rest).unwrap())
    }

    #[test]
    fn on_a_terminal_it_asks_twice_and_shows_nothing() {
        let desk = Desk::new();
        let (code, shown) = on_terminal(&desk, &["wrong\u{15}secrét\u{7f}\u{7f}et\n", "secret\n"]);
        assert_eq!((code, shown.as_str()), (0, "password for alice: |\r\nonce more: |\r\n"));
        assert!(desk.text().starts_with("alice:user:"));
    }

    #[test]
    fn two_that_differ_and_a_change_of_mind_change_nothing() {
        let desk = Desk::new();
        let (code, shown) = on_terminal(&desk, &["one\n", "two\n"]);
        assert!(code == 1 && shown.contains("two different passwords"), "{code}: {shown}");
        let (code, shown) = on_terminal(&desk, &["on\u{3}"]);
        assert!(code == 1 && shown.contains("nothing was changed"), "{code}: {shown}");
        assert!(!desk.file().exists());
    }
}
