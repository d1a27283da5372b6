//! How fast somebody may speak, and how long be silent.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::Chat;
use super::asked::Ask;
use super::bounds::Bounds;
use super::language::Speech;
use super::rooms::PersonId;
use crate::hub::{Address, Cx, Hold, Moment};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Addresses that are remembered; the oldest go.
const NEIGHBOURHOODS: usize = 10_000;

/// How much may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flood {
    /// So many at once.
    pub burst: u32,
    /// So many a second after that.
    pub rate: u32,
}

impl Flood {
    /// Faster than anybody types, slower than anybody needs to be annoyed.
    pub const DEFAULT: Self = Self { burst: 50, rate: 20 };
}

/// A bucket of thousandths of a message. It may go below nothing: then nothing is read until it is paid back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    credit: i64,
    filled: Moment,
    /// Since when it has not been full again.
    since: Moment,
}

impl Bucket {
    pub(super) fn full(flood: Flood, now: Moment) -> Self {
        Self { credit: i64::from(flood.burst) * 1000, filled: now, since: Moment::NEVER }
    }

    /// Pays for so many messages. Answers when the next may be said, if not now.
    pub(super) fn pay(&mut self, messages: u32, flood: Flood, now: Moment) -> Option<Moment> {
        let full = i64::from(flood.burst) * 1000;
        let passed = i64::try_from((now - self.filled).as_micros()).unwrap_or(i64::MAX);
        self.credit = self.credit.saturating_add(passed.saturating_mul(i64::from(flood.rate)) / 1000).min(full);
        self.filled = now;
        if self.credit == full {
            self.since = now;
        }
        self.credit -= i64::from(messages) * 1000;
        if self.credit >= 1000 {
            return None;
        }
        let missing = u64::try_from(1000 - self.credit).unwrap_or(0);
        Some(now + Duration::from_micros(missing * 1000 / u64::from(flood.rate.max(1)) + 1))
    }

    /// Has it been empty again and again for too long?
    pub(super) fn is_flooding(&self, bounds: &Bounds, now: Moment) -> bool {
        self.since + bounds.flooding <= now
    }
}

/// Beyond this machine, everybody at one address speaks from one bucket; of an IPv6 host that is its /64.
pub(super) type Neighbourhood = [u8; 8];

/// Where a peer comes from, if that is beyond this machine.
pub(super) fn neighbourhood(peer: &Address) -> Option<Neighbourhood> {
    let Address::Tcp(address) = peer else { return None };
    let ip = address.ip().to_canonical();
    (!ip.is_loopback()).then(|| net_of(ip))
}

/// An IPv4 address, or the /64 of an IPv6 one.
pub(super) fn net_of(ip: IpAddr) -> Neighbourhood {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            [0, 0, 0xFF, 0xFF, a, b, c, d]
        }
        IpAddr::V6(ip) => *ip.octets().first_chunk().expect("there are sixteen"),
    }
}

/// What neighbours share: how fast they may speak, and how many rooms they may open.
#[derive(Debug)]
struct Shared {
    bucket: Bucket,
    /// When rooms were opened, within the last hour when it matters; no more than may be.
    opened: VecDeque<Moment>,
}

/// The neighbourhoods that were heard from lately.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    known: HashMap<Neighbourhood, Shared>,
    order: VecDeque<(Moment, Neighbourhood)>,
}

impl Neighbours {
    /// The bucket that neighbours share.
    pub(super) fn bucket(&mut self, place: Neighbourhood, flood: Flood, now: Moment) -> &mut Bucket {
        &mut self.of(place, flood, now).bucket
    }

    /// May somebody from there open another room? If so, it is counted.
    pub(super) fn may_open_room(&mut self, place: Neighbourhood, most: u32, now: Moment) -> bool {
        let opened = &mut self.of(place, Flood::DEFAULT, now).opened;
        while opened.front().is_some_and(|&then| then + HOUR <= now) {
            opened.pop_front();
        }
        let may = opened.len() < most as usize;
        if may {
            opened.push_back(now);
        }
        may
    }

