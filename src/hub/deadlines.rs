//! What must be done at a certain time if nothing happens before: how deadlines are set, and what follows when one has
//! passed.

use std::rc::Rc;
use std::time::Duration;

use super::core::Core;
use super::link::{Link, State};
use super::{ConnId, Fault, Hub, Limits, Moment, Reason, Service};

impl Core {
    pub(super) fn set_timer(&mut self, id: ConnId, when: Moment) {
        if let Some(link) = self.link_mut(id).filter(|link| link.is_live()) {
            link.timer = when;
            self.schedule(id);
        }
    }

    pub(super) fn set_silence(&mut self, id: ConnId, limit: Option<Duration>) {
        if let Some(link) = self.link_mut(id) {
            link.silence = limit.map_or(0, whole_seconds);
            self.schedule(id);
        }
    }

    pub(super) fn set_limits(&mut self, id: ConnId, limits: &Rc<Limits>) {
        let now = self.now;
        let Some(link) = self.link_mut(id) else { return };
        link.limits = Rc::clone(limits);
        let waiting = link.outbox.len();
        link.lagging = if waiting >= limits.lag { link.lagging.min(now) } else { Moment::NEVER };
        let is_full = waiting >= limits.high && waiting > limits.low;
        if std::mem::replace(&mut link.full, is_full) && !is_full {
            self.resume(id);
        }
        self.schedule(id);
    }

    /// Makes sure that the link's deadline is not missed. A deadline that moved to later is left alone: it fires
    /// early, and is set again then.
    pub(super) fn schedule(&mut self, id: ConnId) {
        let Some(due) = self.link(id).map(Link::deadline) else { return };
        if due < self.timers.of(id.slot) {
            self.timers.set(id.slot, due);
        }
    }
}

impl Hub {
    /// When [`Hub::expire`] is needed even if nothing happens.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        let alarm = self.core.alarms.iter().copied().min().filter(|&at| at < Moment::NEVER);
        [self.core.timers.first(), alarm].into_iter().flatten().min()
    }

    /// Acts on the deadlines that have passed.
    pub fn expire(&mut self) {
        let now = self.core.now;
        // Gathered first: a deadline that is set anew to a time already past waits for the next turn.
        let slots: Vec<u32> = std::iter::from_fn(|| self.core.timers.expired(now)).collect();
        for slot in slots {
            let id = self.core.id_of(slot as usize);
            self.expire_link(id);
            self.core.schedule(id);
        }
        for service in self.service_ids() {
            let alarm = &mut self.core.alarms[service.0 as usize];
            if *alarm <= now {
                *alarm = Moment::NEVER;
                self.call(service, <dyn Service>::alarm);
            }
        }
    }

    fn expire_link(&mut self, id: ConnId) {
        let now = self.core.now;
        let Some(link) = self.core.link(id) else { return };
        let is_over = !link.is_live() && link.timer <= now;
        if is_over || link.stalled_at() <= now {
            self.core.lose(id, Reason::Stalled);
        } else if link.state == State::Open && link.lagging_at() <= now {
            self.give_up_slow(id);
        } else if link.state == State::Open && link.silent_at() <= now {
            let seconds = link.silence;
            self.break_off(id, Fault::Silent { seconds });
        } else if link.is_live() && link.timer <= now {
            let service = link.service;
            self.core.set_timer(id, Moment::NEVER);
            self.call(service, |service, cx| service.timer(cx, id));
        }
    }
}

/// Rounded up, so that no deadline becomes shorter than it was asked for.
pub(super) fn whole_seconds(span: Duration) -> u32 {
    u32::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}
