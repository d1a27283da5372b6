//! Standard input, output and error that are closed, full, or no streams at all.

use std::fs::File;
use std::process::{Command, Stdio};

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
