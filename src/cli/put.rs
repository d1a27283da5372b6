//! `parlor put`: a file to a server.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use super::errand::{self, ErrandArgs};
use crate::client::address::ServerAddress;
use crate::client::files::Put;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file
    file: PathBuf,
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH [default: 127.0.0.1:8889]
    address: Option<ServerAddress>,
    /// The name that it is to have there [default: its own]
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    errand: ErrandArgs,
}

pub(super) fn run(args: Args) -> Result<ExitCode, Failure> {
    let own = args.file.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let name = args.name.or(own).ok_or("that is no name of a file; --as NAME gives another")?;
    if name.contains([' ', '\n', '\r']) {
        return Err(format!("{name:?} has blanks, which names there have not; --as NAME gives another").into());
    }
    errand::carry_out(args.address, &args.errand, Put::new(args.file, name))
}
