//! `parlor files`: what a server has; removing of it; how much one may have.

use std::process::ExitCode;

use super::login::LoginArgs;
use super::trust::TrustArgs;
use super::{Failure, answer, errand};
use crate::client::address::{FILES_PORT, ServerAddress};
use crate::client::files::{Ask, List};
use crate::hub::Cx;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH [default: 127.0.0.1:8889]
    address: Option<ServerAddress>,
    /// Remove this file, instead of listing all; as often as wanted. Owners remove what is theirs, operators anything
    #[arg(long = "remove", value_name = "NAME", value_parser = file_name)]
    removed: Vec<String>,
    /// Show how many bytes we have there and may have, instead of listing all
    #[arg(long, conflicts_with = "removed")]
    quota: bool,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

fn file_name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && !text.contains(['/', ' ', '\n', '\r']);
    if is_name { Ok(text.to_owned()) } else { Err("that is no name of a file there".to_owned()) }
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let address = args.address.unwrap_or_else(ServerAddress::here).with_port(FILES_PORT);
    let (outgoing, login) = (args.trust.outgoing(&address)?, args.login.login()?);
    let mut questions: Vec<String> = args.removed.iter().map(|name| format!("remove {name}")).collect();
    if args.quota {
        questions.push("quota".to_owned());
    }
    if questions.is_empty() {
        let list = List::new(address, login);
        let begin = |list: &mut List, cx: &mut Cx<'_>| {
            list.begin(cx);
            Ok(())
        };
        return match errand::carry_out(&outgoing, list, begin, |list| list.outcome.clone())? {
            Ok(lines) => {
                answer(&lines.concat())?;
                Ok(ExitCode::SUCCESS)
            }
            Err(failure) => Ok(errand::failed(&failure)),
        };
    }
    let begin = |ask: &mut Ask, cx: &mut Cx<'_>| {
        ask.begin(cx);
        Ok(())
    };
    let asked = Ask::new(address, login, questions);
    let outcome = |ask: &Ask| match ask.outcome.clone()? {
        Err(failure) if ask.answers.is_empty() => Some(Err(failure)),
        // What was done before one was refused is told too.
        outcome => Some(Ok((ask.answers.clone(), outcome.err()))),
    };
    match errand::carry_out(&outgoing, asked, begin, outcome)? {
        Ok((answers, failure)) => {
            answer(&answers.iter().map(|line| told(line) + "\n").collect::<String>())?;
            Ok(failure.map_or(ExitCode::SUCCESS, |failure| errand::failed(&failure)))
        }
        Err(failure) => Ok(errand::failed(&failure)),
    }
}

/// An answer, as people read it.
fn told(line: &str) -> String {
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["quota", used, most] => format!("{used} of {most} bytes"),
        _ => line.to_owned(),
    }
}
