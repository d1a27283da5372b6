//! Services that need more than a listener: a folder, a list of commands.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::server::{Config, StartError, failed};
use super::settings;
use crate::services::Handover;
use crate::services::files::{self, Files, Folder, RealDisk};
use crate::services::run::{Offer, Offers, Run, Template};

/// The file service over its folder.
pub(super) fn files(config: &Config, changed: &Handover<files::Settings>) -> Result<Files, StartError> {
    let path = config.files.as_ref().ok_or_else(|| io::Error::other("no folder is known; name one with --files"));
    let opened = path.and_then(|path| {
        let folder = Folder::open(path, Arc::new(RealDisk));
        folder.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    });
    Ok(Files::new(opened.map_err(failed("cannot keep files"))?, config.file_limits).settings_from(changed))
}

/// The command service with what it offers.
pub(super) fn run(config: &Config, changed: &Handover<Offers>) -> Result<Run, StartError> {
    let offers = offers(&config.offers).map_err(|why| failed("cannot offer commands")(io::Error::other(why)))?;
    Ok(Run::new(offers, config.wire.silence).offers_from(changed))
}

/// What is offered, as the service has it.
///
/// # Errors
/// A command line that is none; whoever read the settings has looked already.
pub(super) fn offers(said: &BTreeMap<String, settings::Offer>) -> Result<Offers, String> {
    let offer = |(name, offer): (&String, &settings::Offer)| {
        let argv = Template::parse(&offer.argv).map_err(|why| format!("run.{name}: {why}"))?;
        let time = offer.time.map_or(Offer::TIME, |time| time.0);
        let output = offer.output.map_or(Offer::OUTPUT, |output| output.0);
        Ok((name.clone(), Offer { argv, time, output }))
    };
    said.iter().map(offer).collect()
}
