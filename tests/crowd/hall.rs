//! A hundred members in one room, twenty of whom speak; and what each of them has heard.

use std::collections::VecDeque;
use std::ops::Range;

use crate::crowd::{Crowd, Play};
use crate::support::client::Wire;
use crate::support::{Log, Server};

pub(crate) const MEMBERS: usize = 100;
pub(crate) const SPEAKERS: usize = 20;
/// The last members are those who may be slow. They only listen.
pub(crate) const SLOW: Range<usize> = 90..100;
/// What the kernel keeps for one that does not read. It doubles it.
const SMALL: usize = 16 * 1024;
/// Output that a speaker lets the kernel wait for.
const AHEAD: usize = 2048;
/// So many messages may be on their way to those who read. Without such a bound nobody here would be slow but this
/// process, which has to read a hundred times what it says; so the high mark is never reached by one who reads.
const WINDOW: u32 = 250;

const OBJECT: &str = "{\"type\":\"message\",\"room\":\"hall\",\"seq\":";
const UNKNOWN: u32 = u32::MAX;

/// What one member has heard.
#[derive(Debug, Default)]
pub(crate) struct Member {
    is_json: bool,
    pub(crate) is_in: bool,
    /// The next number that it should hear, less one.
    pub(crate) at: usize,
    /// Heard by a speaker on plain lines, whose own messages among them are not known yet.
    ahead: VecDeque<u32>,
    pub(crate) heard: u32,
    /// Numbers that it was told it missed.
    pub(crate) missed: u32,
    pub(crate) gaps: u32,
    /// The error that it was told last.
    pub(crate) error: Option<String>,
    pub(crate) over: bool,
}

#[derive(Debug)]
pub(crate) struct Hall {
    pub(crate) members: Vec<Member>,
    /// By number, less one: who said what.
    order: Vec<u32>,
    quota: u32,
    said: Vec<u32>,
    /// What the server says, for when something goes wrong.
    log: Log,
}

impl Hall {
    /// Everybody comes in, in all forms and framings. So many at the end have small buffers.
    pub(crate) fn open(crowd: &mut Crowd, server: &Server, total: u32, small: usize) -> Self {
        let speakers = u32::try_from(SPEAKERS).unwrap();
        let quota = total / speakers;
        let mut members = Vec::new();
        for who in 0..MEMBERS {
            let (is_json, wire) = (who % 3 == 1, if who % 4 == 2 { Wire::Length } else { Wire::Lines });
            let place = server.place(usize::from(wire == Wire::Length));
            let buffer = (who + small >= MEMBERS).then_some(SMALL);
            assert_eq!(crowd.join(place, wire, buffer), who);
            crowd.say(who, &format!("/nick {}", name(who)));
            if is_json {
                crowd.say(who, "/format json");
            }
            crowd.say(who, "/join hall");
            crowd.say(who, "/leave lobby");
            members.push(Member { is_json, ..Member::default() });
        }
        let order = vec![UNKNOWN; (quota * speakers) as usize];
        let mut hall = Self { members, order, quota, said: vec![0; SPEAKERS], log: server.log.clone() };
        crowd.until(&mut hall, "everybody in the hall", |_, hall| hall.members.iter().all(|member| member.is_in));
        hall
    }

    pub(crate) fn total(&self) -> u32 {
        u32::try_from(self.order.len()).unwrap()
    }

    pub(crate) fn said(&self) -> u32 {
        self.said.iter().sum()
    }

    /// All speakers say all they have to say; meanwhile is called every turn.
    pub(crate) fn talk(&mut self, crowd: &mut Crowd, mut meanwhile: impl FnMut(&mut Self, &mut Crowd)) {
        let mut still = 0;
        while !self.is_over() {
            self.speak(crowd);
            let moved = crowd.turn(self);
            still = if moved { 0 } else { still + 1 };
            assert!(still < 2000, "nothing moves any more: {} said; {:#?}", self.said(), self.left_behind(crowd));
            meanwhile(self, crowd);
        }
    }

