//! A chat whose people have accounts.

use std::fs;
use std::path::PathBuf;

use crate::people::{Chat, Person};
pub(crate) use crate::support::accounts::{accounts, passwd};
use crate::support::client::Wire;
use tempfile::TempDir;

/// A server with the accounts alice, bob and oscar, who is an operator.
pub(crate) struct Inn {
    pub(crate) chat: Chat,
    pub(crate) file: PathBuf,
    folder: TempDir,
}

impl Inn {
    pub(crate) fn new(flags: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("accounts");
        fs::write(&file, accounts()).unwrap();
        let path = file.to_str().unwrap().to_owned();
        let flags = [&["--flood", "off", "--accounts", &path], flags].concat();
        Self { chat: Chat::with(&flags), file, folder }
    }

    /// Where everybody has to log in.
    pub(crate) fn strict(flags: &[&str]) -> Self {
        Self::new(&[&["--require-login"], flags].concat())
    }

    /// Somebody who came as a guest and logged in.
    pub(crate) fn user(&self, name: &str) -> Person {
        let mut person = self.chat.guest();
        person.says(&format!("/login {name} {name}'s password"));
        let answer = person.hears();
        assert!(answer.starts_with(&format!("- you are {name}")), "{answer}");
        person
    }

    /// Somebody who has not logged in where one has to.
    pub(crate) fn stranger(&self) -> Person {
        let mut person = self.chat.stranger(Wire::Lines);
        person.hear("- parlor chat: who are you? /login NAME PASSWORD; /help");
        person
    }

    /// Somebody who came where one has to log in, and did.
    pub(crate) fn member(&self, name: &str) -> Person {
        let mut person = self.stranger();
        person.says(&format!("/login {name} {name}'s password"));
        let answer = person.hears();
        assert!(answer.starts_with(&format!("- you are {name}")), "{answer}");
        person
    }

    /// Has the accounts read again, and waits until that was done.
    pub(crate) fn reload(&self, accounts: &str, log: &str) -> String {
        fs::write(&self.file, accounts).unwrap();
        let seen = self.chat.server.log.len();
        self.chat.server.signal(rustix::process::Signal::HUP);
        self.chat.server.log.wait_from(seen, log, |line| line.contains(log))
    }

    pub(crate) fn stopped_and_started_again(self) -> Self {
        let Self { chat, file, folder } = self;
        Self { chat: chat.stopped_and_started_again(|_| ()), file, folder }
    }
}
