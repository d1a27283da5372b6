//! How connections come, how a turn begins and ends, and what the loop tells everybody.

use super::deadlines::whole_seconds;
use super::link::{Link, State};
use super::{
    Address, ConnId, Decoder, Done, Hub, Identity, JobId, ListenerId, Moment, News, REFUSED, Reason, Request, Service,
    Wall,
};

impl Hub {
    /// A listener accepted a connection.
    pub fn accepted(&mut self, listener: ListenerId, peer: Address, identity: Option<Identity>) -> ConnId {
        let id = self.admit(listener, peer, identity);
        let service = self.core.listeners[listener.0 as usize].0;
        self.call(service, |service, cx| service.opened(cx, id));
        id
    }

    /// A listener accepted a connection that may not come in: it is told why and closed, and no service hears of it.
    /// `None` when so many are being told that this one gets no word.
    pub fn refused(&mut self, listener: ListenerId, peer: Address, why: &str) -> Option<ConnId> {
        self.core.tally.refused += 1;
        if self.core.refused == REFUSED {
            return None;
        }
        let id = self.admit(listener, peer, None);
        self.core.refused += 1;
        let _ = self.core.enqueue(id, why.len(), |framing, out, pool| framing.encode(why.as_bytes(), out.tail(pool)));
        let link = &mut self.core.links[id.slot()];
        (link.refused, link.told) = (true, true);
        self.core.close(id, Reason::Closed);
        Some(id)
    }

    fn admit(&mut self, listener: ListenerId, peer: Address, identity: Option<Identity>) -> ConnId {
        let (service, profile) = &self.core.listeners[listener.0 as usize];
        let mut link = Link::new(*service, Decoder::new(profile.framing), peer, profile.limits.clone(), self.core.now);
        link.paced = true;
        link.listener = Some(listener);
        link.identity = identity.map(Box::new);
        link.guard = profile.refuse_http;
        link.silence = profile.silence.map_or(0, whole_seconds);
        self.core.tally.accepted += 1;
        self.core.insert(link)
    }

    /// A connection that a service asked for stands.
    pub fn opened(&mut self, id: ConnId) {
        let now = self.core.now;
        let Some(link) = self.core.link_mut(id).filter(|link| link.state == State::Opening) else { return };
        link.state = State::Open;
        link.heard = now;
        if link.lagging < Moment::NEVER {
            // So far there was nobody who could have read.
            link.lagging = now;
        }
        let service = link.service;
        self.core.change(id); // perhaps `end` came before there was a write side to shut
        self.core.wake(id);
        self.core.touch(id);
        self.core.schedule(id);
        self.call(service, |service, cx| service.opened(cx, id));
    }

    /// The stream failed, or could not be opened. Freed in this turn's flush.
    pub fn fail(&mut self, id: ConnId, why: Reason) {
        self.core.lose(id, why);
    }

    /// Says goodbye to everybody, through the services, and closes all connections.
    pub fn stop(&mut self) {
        self.tell_all(News::Stopping);
        for id in self.everybody() {
            self.core.close(id, Reason::Stopping);
        }
    }

    /// Gives every connection up.
    pub fn abandon(&mut self) {
        for id in self.everybody() {
            self.core.lose(id, Reason::Stopping);
        }
    }

    fn everybody(&self) -> Vec<ConnId> {
        self.core.links.iter().map(|(slot, _)| self.core.id_of(slot)).collect()
    }

    /// Tells every service.
    pub fn tell_all(&mut self, news: News) {
        for service in self.service_ids() {
            self.call(service, |service, cx| service.told(cx, news));
        }
    }

    /// Takes what the loop is to carry out.
    #[must_use]
    pub fn take_requests(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.core.requests)
    }

    /// A job's or an inspection's answer.
    pub fn done(&mut self, job: JobId, result: Done) {
        self.core.jobs_waiting -= 1;
        self.call(job.service, |service, cx| service.done(cx, job, result));
    }

    /// Begins a turn: what time it is until the next one.
    pub fn begin(&mut self, now: Moment, wall: Wall) {
        self.core.now = now;
        self.core.wall = wall;
        self.core.again = false;
    }

    /// Is there something to do now, whatever the streams say?
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let core = &self.core;
        ![&core.runnable, &core.woken, &core.dirty, &core.changed].into_iter().all(Vec::is_empty)
            || !core.requests.is_empty()
            || core.again
    }

    /// Ends the input of a turn: services finish what they gathered.
    pub fn turn_end(&mut self) {
        for service in self.service_ids() {
            self.call(service, <dyn Service>::turn_end);
        }
    }
}
