//! `parlor get`: a file from a server.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use super::errand::{self, ErrandArgs};
use crate::client::address::ServerAddress;
use crate::client::files::Get;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its name there
    name: String,
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH [default: 127.0.0.1:8889]
    address: Option<ServerAddress>,
    /// Where to put it [default: its name, in this folder]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Put it in the place of a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    errand: ErrandArgs,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    if args.name.is_empty() || args.name.contains(['/', ' ', '\n', '\r']) || args.name.starts_with('.') {
        return Err(format!("{:?} is no name of a file there", args.name).into());
    }
    let path = args.output.unwrap_or_else(|| PathBuf::from(&args.name));
    errand::carry_out(args.address, &args.errand, Get::new(args.name, path, args.force))
}
