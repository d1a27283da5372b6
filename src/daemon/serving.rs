//! Services that need more than a listener: a folder, a list of commands.

use std::collections::BTreeMap;
use std::io;
use std::process;
use std::sync::Arc;

use super::server::{Config, StartError, failed};
use super::settings;
use crate::services::Handover;
use crate::services::accounts::Desk;
use crate::services::chat::{Alphabet, Name};
use crate::services::files::{self, Files, Folder, RealDisk};
use crate::services::run::{self, Callers, Offer, Offers, Run, Template};

/// The file service over its folder.
pub(super) fn files(config: &Config, desk: Desk, changed: &Handover<files::Settings>) -> Result<Files, StartError> {
    let path = config.files.as_ref().ok_or_else(|| io::Error::other("no folder is known; name one with --files"));
    let opened = path.and_then(|path| {
        let folder = Folder::open(path, Arc::new(RealDisk));
        folder.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    });
    let folder = opened.map_err(failed("cannot keep files"))?;
    Ok(Files::new(folder, config.file_limits, desk).settings_from(changed))
}

/// The command service with what it offers.
pub(super) fn run(config: &Config, desk: Desk, changed: &Handover<run::Settings>) -> Result<Run, StartError> {
    let settings = run_settings(config).map_err(|why| failed("cannot offer commands")(io::Error::other(why)))?;
    let run = Run::new(settings, config.wire.silence, desk).settings_from(changed);
    Ok(if process::id() == 1 { run.as_first_process() } else { run })
}

/// What was chosen about the command service.
///
/// # Errors
/// A command line that is none, or a name that nobody can have.
pub(super) fn run_settings(config: &Config) -> Result<run::Settings, String> {
    Ok(run::Settings { offers: offers(&config.offers)?, each: config.commands_each })
}

/// What is offered, as the service has it.
fn offers(said: &BTreeMap<String, settings::Offer>) -> Result<Offers, String> {
    let offer = |(name, offer): (&String, &settings::Offer)| {
        let refused = |why: String| format!("run.{name}: {why}");
        let argv = Template::parse(&offer.argv).map_err(refused)?;
        let time = offer.time.map_or(Offer::TIME, |time| time.0);
        let output = offer.output.map_or(Offer::OUTPUT, |output| output.0);
        let account = |name: &String| Name::new(name, Alphabet::OneScript).map_err(|complaint| refused(complaint.text));
        let callers =
            Callers { accounts: offer.accounts.iter().map(account).collect::<Result<_, _>>()?, role: offer.role };
        Ok((name.clone(), Offer { argv, time, output, callers }))
    };
    said.iter().map(offer).collect()
}
