//! Figures in Prometheus's text format, version 0.0.4, and as lines for people.

use std::fmt::{Display, Write as _};
use std::rc::Rc;
use std::time::Duration;

use super::figures::{BUCKETS, Figures};
use crate::hub::{Cx, Tally};
use crate::net::Counts;
use crate::services::chat;

/// How everything stands at one moment.
pub(super) struct Snapshot<'a> {
    pub(super) figures: &'a Figures,
    pub(super) tally: Tally,
    pub(super) pooled: usize,
    pub(super) jobs: usize,
    pub(super) sockets: usize,
    pub(super) losses: &'a [Losses],
    pub(super) up: Duration,
    pub(super) chat: Option<chat::Figures>,
}

/// What was not taken, by why: the figure's name, what it is, and how often.
#[derive(Debug)]
pub(super) struct Losses {
    name: &'static str,
    help: &'static str,
    counts: Rc<Counts>,
}

impl Losses {
    /// At the door.
    pub(super) fn of_newcomers(counts: &Rc<Counts>) -> Self {
        Self { name: "refused", help: "Connections turned away at the door, by why.", counts: Rc::clone(counts) }
    }

    /// On the porch.
    #[cfg(feature = "tls")]
    pub(super) fn of_handshakes(counts: &Rc<Counts>) -> Self {
        Self { name: "handshakes_failed", help: "TLS handshakes that failed, by why.", counts: Rc::clone(counts) }
    }

    /// Of questions and of answers.
    pub(super) fn of_datagrams(counts: &Rc<Counts>) -> Self {
        let help = "Datagrams dropped, answers included, by why.";
        Self { name: "datagrams_dropped", help, counts: Rc::clone(counts) }
    }
}

/// A figure without labels: its name, what it is, whether it only rises, and its value.
type Plain = (&'static str, &'static str, bool, u64);

