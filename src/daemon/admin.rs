//! The admin service: lines for an operator, on a Unix socket. Whoever may open its file may do all this.

use std::rc::Rc;

use log::LevelFilter;

use super::attendance::Present;
use super::exposition::Snapshot;
use super::figures::{Figures, read_short, short};
use super::overseer::Wishes;
use crate::hub::{ConnId, Cx, Done, Framing, Hold, Inspection, JobId, Reason, Service};

/// Connections shown for one `connections`; the rest is counted. A line is at most 200 bytes, and all of them have to
/// fit below what a connection may owe.
const SHOWN: usize = 1000;
/// Questions to the kernel that one turn may ask for: each is a dozen system calls.
const INSPECTED: usize = 64;

/// Whoever asked for something that takes a moment is not heard until it was answered, so answers come in the order of
/// questions, and questions do not pile up.
const ASKED: Hold = Hold::own(0);

/// What there is: the command, what stands behind it, what it does.
const COMMANDS: [(&str, &str, &str); 8] = [
    ("stats", "", "figures of the server"),
    ("connections", "[SERVICE]", "who is connected: number, service, from where, for how long, what waits"),
    ("info", "NUMBER", "what is known of a connection, and what the kernel says of it"),
    ("kick", "NUMBER", "closes a connection"),
    ("log", "[LEVEL]", "what is logged: off, error, warn, info, debug or trace; until a reload changes it"),
    ("reload", "", "reads configuration, accounts and certificates again, as SIGHUP does"),
    ("drain", "", "stops the server as SIGTERM does: says goodbye, flushes, ends"),
    ("quit", "", "leaves"),
];

/// The service.
#[derive(Debug)]
pub(super) struct Admin {
    figures: Rc<Figures>,
    wishes: Rc<Wishes>,
    /// Who wants figures.
    waiting: Vec<ConnId>,
    /// Who asked the kernel about whom.
    inspecting: Vec<(JobId, ConnId, ConnId)>,
}

impl Admin {
    pub(super) fn new(figures: Rc<Figures>, wishes: Rc<Wishes>) -> Self {
        Self { figures, wishes, waiting: Vec::new(), inspecting: Vec::new() }
    }

    /// Tells everybody who asked.
    pub(super) fn show_stats(&mut self, cx: &mut Cx<'_>, snapshot: &Snapshot<'_>) {
        for id in std::mem::take(&mut self.waiting) {
            answer(cx, id, "stats", &snapshot.lines(cx));
            cx.release(id, ASKED);
        }
    }

    fn connections(&self, cx: &mut Cx<'_>, id: ConnId, service: Option<&str>) {
        let present = self.figures.present.borrow();
        let wanted = |present: &Present| service.is_none_or(|service| present.service == service);
        let found: Vec<(ConnId, Present)> = present.iter().filter(|(_, present)| wanted(present)).collect();
        let mut lines: Vec<String> =
            found.iter().take(SHOWN).map(|&(other, present)| line(cx, other, present)).collect();
        if found.len() > SHOWN {
            lines.push(format!("and {} more", found.len() - SHOWN));
        }
        answer(cx, id, "connections", &lines);
    }

    fn info(&mut self, cx: &mut Cx<'_>, id: ConnId, other: ConnId) {
        if self.inspecting.len() >= INSPECTED {
            return complain(cx, id, "busy", "too much is being asked at once; try again");
        }
        match cx.inspect(other) {
            Ok(job) => {
                cx.hold(id, ASKED);
                self.inspecting.push((job, id, other));
            }
            Err(_) => complain(cx, id, "busy", "too much is being asked at once; try again"),
        }
    }

    fn known(&self, cx: &mut Cx<'_>, id: ConnId, word: Option<&str>) -> Option<ConnId> {
        let known = word.and_then(read_short).filter(|other| self.figures.present.borrow().get(*other).is_some());
        if known.is_none() {
            complain(cx, id, "no-such-connection", "name one by its number, as connections shows it");
        }
        known
    }

    fn kick(&self, cx: &mut Cx<'_>, other: ConnId) {
        match self.figures.present.borrow().get(other).map(|present| present.service) {
            Some("chat") => return self.wishes.shown_out.borrow_mut().push(other),
            // In the middle of a file, or of an HTTP answer, words of ours would be taken for a part of it.
            Some("files" | "metrics") => {}
            _ => {
                let _ = cx.send(other, b"! kicked: an operator closed this connection");
            }
        }
        cx.close(other);
    }