    /// Speakers say as much as the kernel takes.
    pub(crate) fn speak(&mut self, crowd: &mut Crowd) {
        let heard = (0..SLOW.start).map(|who| {
            let own = if who < SPEAKERS { self.said[who] } else { 0 };
            self.members[who].heard + own
        });
        let mut left = WINDOW.saturating_sub(self.said() - heard.min().unwrap());
        for who in (0..SPEAKERS).cycle().skip(usize::try_from(self.said()).unwrap() % SPEAKERS).take(SPEAKERS) {
            while self.said[who] < self.quota && crowd.unsent(who) < AHEAD && left > 0 {
                left -= 1;
                let text = format!("m{who:02} {:06} {:.>80}", self.said[who], "");
                if self.members[who].is_json {
                    crowd.say(who, &format!(r#"{{"say":"{text}"}}"#));
                } else {
                    crowd.say(who, &text);
                }
                self.said[who] += 1;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.members.iter().enumerate().all(|(who, member)| member.over || self.is_through(who))
    }

    pub(crate) fn is_through(&self, who: usize) -> bool {
        self.members[who].heard + self.members[who].missed + self.own(who) == self.total()
    }

    fn own(&self, who: usize) -> u32 {
        if who < SPEAKERS { self.quota } else { 0 }
    }

    /// Who has not heard all, for a message.
    fn left_behind(&self, crowd: &Crowd) -> Vec<String> {
        let behind = (0..MEMBERS).filter(|&who| !self.is_through(who)).map(|who| (who, &self.members[who]));
        behind
            .map(|(who, Member { at, heard, missed, error, over, .. })| {
                let unsent = crowd.unsent(who);
                format!("{who}: at {at}, heard {heard}, missed {missed}, {unsent} unsent, over {over}, {error:?}")
            })
            .collect()
    }

    /// These have missed nothing.
    pub(crate) fn expect_all_heard(&mut self, who: Range<usize>) {
        for who in who {
            self.catch_up(who);
            let member = &self.members[who];
            assert_eq!((member.heard, member.missed), (self.total() - self.own(who), 0), "{who}: {member:?}");
            assert!(member.ahead.is_empty(), "{who} heard more than was said");
            assert!(!member.over && member.error.is_none(), "{who}: {member:?}");
        }
    }

    fn hear(&mut self, who: usize, seq: Option<usize>, code: u32) {
        let member = &mut self.members[who];
        member.heard += 1;
        match seq {
            Some(seq) => {
                assert!(seq > member.at, "{who}: {seq} after {}", member.at);
                // Only its own messages may lie between.
                assert!(who < SPEAKERS || seq == member.at + 1, "{who}: {seq} after {}", member.at);
                member.at = seq;
                self.place(who, seq, code);
            }
            None if who < SPEAKERS => {
                member.ahead.push_back(code);
                self.catch_up(who);
            }
            None => {
                member.at += 1;
                let seq = member.at;
                self.place(who, seq, code);
            }
        }
    }

    fn place(&mut self, who: usize, seq: usize, code: u32) {
        let known = &mut self.order[seq - 1];
        if *known == UNKNOWN {
            *known = code;
        }
        assert_eq!(*known, code, "{who} heard another message as number {seq}");
    }

    /// A speaker on plain lines: what it heard is what the others heard, less its own.
    fn catch_up(&mut self, who: usize) {
        let member = &mut self.members[who];
        while let Some(&next) = member.ahead.front() {
            match self.order[member.at] {
                UNKNOWN => return,
                own if own >> 20 == u32::try_from(who).unwrap() => {}
                other => {
                    assert_eq!(next, other, "{who} heard something else behind number {}", member.at);
                    member.ahead.pop_front();
                }
            }
            member.at += 1;
        }
    }

    fn miss(&mut self, who: usize, from: usize, to: usize) {
        let member = &mut self.members[who];
        assert_eq!(from, member.at + 1, "{who}: the gap begins behind what was heard");
        assert!(to >= from);
        member.missed += u32::try_from(to + 1 - from).unwrap();
        member.gaps += 1;
        member.at = to;
    }
}

impl Play for Hall {
    fn line(&mut self, who: usize, line: &str, _: &mut Vec<u8>) {
        if let Some(rest) = line.strip_prefix(OBJECT) {
            let (seq, rest) = rest.split_once(',').unwrap();
            let text = &rest[rest.rfind("\"text\":\"").unwrap() + 8..];
            return self.hear(who, Some(seq.parse().unwrap()), code(text));
        }
        if let Some(text) = line.strip_prefix("#hall <").and_then(|rest| rest.split_once("> ")).map(|(_, text)| text) {
            return self.hear(who, None, code(text));
        }
        if line.contains("you are in #hall") {
            self.members[who].is_in = true;
        } else if let Some(gap) = line.strip_prefix("- #hall gap ") {
            let (from, to) = gap.split_once(' ').unwrap();
            self.miss(who, from.parse().unwrap(), to.parse().unwrap());
        } else if let Some(gap) = line.strip_prefix("{\"type\":\"gap\",\"room\":\"hall\",\"from_seq\":") {
            let (from, to) = gap.trim_end_matches('}').split_once(",\"to_seq\":").unwrap();
            self.miss(who, from.parse().unwrap(), to.parse().unwrap());
        } else if line.starts_with('!') || line.starts_with("{\"type\":\"error\"") {
            self.members[who].error = Some(line.to_owned());
        }
    }

    fn over(&mut self, who: usize) {
        self.members[who].over = true;
        let has_reason = self.members[who].error.is_some();
        assert!(has_reason, "{who} was closed without a reason: {:?}; {:#?}", self.members[who], self.log.to_the_end());
    }
}

fn name(who: usize) -> String {
    let letter = |at: usize| char::from(b'a' + u8::try_from(at).unwrap());
    format!("x{}{}", letter(who / 10), letter(who % 10))
}

/// Who said what, in 32 bits.
fn code(text: &str) -> u32 {
    let (who, number) = (text[1..3].parse::<u32>().unwrap(), text[4..10].parse::<u32>().unwrap());
    who << 20 | number
}
