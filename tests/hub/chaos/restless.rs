//! A service that asks for anything at any time, and knows what it may be told in answer.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use parlor::hub::{ConnId, Cx, Fault, Framing, Hold, JobId, Lane, Limits, Moment, Reason, Sent, Target};

use super::super::player::{Call, polite};
use super::super::stage::seconds;
use super::Dice;

/// A connection as the service knows it.
#[derive(Debug)]
pub(crate) struct Known {
    holds: u8,
    timer: Moment,
    /// The number of the line that must come next.
    heard: u64,
    /// The last line came without its end.
    cut: bool,
    /// The number of the line to send next.
    pub(crate) sent: u64,
    /// `send` answered `Gone`, and must do so for ever.
    mute: bool,
    /// It was told `Full`, or that something does not fit.
    owed: bool,
    closing: bool,
}

#[derive(Debug)]
pub(crate) struct Restless {
    pub(crate) dice: Dice,
    /// How often it may act before it becomes quiet.
    pub(crate) acts: u32,
    /// Framings are changed, so lines can't be counted.
    pub(crate) switching: bool,
    pub(crate) known: BTreeMap<ConnId, Known>,
    /// How many lines each got of those that are gone, and why they went.
    pub(crate) gone: BTreeMap<ConnId, (u64, Reason)>,
    jobs: BTreeSet<JobId>,
    alarm: Moment,
}

pub(crate) fn limits(high: usize) -> Limits {
    Limits {
        unread: 1000,
        high,
        low: high / 4,
        lag: 2 * high,
        lag_for: seconds(5),
        output: 5 * high,
        stall: seconds(8),
        farewell: seconds(12),
        linger: seconds(2),
        linger_bytes: 3000,
    }
}

impl Restless {
    pub(crate) fn new(seed: u64, switching: bool) -> Self {
        let (known, gone, jobs) = Default::default();
        Self { dice: Dice(seed), acts: 0, switching, known, gone, jobs, alarm: Moment::NEVER }
    }

    /// Checks what it is told, and then does what comes to its mind.
    pub(crate) fn told(&mut self, cx: &mut Cx<'_>, call: &Call) {
        match call {
            Call::Opened(id) => self.meet(*id),
            Call::Closed(id, why) => {
                let known = self.known.remove(id).expect("closed: a connection that was there, once");
                self.gone.insert(*id, (known.sent, *why));
            }
            Call::Alarm => assert!(cx.now() >= std::mem::replace(&mut self.alarm, Moment::NEVER), "an alarm too early"),
            Call::Done(job, _) => assert!(self.jobs.remove(job), "an answer to nothing: {job:?}"),
            Call::Told(_) | Call::TurnEnd => {}
            Call::Frame(id, _)
            | Call::Chunk(id, _)
            | Call::Fault(id, _)
            | Call::Ended(id)
            | Call::Drained(id)
            | Call::Timer(id) => self.heard(cx, *id, call),
        }
        if !matches!(call, Call::Ended(_)) || self.dice.below(4) > 0 {
            polite(cx, call);
            if let Call::Ended(id) = call {
                self.known.get_mut(id).unwrap().closing = true;
            }
        }
        // Behind its last words it says nothing more.
        while !matches!(call, Call::Fault(..)) && self.acts > 0 && self.dice.below(3) > 0 {
            self.acts -= 1;
            self.act(cx);
        }
    }

    fn meet(&mut self, id: ConnId) {
        let new = Known {
            holds: 0,
            timer: Moment::NEVER,
            heard: 0,
            cut: false,
            sent: 0,
            mute: false,
            owed: false,
            closing: false,
        };
        self.known.entry(id).or_insert(new);
    }

    fn heard(&mut self, cx: &Cx<'_>, id: ConnId, call: &Call) {
        let switching = self.switching;
        let known = self.known.get_mut(&id).expect("it is not gone");
        assert!(!known.closing, "after close only closed follows: {call:?}");
        match call {
            Call::Frame(_, text) if !switching => {
                let (number, expected) = (text.split(' ').next().unwrap(), known.heard.to_string());
                let cut = number != expected && expected.starts_with(number); // by the end of input
                assert!(number == expected && !known.cut || cut, "{id:?}: line {number} for {expected}");
                known.cut |= cut;
                known.heard += 1;
            }
            Call::Drained(_) => assert!(std::mem::take(&mut known.owed), "nobody waited for that"),
            Call::Timer(_) => {
                assert!(cx.now() >= std::mem::replace(&mut known.timer, Moment::NEVER), "a timer too early");
            }
            _ => {}
        }
        let of_input = !matches!(call, Call::Drained(_) | Call::Timer(_) | Call::Fault(_, Fault::Slow));
        assert!(!of_input || known.holds == 0, "input while a hold stands: {call:?}");
    }