    fn obey(&mut self, cx: &mut Cx<'_>, id: ConnId, command: &str, word: Option<&str>) {
        match command {
            "stats" => {
                cx.hold(id, ASKED);
                self.waiting.push(id);
                self.wishes.figures.set(true);
            }
            "connections" => self.connections(cx, id, word),
            "info" => {
                if let Some(other) = self.known(cx, id, word) {
                    self.info(cx, id, other);
                }
            }
            "kick" => {
                if let Some(other) = self.known(cx, id, word) {
                    self.kick(cx, other);
                    log::info!("admin: kicked {}", short(other));
                    say(cx, id, &format!("kicked {}", short(other)));
                }
            }
            "log" => log_level(cx, id, word),
            "reload" => {
                self.wishes.reload.set(true);
                log::info!("admin: reload");
                say(cx, id, "reloading; the log says what has changed");
            }
            "drain" => {
                log::info!("admin: drain");
                say(cx, id, "stopping");
                cx.stop();
            }
            "quit" => cx.close(id),
            "help" => {
                let lines = COMMANDS.map(|(name, words, does)| format!("{name}{}{words}: {does}", gap(words)));
                answer(cx, id, "help", &lines);
            }
            _ => complain(cx, id, "unknown-command", "there is no such command; help lists all"),
        }
    }
}

fn gap(words: &str) -> &'static str {
    if words.is_empty() { "" } else { " " }
}

fn log_level(cx: &mut Cx<'_>, id: ConnId, word: Option<&str>) {
    match word.map(str::parse::<LevelFilter>) {
        Some(Err(_)) => return complain(cx, id, "log", "expected off, error, warn, info, debug or trace"),
        Some(Ok(level)) => {
            log::set_max_level(level);
            log::info!("admin: log {level}");
        }
        None => {}
    }
    say(cx, id, &format!("log {}", log::max_level().as_str().to_ascii_lowercase()));
}

/// A connection on one line: what `connections` shows, and what `info` begins with.
fn line(cx: &Cx<'_>, id: ConnId, present: Present) -> String {
    let seconds = (cx.now() - present.since).as_secs();
    let silent = cx.heard(id).map_or(0, |heard| (cx.now() - heard).as_secs());
    let framing = match cx.framing(id) {
        Some(Framing::Lines { .. }) => "lines",
        Some(Framing::Length { .. }) => "length",
        Some(Framing::Fixed) => "fixed",
        Some(Framing::Raw) | None => "raw",
    };
    let about = cx.about(id);
    let peer = about.map_or_else(|| "gone".to_owned(), |about| about.peer.to_string());
    let who = about.and_then(|about| about.credentials);
    let who = who.map(|who| format!(" pid {} uid {}", who.pid, who.uid)).unwrap_or_default();
    let (unsent, taken) = (cx.unsent(id), cx.taken(id));
    format!(
        "{} {} {framing} {peer}{who} for {seconds} s, silent {silent} s, sent {taken} bytes, waiting {unsent} bytes",
        short(id),
        present.service,
    )
}

fn say(cx: &mut Cx<'_>, id: ConnId, text: &str) {
    let _ = cx.send(id, format!("- {text}").as_bytes());
}

fn complain(cx: &mut Cx<'_>, id: ConnId, code: &str, text: &str) {
    let _ = cx.send(id, format!("! {code}: {text}").as_bytes());
}

/// A long answer, and its end.
fn answer(cx: &mut Cx<'_>, id: ConnId, of: &str, lines: &[String]) {
    for line in lines {
        say(cx, id, line);
    }
    say(cx, id, &format!("end {of}"));
}

impl Service for Admin {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        say(cx, id, "parlor admin; help lists what can be done");
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let Ok(line) = std::str::from_utf8(frame) else {
            return complain(cx, id, "not-utf8", "these bytes are no UTF-8 text; nothing was done with them");
        };
        let mut words = line.split_whitespace();
        let (Some(command), word, more) = (words.next(), words.next(), words.next()) else { return };
        if more.is_some() {
            return complain(cx, id, "usage", "at most one word stands behind a command");
        }
        self.obey(cx, id, command, word);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let Some(at) = self.inspecting.iter().position(|&(asked, ..)| asked == job) else { return };
        let (_, id, other) = self.inspecting.swap_remove(at);
        let present = self.figures.present.borrow().get(other);
        let mut lines: Vec<String> = present.map(|present| line(cx, other, present)).into_iter().collect();
        let facts = result.ok().and_then(|facts| facts.downcast::<Inspection>().ok()).map(|facts| *facts);
        for fact in facts.unwrap_or_default() {
            let asked = fact.asked.map(|asked| format!(" (asked: {asked})")).unwrap_or_default();
            lines.push(format!("{}: {}{asked}", fact.name, fact.granted));
        }
        answer(cx, id, "info", &lines);
        cx.release(id, ASKED);
    }

    fn closed(&mut self, _cx: &mut Cx<'_>, id: ConnId, _why: Reason) {
        self.waiting.retain(|&waiting| waiting != id);
    }
}
