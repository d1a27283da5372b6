//! Saying what is due, and going when all is said.

use std::time::Duration;

use super::face::Face;
use super::peer::{Peer, Said};
use super::service::Talk;
use crate::hub::{Cx, Moment};

/// How long nobody answers before the user is told.
const MISSED: Duration = Duration::from_secs(10);
/// How long a person who leaves waits for the last lines to arrive.
const LEAVE: Duration = Duration::from_secs(5);
/// How long somebody stays whose conversations have ended: the far side may not know that we heard its last line, and
/// say it again. TCP's `TIME_WAIT` is for the same.
const LINGER: Duration = Duration::from_secs(1);
/// How often it is told meanwhile.
const TELL_AGAIN: Duration = Duration::from_millis(100);

impl Talk {
    /// There will be no more input. Whoever says so a second time does not wait.
    pub(super) fn leave(&mut self, cx: &mut Cx<'_>) {
        if self.closing.is_some() && self.is_person {
            self.stop(cx);
        }
        self.closing.get_or_insert(cx.now());
    }

    /// Ends.
    pub(super) fn stop(&mut self, cx: &mut Cx<'_>) {
        if let Face::Screen(screen) = &mut self.face {
            screen.close(cx);
        }
        cx.stop();
    }

    /// Says what is due, to everybody; answers when something will be due again.
    pub(super) fn speak(&mut self, cx: &mut Cx<'_>) -> Option<Moment> {
        let now = cx.now();
        let Self { circle, face, scratch, closing, .. } = self;
        let me = circle.me().to_owned();
        let mut deadline: Option<Moment> = None;
        for peer in circle.peers_mut() {
            if closing.is_some() && !peer.is_told_end && (peer.stands() || !peer.outgoing.is_empty()) {
                peer.say(Said::End, now);
            }
            let id = peer.id;
            peer.speak(now, &me, scratch, |datagram| {
                let _ = cx.send(id, datagram.as_bytes());
            });
            let mut missed = None;
            let lines = peer.undelivered();
            if lines > 0 && !peer.is_missed {
                missed = Some(peer.waits_since + MISSED);
                if missed <= Some(now) {
                    (peer.is_missed, missed) = (true, None);
                    let what =
                        format!("nobody answers at {}; lines that are sent again and again: {lines}", peer.address);
                    face.complain(cx, &format!("no-answer: {what}"));
                }
            }
            deadline = [deadline, peer.deadline(), missed].into_iter().flatten().min();
        }
        deadline
    }

    /// May we go? Answers when to ask again.
    pub(super) fn part(&mut self, cx: &mut Cx<'_>) -> Option<Moment> {
        let (since, now) = (self.closing?, cx.now());
        let last = |when: fn(&Peer) -> Option<Moment>| self.circle.peers().filter_map(when).max().unwrap_or(since);
        let (heard, said) = (last(|peer| peer.heard_at).max(since), last(|peer| peer.said_at).max(since));
        let all_arrived = self.circle.peers().all(|peer| peer.outgoing.is_empty());
        let told = || self.circle.peers().filter(|peer| peer.is_told_end);
        let over = told().next().is_some() && told().all(|peer| peer.has_ended);
        let until = match (self.is_person, all_arrived && over) {
            (true, _) if all_arrived => now,
            (true, _) => since + LEAVE,
            (false, true) => said + LINGER,
            (false, false) => heard + self.wait,
        };
        if until <= now {
            self.stop(cx);
            return None;
        }
        if !over || self.tell_at > now {
            return Some(if over { until.min(self.tell_at) } else { until });
        }
        self.tell_at = now + TELL_AGAIN;
        for peer in self.circle.peers() {
            peer.acknowledge(&mut self.scratch, |datagram| {
                let _ = cx.send(peer.id, datagram.as_bytes());
            });
        }
        Some(until.min(self.tell_at))
    }
}