    fn of(&mut self, place: Neighbourhood, flood: Flood, now: Moment) -> &mut Shared {
        while let Some(&(since, oldest)) = self.order.front() {
            let is_full = self.order.len() >= NEIGHBOURHOODS;
            if !is_full && since + HOUR > now || oldest == place {
                break;
            }
            self.order.pop_front();
            let opened = self.known.get(&oldest).and_then(|shared| shared.opened.back());
            if !is_full && opened.is_some_and(|&then| then + HOUR > now) {
                self.order.push_back((now, oldest));
            } else {
                self.known.remove(&oldest);
            }
        }
        let order = &mut self.order;
        self.known.entry(place).or_insert_with(|| {
            order.push_back((now, place));
            Shared { bucket: Bucket::full(flood, now), opened: VecDeque::new() }
        })
    }
}

/// What a heartbeat asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// Look again then.
    Wait(Moment),
    /// Ask whether it is there.
    Ask,
    /// It is not.
    Gone,
}

/// What is due for a peer last heard then; `asked` is when it was asked last.
pub(super) fn beat(bounds: &Bounds, heard: Moment, asked: Moment, now: Moment) -> Beat {
    let was_asked = asked != Moment::NEVER && asked > heard;
    if heard + bounds.gone_after <= now {
        Beat::Gone
    } else if was_asked {
        // An answer moves no timer. If one came at once, the next question is due as long after this one.
        let (again, gone) = (asked + bounds.ping_after, heard + bounds.gone_after);
        Beat::Wait(whole_second(if again > now { again.min(gone) } else { gone }))
    } else if heard + bounds.ping_after <= now {
        Beat::Ask
    } else {
        Beat::Wait(whole_second(heard + bounds.ping_after))
    }
}

/// The next whole second, so that what is due in one second is done in one turn.
fn whole_second(at: Moment) -> Moment {
    let since = at - Moment::START;
    Moment::START + Duration::from_secs(since.as_secs() + u64::from(since.subsec_nanos() > 0))
}

/// Carrying it out.
impl Chat {
    /// Sees to it that `timer` is called when somebody's heartbeat or pause is due.
    pub(super) fn schedule(&self, cx: &mut Cx<'_>, person: PersonId) {
        let Some(voice) = self.voices.get(person) else { return };
        let heard = cx.heard(voice.conn).unwrap_or(cx.now());
        let due = match beat(&self.settings.bounds, heard, voice.asked, cx.now()) {
            Beat::Wait(when) if voice.is_asked() => when,
            _ if voice.is_asked() => cx.now(),
            _ => Moment::NEVER,
        };
        cx.set_timer(voice.conn, due.min(voice.paused).min(self.steward.standings.until(person)));
    }

    /// Somebody pays for what they asked for, and is not read while in debt.
    pub(super) fn pay(&mut self, cx: &mut Cx<'_>, person: PersonId, messages: u32) {
        let (Some(flood), Some(voice)) = (self.settings.flood, self.voices.get_mut(person)) else { return };
        let bucket = match voice.place(cx) {
            Some(place) => self.neighbours.bucket(place, flood, cx.now()),
            None => &mut voice.bucket,
        };
        let Some(until) = bucket.pay(messages, flood, cx.now()) else { return };
        if bucket.is_flooding(&self.settings.bounds, cx.now()) {
            let conn = voice.conn;
            let text = "you spoke faster than this server reads for too long; goodbye";
            self.complain(cx, person, "flood", text);
            self.asked.push(person, conn, Ask::Gone("flood"));
            cx.close(conn);
        } else {
            voice.paused = until;
            cx.hold(voice.conn, Hold::FLOOD);
            self.schedule(cx, person);
        }
    }

    /// Asks a silent peer whether it is there, or gives it up.
    pub(super) fn heartbeat(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let Some(voice) = self.voices.get_mut(person).filter(|voice| voice.is_asked()) else { return };
        let conn = voice.conn;
        let heard = cx.heard(conn).unwrap_or(cx.now());
        match beat(&self.settings.bounds, heard, voice.asked, cx.now()) {
            Beat::Wait(_) => {}
            Beat::Ask => {
                voice.asked = cx.now();
                // Behind other output a PING would tell nothing: that output is waiting to be read itself.
                if cx.unsent(conn) == 0 {
                    self.pings += 1;
                    let token = self.pings.to_string();
                    let _ = self.tell(cx, person, &Speech::Ping { token: &token });
                }
            }
            Beat::Gone => {
                self.complain(cx, person, "timed-out", "nothing was heard from you, not even a PONG; goodbye");
                self.asked.push(person, conn, Ask::Gone("timed out"));
                cx.close(conn);
            }
        }
    }
}
