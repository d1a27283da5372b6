//! Commands: what the operator offers, run without a shell, watched on the same poll as everything else.
//!
//! A command is four connections that this service opens: its three pipes, and one that ends when the process does.
//! Whoever called it hears both outputs as they come; what they do not read is not read from the pipes either. When
//! they go, or time is up, the whole group is killed. `task.rs` has one command's life.
//!
//! Who comes over a Unix socket is known to the system; whoever comes otherwise has to log in before anything else.

mod asked;
mod child;
mod command;
mod offer;
mod orphans;
mod running;
mod task;
mod template;

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::Pid;

use self::child::Started;
use self::orphans::Orphans;
use self::task::{Task, Wire};
use super::Handover;
use super::accounts::{Coming, Desk};
use super::line::{answer, obey, say};
use crate::hub::{Address, ConnId, Cx, Done, JobId, Moment, News, Reason, Service};

pub use self::offer::{Callers, Offer, Offers, Settings};
pub use self::template::Template;

/// Who is connected.
#[derive(Debug, Default)]
struct Caller {
    /// What runs for them.
    task: Option<u64>,
    /// What comes raw belongs to its input; otherwise to nobody's.
    feeds: bool,
    /// They will say nothing more.
    input_over: bool,
}

/// What a job is for.
#[derive(Debug)]
enum Errand {
    Start(u64),
    Reap(u64),
    Orphans,
}

/// The command service.
#[derive(Debug)]
pub struct Run {
    settings: Settings,
    changed: Handover<Settings>,
    desk: Desk,
    /// The longest silence of somebody for whom nothing runs.
    silence: Duration,
    callers: BTreeMap<ConnId, Caller>,
    tasks: BTreeMap<u64, Task>,
    started: u64,
    /// Which connection is what of which command.
    wires: BTreeMap<ConnId, (u64, Wire)>,
    jobs: BTreeMap<JobId, Errand>,
    /// Commands whose processes no helper could wait for yet.
    unreaped: Vec<u64>,
    /// When a helper is asked for again.
    again: Moment,
    orphans: Orphans,
}

impl Run {
    /// A service for whom the desk lets in.
    #[must_use]
    pub fn new(settings: Settings, silence: Duration, desk: Desk) -> Self {
        Self {
            settings,
            changed: Handover::default(),
            desk,
            silence,
            callers: BTreeMap::new(),
            tasks: BTreeMap::new(),
            started: 0,
            wires: BTreeMap::new(),
            jobs: BTreeMap::new(),
            unreaped: Vec::new(),
            again: Moment::NEVER,
            orphans: Orphans::default(),
        }
    }

    /// Others may be put there while it runs. What runs already goes on as it began.
    #[must_use]
    pub fn settings_from(mut self, changed: &Handover<Settings>) -> Self {
        self.changed = changed.clone();
        self
    }

    /// The process is the first of its PID namespace, and has no children that are not this service's or orphans.
    #[must_use]
    pub fn as_first_process(mut self) -> Self {
        self.orphans.is_first = true;
        self
    }

    fn set_alarm(&self, cx: &mut Cx<'_>) {
        cx.set_alarm(self.again.min(self.orphans.due).min(self.desk.due()));
    }
}

impl Service for Run {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.wires.contains_key(&id) {
            return;
        }
        // The kernel says who is at the other end of a Unix socket.
        let must = !cx.about(id).is_some_and(|about| matches!(about.peer, Address::Unix(_)));
        match self.desk.comes(cx, id, must) {
            Coming::Refused => return,
            Coming::Strange => say(cx, id, "parlor run: who are you? login NAME PASSWORD; help"),
            Coming::Freely => say(cx, id, "parlor run: list, run COMMAND ARGUMENT..., help"),
        }
        self.callers.insert(id, Caller::default());
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        obey(cx, id, frame, |cx, line| self.command(cx, id, line));
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        if let Some(&(number, wire)) = self.wires.get(&id) {
            if let Some(task) = self.tasks.get_mut(&number) {
                task.said(cx, wire, bytes);
            }
        } else if self.callers.get(&id).is_some_and(|caller| caller.feeds) {
            self.with_task(id, |task| task.feed(cx, bytes));
        }
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if let Some(&(number, wire)) = self.wires.get(&id) {
            if wire == Wire::Exit {
                self.exited(cx, number);
            }
            cx.close(id);
            return;
        }
        let Some(caller) = self.callers.get_mut(&id) else { return };
        caller.input_over = true;
        match caller.task {
            None => cx.close(id),
            Some(number) => {
                self.end_input(cx, id);
                say(cx, id, "running");
                self.look_later(cx, id, number);
            }
        }
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        match self.wires.get(&id) {
            Some(&(number, Wire::In)) => {
                if let Some(task) = self.tasks.get_mut(&number) {
                    task.allow(cx);
                }
            }
            Some(_) => {}
            None => {
                self.desk.drained(cx, id);
                self.with_task(id, |task| task.listen(cx));
            }
        }
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.desk.timer(cx, id) {
            return;
        }
        let Some(number) = self.callers.get(&id).and_then(|caller| caller.task) else { return };
        let Some(task) = self.tasks.get_mut(&number) else { return };
        if task.due <= cx.now() {
            task.is_due(cx);
        } else {
            say(cx, id, "running");
        }
        self.look_later(cx, id, number);
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        if self.again <= cx.now() {
            self.again = Moment::NEVER;
            for number in std::mem::take(&mut self.unreaped) {
                self.reap_elsewhere(cx, number);
            }
        }
        if self.orphans.due <= cx.now() {
            self.look_for_orphans(cx);
        }
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let Err(result) = self.desk.done(cx, job, result) else { return };
        match self.jobs.remove(&job) {
            Some(Errand::Start(number)) => {
                let started = answer::<std::io::Result<Started>>(result);
                let started = started.map_or_else(
                    || Err("a mistake of the server".to_owned()),
                    |started| started.map_err(|error| error.to_string()),
                );
                self.started(cx, number, started);
            }
            Some(Errand::Reap(number)) => {
                self.exited(cx, number);
                self.settle(cx, number);
            }
            Some(Errand::Orphans) => self.reap_orphans(cx, &answer::<Vec<Pid>>(result).unwrap_or_default()),
            None => {}
        }
    }

    fn told(&mut self, _cx: &mut Cx<'_>, news: News) {
        if news == News::Stopping {
            self.tasks.values().for_each(Task::kill);
        }
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        if let Some(settings) = self.changed.take() {
            self.settings = settings;
        }
        self.desk.turn_end(cx, |_| true);
        self.set_alarm(cx);
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, _why: Reason) {
        self.desk.goes(cx, id);
        if let Some((number, wire)) = self.wires.remove(&id) {
            if let Some(task) = self.tasks.get_mut(&number) {
                task.lost(wire);
                if wire == Wire::Exit && task.ended.is_none() {
                    self.reap_elsewhere(cx, number);
                }
                self.settle(cx, number);
            }
        } else if let Some(Caller { task: Some(number), .. }) = self.callers.remove(&id)
            && let Some(task) = self.tasks.get_mut(&number)
        {
            task.left(cx);
            self.settle(cx, number);
        }
    }
}
