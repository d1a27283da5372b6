//! Connections that [`Works`] opens for its clients: what they say there, and what came of it.

use std::time::Duration;

use parlor::hub::{ConnId, Cx, Framing, Moment};

use crate::book::{Order, Role};
use crate::chance::{DIGEST_START, digest_on};
use crate::far_wire::call_line;
use crate::kernel::Kind;
use crate::works::Works;

/// One such connection.
#[derive(Debug)]
pub(crate) struct Call {
    asker: ConnId,
    tag: String,
    role: Role,
    lines: u32,
    /// Sends before it stands.
    early: bool,
    /// Ends the write side at once, behind whatever was sent.
    ends_early: bool,
    /// Closes as soon as there is an answer, instead of waiting for the other side's end.
    hasty: bool,
    count: u32,
    sum: u64,
    answered: bool,
}

impl Works {
    /// `open TAG NUMBER WORD`: the word is a kind and a role, the number's bits say the rest.
    pub(super) fn open(&mut self, cx: &mut Cx<'_>, asker: ConnId, tag: &str, number: u64, word: &str) {
        let client = self.expect_answer(asker);
        let lines = u32::try_from(number >> 3).expect("clients ask for little");
        let kind = match word.split('-').next() {
            Some("tcp") => Kind::Tcp,
            Some("unix") => Kind::Unix,
            _ => Kind::Pipe,
        };
        let role = match word.split('-').nth(1) {
            Some("greet") => Role::Greet(lines),
            Some("exit") => Role::Exit(lines),
            _ => Role::Digest,
        };
        let id = self.desk.open(cx, Order { kind, role, client, tag: tag.to_owned() }, Framing::LINES);
        let call = Call {
            asker,
            tag: tag.to_owned(),
            role,
            lines,
            early: number & 1 > 0,
            ends_early: number & 2 > 0,
            hasty: number & 4 > 0,
            count: 0,
            sum: DIGEST_START,
            answered: false,
        };
        let (early, ends_early) = (call.early, call.ends_early);
        self.calls.insert(id, call);
        self.desk.set_timer(cx, id, cx.now() + Duration::from_secs(20));
        if early {
            self.speak(cx, id);
        }
        // An end without a word before it, too, when it is not early with the words.
        if ends_early && (early || role != Role::Digest) {
            self.desk.end(cx, id);
        }
    }

    fn speak(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(call) = self.calls.get(&id).filter(|call| !matches!(call.role, Role::Greet(_))) else { return };
        for number in 0..call.lines {
            let _ = self.desk.send(cx, id, call_line(&call.tag, number).as_bytes());
        }
    }

    pub(super) fn call_stands(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.desk.set_timer(cx, id, Moment::NEVER);
        let Some(call) = self.calls.get(&id) else { return };
        let (early, ended) = (call.early, call.ends_early && (call.early || call.role != Role::Digest));
        if !early {
            self.speak(cx, id);
        }
        if !ended {
            self.desk.end(cx, id);
        }
    }

    pub(super) fn call_says(&mut self, cx: &mut Cx<'_>, id: ConnId, line: &[u8]) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        match call.role {
            Role::Digest => {
                let text = String::from_utf8_lossy(line).into_owned();
                self.call_answers(cx, id, &text);
            }
            Role::Echo | Role::Greet(_) | Role::Exit(_) => {
                call.count += 1;
                call.sum = digest_on(digest_on(call.sum, line), b"\n");
            }
        }
    }

    pub(super) fn call_ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(call) = self.calls.get(&id) else { return };
        let text = format!("{} {:x}", call.count, call.sum);
        if matches!(call.role, Role::Greet(_) | Role::Exit(_)) {
            self.call_answers(cx, id, &text);
        }
        if self.calls.contains_key(&id) && !self.desk.book().entries[&id].closing {
            self.desk.close(cx, id);
        }
    }

    fn call_answers(&mut self, cx: &mut Cx<'_>, id: ConnId, text: &str) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if std::mem::replace(&mut call.answered, true) {
            return self.desk.book().wrong(id, "a second answer");
        }
        let (asker, hasty, text) = (call.asker, call.hasty, format!("l {} {text}", call.tag));
        self.late_answer(cx, asker, &text);
        if hasty {
            self.desk.close(cx, id);
        }
    }

    pub(super) fn call_closed(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(call) = self.calls.remove(&id) else { return };
        if !call.answered {
            self.desk.book().told_refused.insert(call.tag.clone());
            self.late_answer(cx, call.asker, &format!("l {} refused", call.tag));
        }
    }
}
