//! What the commands of [`Works`] do.

use std::time::Duration;

use parlor::hub::{ConnId, Cx, Framing, Hold, Lane, Moment, Sent};

use crate::chance::{DIGEST_START, digest_on};
use crate::far_wire::{bulk_piece, framing_named};
use crate::works::{Bulk, OWN, Style, Works};

impl Works {
    /// Held for two reasons; both must go before anything is heard.
    pub(super) fn hold(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, millis: u64, by_job: bool) {
        self.desk.hold(cx, id, Hold::own(0));
        self.desk.hold(cx, id, Hold::own(0));
        if let Some(session) = self.sessions.get_mut(&id) {
            session.held = Some((tag.to_owned(), 1 + u8::from(by_job)));
        }
        if by_job {
            self.desk.hold(cx, id, Hold::FLOOD);
            if let Ok(job) = self.desk.job(cx, Lane::Any, String::new) {
                self.errands.insert(job, (id, tag.to_owned(), Style::Unheld));
            }
        }
        self.desk.set_timer(cx, id, Moment::NEVER);
        self.desk.set_timer(cx, id, cx.now() + Duration::from_millis(millis));
    }

    pub(super) fn one_reason_less(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some((_, reasons)) = self.sessions.get_mut(&id).and_then(|session| session.held.as_mut()) else { return };
        *reasons -= 1;
        if *reasons == 0 {
            let held = self.sessions.get_mut(&id).and_then(|session| session.held.take());
            self.answer(cx, id, &format!("held {}", held.unwrap_or_default().0));
        }
    }

    pub(super) fn later(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, count: u64) {
        if let Ok(job) = self.desk.job(cx, Lane::Any, String::new) {
            self.errands.insert(job, (id, tag.to_owned(), Style::Later(count)));
        }
    }

    pub(super) fn job(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, held: bool, lane: &str) {
        let (lane, style) = match (lane, held) {
            ("ordered", true) => (Lane::Ordered, Style::Held),
            ("ordered", false) => (Lane::Ordered, Style::Ordered),
            (_, true) => (Lane::Any, Style::Held),
            (_, false) => (Lane::Any, Style::Loose),
        };
        if held {
            self.desk.hold(cx, id, Hold::JOB);
        } else {
            self.expect_answer(id);
        }
        let word = tag.to_owned();
        if let Ok(job) = self.desk.job(cx, lane, move || word) {
            self.errands.insert(job, (id, tag.to_owned(), style));
        }
    }

    pub(super) fn inspect(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str) {
        self.desk.hold(cx, id, OWN);
        if let Ok(job) = self.desk.inspect(cx, id) {
            self.errands.insert(job, (id, tag.to_owned(), Style::Inspected));
        }
    }

    pub(super) fn alarm_for(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, millis: u64) {
        self.expect_answer(id);
        self.alarms.insert((cx.now() + Duration::from_millis(millis), tag.to_owned(), id));
        self.set_alarm(cx);
    }

    pub(super) fn set_alarm(&self, cx: &mut Cx<'_>) {
        cx.set_alarm(self.alarms.first().map_or(Moment::NEVER, |&(when, ..)| when));
    }

    pub(super) fn raw(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, count: u64, slowly: bool) {
        cx.set_raw(id, count);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.raw = Some((tag.to_owned(), count, DIGEST_START, slowly));
        }
        self.raw_over(cx, id);
    }

    pub(super) fn raw_over(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some((tag, _, sum, _)) = session.raw.take_if(|(_, left, ..)| *left == 0) {
            self.answer(cx, id, &format!("raw {tag} {sum:x}"));
        }
    }

    pub(super) fn bulk(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, total: u64, raw: bool, careful: bool) {
        self.desk.hold(cx, id, Hold::PEER);
        let total = u32::try_from(total).expect("clients ask for little");
        if raw {
            self.answer(cx, id, &format!("blob {tag} {total}"));
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.bulk = Some(Bulk { tag: tag.to_owned(), next: 0, total, careful, raw });
        }
        self.go_on(cx, id);
    }

    /// Sends as much of a long answer as there is room for.
    pub(super) fn go_on(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let framing = cx.framing(id).unwrap_or(Framing::Raw);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(bulk) = &mut session.bulk else { return };
        while bulk.next < bulk.total {
            let piece = bulk_piece(&bulk.tag, bulk.next, bulk.raw);
            let size = if framing == Framing::Fixed && !bulk.raw { 1024 } else { piece.len() + 4 };
            if bulk.careful && !self.desk.fits(cx, id, size) {
                return;
            }
            let sent = if bulk.raw { self.desk.send_wire(cx, id, &piece) } else { self.desk.send(cx, id, &piece) };
            bulk.next = if sent == Sent::Gone { bulk.total } else { bulk.next + 1 };
            if sent == Sent::Full && !bulk.careful {
                return;
            }
        }
        let tag = std::mem::take(&mut bulk.tag);
        session.bulk = None;
        self.desk.release(cx, id, Hold::PEER);
        for text in std::mem::take(&mut session.waiting) {
            let _ = self.desk.send(cx, id, &text);
        }
        self.answer(cx, id, &format!("bulk {tag}"));
    }

    pub(super) fn switch(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, max: u64, name: &str) {
        self.answer(cx, id, &format!("framed {tag}"));
        let max = u32::try_from(max).expect("clients ask for little");
        cx.set_framing(id, framing_named(name, max));
    }

    pub(super) fn limits(&mut self, cx: &mut Cx<'_>, id: ConnId, tag: &str, number: u64) {
        let index = usize::try_from(number).expect("a small number") % self.other_limits.len();
        cx.set_limits(id, &self.other_limits[index]);
        self.answer(cx, id, &format!("ok {tag}"));
    }

    pub(super) fn chunk_of(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        let Some((_, left, sum, slowly)) = self.sessions.get_mut(&id).and_then(|session| session.raw.as_mut()) else {
            return self.desk.book().wrong(id, "a chunk outside of a raw stretch");
        };
        if bytes.len() as u64 > *left {
            return self.desk.book().wrong(id, "a chunk longer than what is left of the stretch");
        }
        *left -= bytes.len() as u64;
        *sum = digest_on(*sum, bytes);
        let mut dice = [0];
        cx.random(&mut dice);
        if *slowly && dice[0] < 60 {
            self.desk.hold(cx, id, Hold::own(0));
            self.desk.set_timer(cx, id, cx.now() + Duration::from_micros(300));
        }
        self.raw_over(cx, id);
    }
}