    fn act(&mut self, cx: &mut Cx<'_>) {
        let ids: Vec<ConnId> = self.known.keys().copied().chain(self.gone.keys().copied().take(3)).collect();
        if ids.is_empty() {
            return;
        }
        let id = self.dice.pick(&ids);
        let later = cx.now() + seconds(self.dice.below(20));
        let when = self.dice.pick(&[Moment::START, Moment::NEVER, later, later]);
        match self.dice.below(40) {
            0..=11 => self.send(cx, id),
            12 => self.close(cx, id),
            13 => {
                cx.end(id);
                self.known.entry(id).and_modify(|known| known.mute = true);
            }
            14..=21 => self.pause(cx, id),
            22..=24 => {
                cx.set_timer(id, when);
                self.known.entry(id).and_modify(|known| known.timer = if known.closing { Moment::NEVER } else { when });
            }
            25 => {
                cx.set_alarm(when);
                self.alarm = when;
            }
            26 => {
                let silence = seconds(1 + self.dice.below(60));
                let silence = self.dice.pick(&[None, Some(silence)]);
                cx.set_silence(id, silence);
            }
            27 => cx.set_limits(id, &Rc::new(limits(self.dice.pick(&[100, 2000, 8000])))),
            28 => {
                let id = cx.open(Target::Pipe { input: None, output: None }, Framing::LINES);
                self.meet(id);
            }
            29 => self.jobs.extend(cx.job(Lane::Any, || 1u64)),
            30 => self.jobs.extend(cx.inspect(id)),
            31..=33 => {
                let fits = cx.fits(id, self.dice.size(3000));
                self.known.entry(id).and_modify(|known| known.owed |= !fits);
            }
            34..=36 if self.switching => cx.set_raw(id, self.dice.below(50)),
            37..=39 if self.switching => {
                let framings =
                    [Framing::LINES, Framing::Lines { max: 20 }, Framing::LENGTH, Framing::Fixed, Framing::Raw];
                cx.set_framing(id, self.dice.pick(&framings));
            }
            _ => {}
        }
    }

    fn close(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        cx.close(id);
        self.known.entry(id).and_modify(|known| (known.closing, known.timer) = (true, Moment::NEVER));
        assert_eq!(cx.send(id, b"late"), Sent::Gone);
    }

    fn pause(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let number = u8::try_from(self.dice.below(5)).unwrap();
        let known = self.known.entry(id);
        if self.dice.below(3) == 0 {
            cx.hold(id, Hold::own(number));
            known.and_modify(|known| known.holds |= 1 << number);
        } else {
            cx.release(id, Hold::own(number));
            known.and_modify(|known| known.holds &= !(1 << number));
        }
    }

    /// Sends the next line.
    fn send(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let most = self.dice.pick(&[1, 10, 300, 3000]);
        let padding = "x".repeat(self.dice.size(most));
        let Some(known) = self.known.get_mut(&id) else {
            assert_eq!(cx.send(id, b"x"), Sent::Gone);
            return;
        };
        let line = format!("{} {padding}", known.sent);
        let before = cx.unsent(id);
        let sent = cx.send(id, line.as_bytes());
        let growth = cx.unsent(id) - before;
        if sent == Sent::Gone {
            known.mute = true;
            assert_eq!(growth, 0, "what nobody will hear is not kept");
        } else {
            assert!(!known.mute && !known.closing, "Gone is for ever");
            assert!(self.switching || growth == line.len() + 1);
            known.sent += 1;
            known.owed |= sent == Sent::Full;
        }
    }

    /// Lets go of everything it holds.
    pub(crate) fn relax(&mut self, cx: &mut Cx<'_>) {
        self.acts = 0;
        self.alarm = Moment::NEVER;
        cx.set_alarm(Moment::NEVER);
        for (&id, known) in &mut self.known {
            known.holds = 0;
            (0..5).for_each(|number| cx.release(id, Hold::own(number)));
        }
    }

    /// No deadline has passed without a call.
    pub(crate) fn check_deadlines(&self, now: Moment) {
        assert!(self.alarm > now, "an alarm was missed");
        for (id, known) in &self.known {
            assert!(known.timer > now, "a timer was missed: {id:?}");
            assert!(!known.closing, "closed was not told: {id:?}");
        }
    }
}
