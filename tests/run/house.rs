//! A server that offers commands, and somebody on its Unix socket.

use std::fs;

use tempfile::TempDir;

use crate::support::{Client, Server, Start};

pub(crate) struct House {
    pub(crate) server: Server,
    folder: TempDir,
}

impl House {
    /// With the commands of a configuration file.
    pub(crate) fn offering(configuration: &str) -> Self {
        Self::with(configuration, |start| start)
    }

    pub(crate) fn with(configuration: &str, how: impl FnOnce(Start) -> Start) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("parlor.toml");
        fs::write(&file, configuration).unwrap();
        let socket = format!("run=unix:{}", folder.path().join("run.sock").display());
        let start = Start::serve(&["--no-history", "--config", file.to_str().unwrap()]).listen(&socket);
        Self { server: how(start).go(), folder }
    }

    /// Commands that a shell carries out: it is the operator who offers a shell here, with words that nobody chooses.
    pub(crate) fn shell(commands: &[(&str, &str)]) -> Self {
        Self::offering(&commands.iter().map(|(name, script)| offer(name, script)).collect::<String>())
    }

    /// Its configuration is another one once it is read again.
    pub(crate) fn rewrite(&self, configuration: &str) {
        fs::write(self.folder.path().join("parlor.toml"), configuration).unwrap();
    }

    pub(crate) fn caller(&self) -> Caller {
        let mut client = self.server.client(0);
        assert_eq!(client.line(), "- parlor run: list, run COMMAND ARGUMENT..., help");
        Caller { client }
    }
}

/// A command that a shell carries out, as the configuration has it.
pub(crate) fn offer(name: &str, script: &str) -> String {
    format!("[run.{name}]\nargv = [\"/bin/sh\", \"-c\", '''{script}''']\n")
}

pub(crate) struct Caller {
    pub(crate) client: Client,
}

/// What a command came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
    /// Which of them came, in order, neighbours together: `oeo`.
    pub(crate) order: String,
    /// Errors, and how it ended.
    pub(crate) words: Vec<String>,
}

impl Caller {
    pub(crate) fn says(&mut self, line: &str) {
        self.client.send(format!("{line}\n").as_bytes());
    }

    pub(crate) fn asks(&mut self, line: &str) -> String {
        self.says(line);
        self.client.line()
    }

    pub(crate) fn feeds(&mut self, bytes: &[u8]) {
        self.client.send(format!("in {}\n", bytes.len()).as_bytes());
        self.client.send(bytes);
    }

    /// Runs a command, and hears all of it.
    pub(crate) fn runs(&mut self, line: &str) -> Outcome {
        let name = line.split(' ').next().unwrap();
        assert_eq!(self.asks(&format!("run {line}")), format!("- started {name}"));
        self.outcome()
    }

    /// Everything up to the end of what runs.
    pub(crate) fn outcome(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        loop {
            let line = self.client.line();
            let words: Vec<&str> = line.split(' ').collect();
            let (name, count) = match words.as_slice() {
                ["-", name @ ("out" | "err"), count] => (*name, count.parse().unwrap()),
                ["-", "more", _] | ["-", "running"] => continue,
                _ => {
                    let over = line.starts_with("- exit ") || line.starts_with("- killed ");
                    outcome.words.push(line);
                    if over {
                        return outcome;
                    }
                    continue;
                }
            };
            let bytes = self.bytes(count);
            if !outcome.order.ends_with(&name[..1]) {
                outcome.order.push_str(&name[..1]);
            }
            if name == "out" { outcome.out.extend(bytes) } else { outcome.err.extend(bytes) }
        }
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        use std::io::Read;
        let mut bytes = vec![0; count];
        self.client.socket.read_exact(&mut bytes).unwrap();
        bytes
    }
}
