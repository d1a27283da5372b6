//! The loop's side of a history, and the peers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::ErrorKind;
use std::rc::Rc;

use parlor::hub::{Act, Address, ConnId, Fault, POOL_BYTES, Panicked, Profile, Reason, Request};

use super::super::stage::{Stage, profile, seconds};
use super::restless::limits;
use super::{Dice, Restless};

pub(crate) struct World {
    stage: Stage,
    service: Rc<RefCell<Restless>>,
    dice: Dice,
    /// What each peer has said of its lines, and the rest of a line of which a part is said.
    said: BTreeMap<ConnId, (u64, String)>,
    /// Outgoing connections of which nobody knows yet.
    opening: Vec<ConnId>,
}

impl World {
    pub(crate) fn new(seed: u64, switching: bool) -> Self {
        let service = Rc::new(RefCell::new(Restless::new(seed, switching)));
        let told = Rc::clone(&service);
        let profile = Profile { limits: Rc::new(limits(2000)), silence: Some(seconds(100)), ..profile() };
        let stage = Stage::with_profile(profile, move |cx, call| told.borrow_mut().told(cx, call));
        Self { stage, service, dice: Dice(!seed), said: BTreeMap::new(), opening: Vec::new() }
    }

    /// One thing happens, and then a turn, or some time.
    pub(crate) fn step(&mut self) {
        self.service.borrow_mut().acts = 8;
        for _ in 0..=self.dice.below(3) {
            self.happen();
        }
        match self.dice.below(8) {
            0..=2 => self.stage.turn(),
            3..=5 => self.stage.run(),
            6 => self.stage.pass(seconds(1)),
            _ => {
                let span = self.dice.below(15);
                self.stage.pass(seconds(span));
            }
        }
        self.carry_out();
        if self.stage.is_quiet() {
            self.check_quiet();
        }
    }

    fn happen(&mut self) {
        let ids: Vec<ConnId> = self.stage.peers.keys().copied().collect();
        let live = self.service.borrow().known.len();
        if ids.is_empty() || live < 8 && self.dice.below(5) == 0 {
            return self.welcome();
        }
        let id = ids[ids.len().saturating_sub(1 + self.dice.size(12).min(ids.len() - 1))];
        match self.dice.below(40) {
            0..=11 => self.speak(id, 20),
            12 => self.speak(id, 3000),
            13..=24 => {
                let window = self.dice.pick(&[0, 1, 100, 5000, 100_000]);
                self.stage.grant(id, window);
            }
            25 | 26 if self.stage.peer(id).over.is_none() => self.stage.finish(id),
            27 if self.stage.peer(id).over.is_none() => self.stage.reset(id, ErrorKind::ConnectionReset),
            28 => self.stage.peer(id).broken = Some(ErrorKind::BrokenPipe),
            29 => self.stage.hub.fail(id, Reason::Lost(ErrorKind::TimedOut)),
            30 => self.stage.hub.write_failed(id, ErrorKind::ConnectionReset),
            31 => {
                let (listener, peer) = (self.stage.listener, Address::Pipe);
                if let Some(id) = self.stage.hub.refused(listener, peer, "! full: no") {
                    self.stage.attach(id);
                }
            }
            _ => {}
        }
    }

    fn welcome(&mut self) {
        let id = self.stage.accept();
        self.stage.peer(id).window = self.dice.pick(&[0, 10, 3000, 1_000_000]);
    }

    /// The peer says a part of some lines.
    fn speak(&mut self, id: ConnId, most: u64) {
        let (number, rest) = self.said.entry(id).or_default();
        let mut text = std::mem::take(rest);
        for _ in 0..self.dice.below(most) {
            let padding = self.dice.size(30);
            writeln!(text, "{number} {}", "y".repeat(padding)).unwrap();
            *number += 1;
        }
        let cut = text.len() - self.dice.size(10).min(text.len());
        *rest = text.split_off(cut);
        if self.stage.peer(id).over.is_none() {
            self.stage.say(id, text);
        }
    }

