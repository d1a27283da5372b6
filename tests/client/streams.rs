//! Standard input, output and error that are closed, full, or no streams at all.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::people::Chat;
use crate::program::Nobody;

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

#[test]
fn the_exit_code_is_the_same_when_nobody_hears_why() {
    let nobody = Nobody::there();
    let address = nobody.address();
    let commands: [(&[&str], i32); 3] =
        [(&["chat", &address, "--send", "x"], 1), (&["files", &address], 3), (&["history", "--data", "/dev/null"], 1)];
    for (args, code) in commands {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        let status = command.args(args).stdin(Stdio::null()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}");
    }
}

#[test]
fn a_file_that_may_not_grow_is_a_failure_that_is_told_and_no_sudden_end() {
    let chat = Chat::new();
    let folder = tempfile::TempDir::new().unwrap();
    let mut speaker = chat.guest();
    speaker.says(&"x".repeat(2000));
    speaker.fence();
    let script = "ulimit -f 1; exec \"$0\" chat \"$1\" --commands --send '/history lobby 5' > shown";
    let address = chat.server.place(0).to_string();
    let ended = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_parlor"), &address])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "parlor: standard output: file too large\n");
}
