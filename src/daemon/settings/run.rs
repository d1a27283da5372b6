//! What can be chosen about the command service, beside what it offers.

use super::values::whole;
use crate::services::run;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct RunArgs {
    /// Commands of one owner (an account, or a user of this machine on a Unix socket) that may run at once
    #[arg(long, value_name = "N", default_value_t = run::Settings::EACH, value_parser = whole::<usize>)]
    pub(super) limit_commands_each: usize,
}

impl RunArgs {
    pub(super) fn contradictions(&self, found: &mut Vec<(&'static str, String)>) {
        if self.limit_commands_each == 0 {
            found.push(("limit-commands-each", "nobody could run anything: expected at least 1".to_owned()));
        }
    }
}