    /// What was asked for is carried out, sooner or later.
    fn carry_out(&mut self) {
        for request in std::mem::take(&mut self.stage.requests) {
            match request {
                Request::Open(id, _) => self.opening.push(id),
                Request::Job(job, _, work) if self.dice.below(3) > 0 => self.stage.hub.done(job, Ok(work())),
                Request::Job(job, ..) => self.stage.hub.done(job, Err(Panicked)),
                Request::Inspect(job, _) => self.stage.hub.done(job, Ok(Box::new(()))),
            }
        }
        if self.opening.is_empty() || self.dice.below(3) > 0 {
            return;
        }
        let id = self.opening.remove(self.dice.size(self.opening.len()));
        if self.dice.below(4) == 0 || self.stage.hub.about(id).is_none() {
            self.stage.hub.fail(id, Reason::Unreachable(ErrorKind::ConnectionRefused));
        } else {
            self.stage.stand(id);
            self.stage.peer(id).window = self.dice.pick(&[0, 100, 1_000_000]);
        }
    }

    /// The loop would sleep: has anything been forgotten?
    fn check_quiet(&mut self) {
        let Stage { hub, peers, .. } = &mut self.stage;
        for (&id, peer) in peers.iter() {
            assert!(!peer.readable || hub.intake(id) == 0, "it may speak, and is not heard: {id:?}");
            let waits = !hub.output(id).is_empty();
            assert!(!peer.writable || !waits, "it may listen, and is told nothing: {id:?}");
        }
        assert!(hub.pooled() <= POOL_BYTES);
        self.service.borrow().check_deadlines(self.stage.now);
    }

    /// Everybody finishes, and then the server stops.
    pub(crate) fn finish(mut self) {
        let service = Rc::clone(&self.service);
        self.stage.act(|cx| service.borrow_mut().relax(cx));
        for id in self.stage.peers.keys().copied().collect::<Vec<_>>() {
            self.stage.grant(id, usize::MAX);
            if self.stage.peer(id).over.is_none() {
                self.stage.finish(id);
            }
        }
        self.stage.quiet();
        while !self.stage.requests.is_empty() || !self.opening.is_empty() {
            self.carry_out();
            self.stage.quiet();
        }
        self.check_quiet();
        self.stage.hub.stop();
        self.stage.pass(seconds(60));
        assert!(self.stage.hub.is_empty(), "everybody has come to an end");
        assert_eq!((self.stage.hub.jobs(), self.stage.hub.deadline()), (0, None));
        assert!(self.service.borrow().known.is_empty(), "closed was told to everybody");
        let switching = self.service.borrow().switching;
        if !switching {
            self.check_written();
        }
    }

    /// Every peer got the lines in order, none missing, and behind them at most one word of farewell.
    fn check_written(&mut self) {
        let service = self.service.borrow();
        for (id, peer) in &self.stage.peers {
            let Some(&(sent, why)) = service.gone.get(id) else { continue }; // refused
            let text = String::from_utf8(peer.written.clone()).unwrap();
            let (whole, torn) = text.rsplit_once('\n').map_or(("", text.as_str()), |(whole, torn)| (whole, torn));
            let lines: Vec<&str> = whole.lines().collect();
            let numbered = lines.iter().take_while(|line| !line.starts_with('!')).count();
            for (number, line) in lines[..numbered].iter().enumerate() {
                assert_eq!(line.split(' ').next(), Some(number.to_string().as_str()), "{id:?}");
            }
            assert!(numbered as u64 <= sent && lines.len() <= numbered + 1, "{id:?}: {:?}", &lines[numbered..]);
            if peer.acts.contains(&Act::Linger) {
                assert_eq!(torn, "", "{id:?}: the farewell is whole");
                let slow = why == Reason::Fault(Fault::Slow);
                assert!(slow || numbered as u64 == sent, "{id:?}: {numbered} of {sent} lines, {why:?}");
                assert!(
                    lines
                        .get(numbered)
                        .is_none_or(|word| matches!(why, Reason::Fault(fault) if fault.to_string() == **word))
                );
            }
        }
    }
}
