//! What callers ask for.

use super::command::{Command, HELP, parse};
use super::task::Task;
use super::{Errand, Offer, Run, child};
use crate::hub::{ConnId, Cx, Hold, Lane};
use crate::services::line::{Wrong, say};

/// Commands that may run at once; each is four descriptors and a process.
pub(super) const MAX_TASKS: usize = 16;

impl Run {
    pub(super) fn command(&mut self, cx: &mut Cx<'_>, id: ConnId, line: &str) -> Result<(), Wrong> {
        if let Some(done) = self.desk.hears(cx, id, line) {
            return done;
        }
        match parse(line).map_err(|wrong| self.desk.discreet(id, wrong))? {
            Command::Run(name, arguments) => return self.run(cx, id, name, arguments),
            Command::In(count) => return self.feed(cx, id, count),
            Command::Eof => self.end_input(cx, id),
            Command::Kill => self.with_task(id, |task| task.kill()),
            Command::List => self.list(cx, id),
            Command::Help => {
                for line in HELP {
                    say(cx, id, line);
                }
                say(cx, id, "end help");
            }
            Command::Quit => {
                say(cx, id, "goodbye");
                cx.close(id);
            }
        }
        Ok(())
    }

    /// What is offered to whoever asks.
    fn list(&self, cx: &mut Cx<'_>, id: ConnId) {
        let who = self.desk.account(id);
        for (name, Offer { argv, time, output, callers }) in &self.settings.offers {
            if callers.admit(who.as_ref()).is_ok() {
                let seconds = time.as_secs_f64();
                say(cx, id, &format!("command {name}{argv}: at most {seconds} s and {output} bytes"));
            }
        }
        say(cx, id, "end list");
    }

    fn run(&mut self, cx: &mut Cx<'_>, id: ConnId, name: &str, arguments: &str) -> Result<(), Wrong> {
        let offer = self.settings.offers.get(name);
        let offer = offer.ok_or_else(|| Wrong::new("no-such-command", "this is not offered; list shows what is"))?;
        let who = self.desk.account(id);
        offer.callers.admit(who.as_ref())?;
        let argv = offer.argv.fill(name, arguments)?;
        let (owner, each) = (self.desk.owner(cx, id), self.settings.each);
        let own = self.tasks.values().filter(|task| task.owner == owner).count();
        let busy = |text: &str| Err(Wrong::new("busy", text));
        match self.callers.get(&id) {
            Some(caller) if caller.task.is_some() => return busy("one command at a time; this one runs still"),
            Some(_) if own >= each => {
                let whose = owner.whose();
                return busy(&format!(
                    "{own} commands of {whose} run, and {each} at once is the most; wait for one of them"
                ));
            }
            Some(_) if self.tasks.len() == MAX_TASKS => return busy("so many commands run that no more are started"),
            Some(_) => {}
            None => return Ok(()),
        }
        let Ok(job) = cx.job(Lane::Any, move || child::start(&argv)) else {
            return busy("the server has too much to do; try again later");
        };
        log::info!("run: {} runs {name}", self.desk.describe(cx, id));
        self.started += 1;
        let task = Task::new(id, owner, name, offer);
        self.tasks.insert(self.started, task);
        self.jobs.insert(job, Errand::Start(self.started));
        if let Some(caller) = self.callers.get_mut(&id) {
            caller.task = Some(self.started);
        }
        cx.hold(id, Hold::JOB);
        Ok(())
    }

    /// So many bytes for a command come.
    fn feed(&mut self, cx: &mut Cx<'_>, id: ConnId, count: u64) -> Result<(), Wrong> {
        let Some(caller) = self.callers.get_mut(&id) else { return Ok(()) };
        let task = caller.task.and_then(|task| self.tasks.get_mut(&task));
        let taken = task.map(|task| task.announce(count));
        caller.feeds = taken == Some(Ok(()));
        cx.set_raw(id, count);
        match taken {
            Some(Err(credit)) => {
                Err(Wrong::new("too-much-input", format!("{credit} bytes may be sent now; nothing of these was used")))
            }
            _ => Ok(()),
        }
    }
}
