//! Whom a client logs in as.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, stdin};
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;

use super::{Failure, typing};
use crate::client::login::Login;
use crate::services::chat::{Alphabet, Name};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct LoginArgs {
    /// Log in as this account; the password is asked for
    #[arg(long, value_name = "NAME", value_parser = name)]
    login: Option<String>,
    /// The password is the first line of this file
    #[arg(long, value_name = "FILE", requires = "login")]
    password_file: Option<PathBuf>,
}

pub(super) fn name(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('@').unwrap_or(text);
    Name::new(bare, Alphabet::OneScript).map(|name| name.as_str().to_owned()).map_err(|complaint| complaint.text)
}

impl LoginArgs {
    /// Who to log in as, if anybody.
    pub(super) fn login(&self) -> Result<Option<Login>, Failure> {
        let Some(name) = self.login.clone() else { return Ok(None) };
        let password = match &self.password_file {
            Some(path) => first_line(path).map_err(|error| format!("{}: {error}", path.display()))?,
            None if stdin().is_terminal() => {
                typing::asked_for(&format!("password for {name}: "))?.ok_or("without a password nobody logs in")?
            }
            None => {
                let why = "where standard input is no terminal, --login needs --password-file";
                super::command().error(ErrorKind::MissingRequiredArgument, why).exit()
            }
        };
        Ok(Some(Login { name, password }))
    }
}

fn first_line(path: &Path) -> io::Result<String> {
    let mut line = String::new();
    // As long as a line to a server can be.
    BufReader::new(File::open(path)?.take(8 * 1024)).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}
