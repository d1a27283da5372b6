//! Processes that are left to us. Where the server is the first process of its PID namespace, as in a container, whatever
//! outlives the command that has begun it becomes its child, and would stay as a zombie when it ends.
//!
//! While any are there they are looked for once in a while, and otherwise after each command.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, waitpid};

use super::{Errand, Run};
use crate::hub::{Cx, Lane, Moment};

/// How long after the end of a command: what was killed with it takes a moment to die.
const SOON: Duration = Duration::from_secs(1);

/// How often as long as some live.
const OFTEN: Duration = Duration::from_secs(10);

/// When they are looked for.
#[derive(Debug)]
pub(super) struct Orphans {
    /// Nobody's children become ours otherwise.
    pub(super) is_first: bool,
    pub(super) due: Moment,
}

impl Default for Orphans {
    fn default() -> Self {
        Self { is_first: false, due: Moment::NEVER }
    }
}

impl Run {
    /// A command is over.
    pub(super) fn expect_orphans(&mut self, cx: &Cx<'_>) {
        if self.orphans.is_first {
            self.orphans.due = self.orphans.due.min(cx.now() + SOON);
        }
    }

    /// Has a helper see whose parent we are.
    pub(super) fn look_for_orphans(&mut self, cx: &mut Cx<'_>) {
        self.orphans.due = Moment::NEVER;
        match cx.job(Lane::Any, children) {
            Ok(job) => drop(self.jobs.insert(job, Errand::Orphans)),
            Err(_) => self.orphans.due = cx.now() + SOON,
        }
    }

    /// These were our children a moment ago.
    pub(super) fn reap_orphans(&mut self, cx: &Cx<'_>, children: &[Pid]) {
        if self.jobs.values().any(|errand| matches!(errand, Errand::Start(_))) {
            // One of them may be a command of which we have not heard yet.
            self.orphans.due = cx.now() + SOON;
            return;
        }
        let commands: Vec<Pid> =
            self.tasks.values().filter_map(|task| task.process.as_ref()).map(super::child::Process::pid).collect();
        let orphans = children.iter().filter(|child| !commands.contains(child));
        // Zombies are gone now; of the others nothing is told.
        let live = orphans.filter(|&&orphan| matches!(waitpid(Some(orphan), WaitOptions::NOHANG), Ok(None))).count();
        if live > 0 {
            self.orphans.due = self.orphans.due.min(cx.now() + OFTEN);
        }
    }
}

/// All whose parent we are, as the system tells; nobody if it does not.
fn children() -> Vec<Pid> {
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    let own = std::process::id().to_string();
    let numbers = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_ours = |number: &i32| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        // Behind the name, which may hold anything: the state, then the parent.
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)).is_some_and(|parent| parent == own)
    };
    numbers.filter(is_ours).filter_map(Pid::from_raw).collect()
}
