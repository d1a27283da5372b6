//! `parlor files`: what a server has; removing of it; how much one may have.

use std::process::ExitCode;

use super::Failure;
use super::errand::{self, ErrandArgs};
use crate::client::address::ServerAddress;
use crate::client::files::{Ask, List};

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
    errand: ErrandArgs,
}

fn file_name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && !text.contains(['/', ' ', '\n', '\r']);
    if is_name { Ok(text.to_owned()) } else { Err("that is no name of a file there".to_owned()) }
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let mut questions: Vec<String> = args.removed.iter().map(|name| format!("remove {name}")).collect();
    if args.quota {
        questions.push("quota".to_owned());
    }
    if questions.is_empty() {
        errand::carry_out(args.address, &args.errand, List::default())
    } else {
        errand::carry_out(args.address, &args.errand, Ask::new(questions))
    }
}
