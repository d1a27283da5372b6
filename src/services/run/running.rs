//! What runs: begun, looked after, over.

use std::time::Duration;

use super::child::{self, Ended, Process, Started};
use super::task::Task;
use super::{Errand, Run};
use crate::hub::{ConnId, Cx, Hold, Lane, Moment};
use crate::services::line::{Wrong, say};

/// How often whoever has ended their input is looked after, for only a write tells whether they still listen.
const LOOK: Duration = Duration::from_secs(1);

/// How soon another helper is asked for when none was to be had.
const AGAIN: Duration = Duration::from_millis(100);

impl Run {
    pub(super) fn end_input(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.with_task(id, |task| task.end_input(cx));
    }

    pub(super) fn with_task(&mut self, id: ConnId, act: impl FnOnce(&mut Task)) {
        let task = self.callers.get(&id).and_then(|caller| caller.task);
        if let Some(task) = task.and_then(|task| self.tasks.get_mut(&task)) {
            act(task);
        }
    }

    /// A helper has started a command, or could not.
    pub(super) fn started(&mut self, cx: &mut Cx<'_>, number: u64, started: Result<Started, String>) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        let caller = task.caller;
        match started {
            Err(error) => {
                self.tasks.remove(&number);
                if let Some(id) = caller {
                    let wrong = Wrong::new("cannot-start", format!("the system refused to start it: {error}"));
                    let _ = cx.send(id, wrong.to_string().as_bytes());
                    self.free(cx, id);
                }
            }
            Ok(started) => {
                for (id, wire) in task.begin(cx, started) {
                    self.wires.insert(id, (number, wire));
                }
                if let Some(id) = caller {
                    cx.set_silence(id, None);
                    self.look_later(cx, id, number);
                }
            }
        }
        if let Some(id) = caller {
            cx.release(id, Hold::JOB);
        }
    }

    /// Nothing runs for somebody any more.
    pub(super) fn free(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(caller) = self.callers.get_mut(&id) else { return };
        caller.task = None;
        caller.feeds = false;
        cx.set_silence(id, Some(self.silence));
        // What it was to be looked after for is over; the next one is not to hear of it.
        cx.set_timer(id, Moment::NEVER);
        if caller.input_over {
            cx.close(id);
        }
    }

    pub(super) fn look_later(&self, cx: &mut Cx<'_>, id: ConnId, number: u64) {
        let Some(task) = self.tasks.get(&number) else { return };
        let input_over = self.callers.get(&id).is_some_and(|caller| caller.input_over);
        let look = if input_over { task.due.min(cx.now() + LOOK) } else { task.due };
        cx.set_timer(id, look);
    }

    /// Its process has ended, as far as can be told.
    pub(super) fn exited(&mut self, cx: &mut Cx<'_>, number: u64) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        task.exited(cx);
        if let Some(caller) = task.caller {
            self.look_later(cx, caller, number);
        }
    }

    /// Has a command come to its end, with all that it wrote?
    pub(super) fn settle(&mut self, cx: &mut Cx<'_>, number: u64) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        let Some(ended) = task.is_over() else { return };
        let caller = task.caller;
        task.close(cx);
        self.tasks.remove(&number);
        self.expect_orphans(cx);
        if let Some(id) = caller {
            match ended {
                Ended::Exit(code) => say(cx, id, &format!("exit {code}")),
                Ended::Signal(signal) => say(cx, id, &format!("killed {signal}")),
            }
            self.free(cx, id);
        }
    }

    /// Its process must be reaped, and nothing will tell when it ends: a helper waits for it.
    pub(super) fn reap_elsewhere(&mut self, cx: &mut Cx<'_>, number: u64) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        task.kill();
        let Some(pid) = task.process.as_ref().map(Process::pid) else { return };
        if let Ok(job) = cx.job(Lane::Any, move || child::wait_for(pid)) {
            self.jobs.insert(job, Errand::Reap(number));
        } else {
            self.unreaped.push(number);
            self.again = cx.now() + AGAIN;
            self.set_alarm(cx);
        }
    }
}