impl Snapshot<'_> {
    /// May it be sent work?
    pub(super) fn is_ready(&self) -> bool {
        !self.chat.and_then(|chat| chat.history).is_some_and(|history| history.stopped)
    }

    fn plain(&self, cx: &Cx<'_>) -> Vec<Plain> {
        let present = self.figures.present.borrow();
        let outbox: usize = present.iter().map(|(id, _)| cx.unsent(id)).sum();
        let Tally { accepted, refused: _, freed, frames, bytes_in, bytes_out } = self.tally;
        let mut found = vec![
            ("uptime_seconds", "Seconds since the start.", false, self.up.as_secs()),
            (
                "sockets",
                "Sockets of peers that are open, those included that are being closed.",
                false,
                self.sockets as u64,
            ),
            ("accepted_total", "Connections accepted, the refused included.", true, accepted),
            ("freed_total", "Connections whose memory was given back.", true, freed),
            ("frames_total", "Frames given to services.", true, frames),
            ("received_bytes_total", "Bytes read.", true, bytes_in),
            ("sent_bytes_total", "Bytes written.", true, bytes_out),
            ("outbox_bytes", "Bytes that wait to be written.", false, outbox as u64),
            ("pooled_bytes", "Memory kept for connections that will need a buffer.", false, self.pooled as u64),
            ("jobs", "Jobs of helpers that are not answered yet.", false, self.jobs as u64),
        ];
        if let Some(chat) = &self.chat {
            found.extend([
                ("chat_people", "People in the chat.", false, chat.people as u64),
                ("chat_rooms", "Rooms that stand.", false, chat.rooms as u64),
                ("chat_sessions", "Sessions that are remembered.", false, chat.sessions as u64),
                ("chat_messages_total", "What was said in rooms.", true, chat.messages),
                (
                    "chat_deliveries_total",
                    "What rooms heard, counted for each member that heard it.",
                    true,
                    chat.deliveries,
                ),
            ]);
        }
        if let Some(history) = self.chat.and_then(|chat| chat.history) {
            let unsynced = history.unsynced_since.map_or(0, |since| cx.wall().millis().saturating_sub(since));
            found.extend([
                ("history_bytes", "What the files of the history take.", false, history.bytes),
                ("history_segments", "Files of the history.", false, history.segments as u64),
                ("history_rooms", "Rooms that the history knows.", false, history.rooms as u64),
                ("history_commits_total", "Batches written to the history.", true, history.commits),
                ("history_syncs_total", "Syncs of the history.", true, history.syncs),
                ("history_unsynced_milliseconds", "Age of the oldest write without a sync.", false, unsynced),
                ("history_damaged", "Places of the history that could not be read.", false, history.damaged as u64),
                ("history_stopped", "1 when a fault has stopped the history.", false, history.stopped.into()),
            ]);
        }
        found
    }

    /// How many connections each service has.
    fn present(&self) -> Vec<(&'static str, u64)> {
        let mut by_service: Vec<(&'static str, u64)> =
            self.figures.opened.borrow().keys().map(|&service| (service, 0)).collect();
        for (_, present) in self.figures.present.borrow().iter() {
            if let Some(found) = by_service.iter_mut().find(|(service, _)| *service == present.service) {
                found.1 += 1;
            }
        }
        by_service
    }

    /// For programs.
    pub(super) fn metrics(&self, cx: &Cx<'_>) -> String {
        let mut out = Exposition::default();
        out.family("build_info", "Which parlor this is.", "gauge");
        out.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        for (name, help, rises, value) in self.plain(cx) {
            out.family(name, help, if rises { "counter" } else { "gauge" });
            out.sample(name, &[], value);
        }
        for Losses { name, help, counts } in self.losses {
            let name = format!("{name}_total");
            out.family(&name, help, "counter");
            for (why, count) in counts.all() {
                out.sample(&name, &[("reason", why)], count);
            }
        }
        out.family("connections", "Connections that are served.", "gauge");
        for (service, count) in self.present() {
            out.sample("connections", &[("service", service)], count);
        }
        out.family("opened_total", "Connections that came to a service.", "counter");
        for (service, count) in self.figures.opened.borrow().iter() {
            out.sample("opened_total", &[("service", service)], count);
        }
        out.family("closed_total", "Connections that went, by why.", "counter");
        for ((service, why), count) in self.figures.closed.borrow().iter() {
            out.sample("closed_total", &[("service", service), ("reason", why)], count);
        }
        self.turns(&mut out);
        out.0
    }

    fn turns(&self, out: &mut Exposition) {
        let turns = &self.figures.turns;
        let seconds = |micros: u64| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        out.family("turn_seconds", "How long a turn of the loop took, sleep excluded.", "histogram");
        let mut below = 0;
        for (end, bucket) in BUCKETS.iter().zip(&turns.buckets) {
            below += bucket.get();
            out.sample("turn_seconds_bucket", &[("le", &seconds(*end))], below);
        }
        out.sample("turn_seconds_bucket", &[("le", "+Inf")], turns.count.get());
        out.sample("turn_seconds_sum", &[], seconds(turns.micros.get()));
        out.sample("turn_seconds_count", &[], turns.count.get());
        out.family("turn_longest_seconds", "The longest turn since the start.", "gauge");
        out.sample("turn_longest_seconds", &[], seconds(turns.longest.get()));
    }

    /// For people: a name and a figure on each line.
    pub(super) fn lines(&self, cx: &Cx<'_>) -> Vec<String> {
        let mut lines: Vec<String> =
            self.plain(cx).into_iter().map(|(name, _, _, value)| format!("{name} {value}")).collect();
        for Losses { name, counts, .. } in self.losses {
            lines.extend(counts.all().map(|(why, count)| format!("{name} {why} {count}")));
        }
        lines.extend(self.present().iter().map(|(service, count)| format!("connections {service} {count}")));
        let closed = self.figures.closed.borrow();
        lines.extend(closed.iter().map(|((service, why), count)| format!("closed {service} {why} {count}")));
        let turns = &self.figures.turns;
        lines.push(format!("turns {}", turns.count.get()));
        lines.push(format!("turn_longest_microseconds {}", turns.longest.get()));
        lines
    }
}

/// The text as it grows. Names and labels are ours, so nothing has to be escaped.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, help: &str, kind: &str) {
        writeln!(self.0, "# HELP parlor_{name} {help}\n# TYPE parlor_{name} {kind}")
            .expect("a string takes everything");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        writeln!(self.0, "parlor_{name}{labels} {value}").expect("a string takes everything");
    }
}
