//! What was measured, for people and for programs.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::ledger::Faults;

/// A latency that is not resolved any further: an hour, in nanoseconds.
const LONGEST: u64 = 3_600_000_000_000;

/// How long deliveries took.
#[derive(Debug)]
pub(super) struct Latencies {
    histogram: Histogram<u64>,
    /// Equal values come in a row, for a read brings many messages: they are booked together.
    value: u64,
    count: u64,
}

impl Latencies {
    pub(super) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order");
        Self { histogram, value: 0, count: 0 }
    }

    pub(super) fn record(&mut self, latency: Duration) {
        let value = u64::try_from(latency.as_nanos()).unwrap_or(LONGEST);
        if value == self.value {
            self.count += 1;
            return;
        }
        self.book();
        (self.value, self.count) = (value, 1);
    }

    fn book(&mut self) {
        self.histogram.saturating_record_n(self.value.max(1), std::mem::take(&mut self.count));
    }

    pub(super) fn percentiles(&mut self) -> Percentiles {
        self.book();
        let micros = |nanos: u64| nanos as f64 / 1000.0;
        let at = |quantile| micros(self.histogram.value_at_quantile(quantile));
        let (p50, p90, p99) = (at(0.5), at(0.9), at(0.99));
        Percentiles { p50, p90, p99, p99_9: at(0.999), p99_99: at(0.9999), max: micros(self.histogram.max()) }
    }
}

/// In microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    #[serde(rename = "p99.9")]
    pub(super) p99_9: f64,
    #[serde(rename = "p99.99")]
    pub(super) p99_99: f64,
    pub(super) max: f64,
}

impl fmt::Display for Percentiles {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p90, p99, p99_9, p99_99, max } = self;
        write!(out, "p50 {p50:.1}  p90 {p90:.1}  p99 {p99:.1}  p99.9 {p99_9:.1}  p99.99 {p99_99:.1}  max {max:.1}")
    }
}

/// Whether a measurement is one.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Verdict {
    /// What went wrong with deliveries, the warm-up included; `None` where there are none.
    #[serde(flatten)]
    faults: Option<Faults>,
    /// What went wrong first, in words.
    complaint: Option<String>,
    /// What is said when nothing did.
    #[serde(skip)]
    praise: &'static str,
}

impl Verdict {
    pub(super) fn on_deliveries(faults: Faults, complaint: Option<String>) -> Self {
        Self { faults: Some(faults), complaint, praise: "" }
    }

    pub(super) fn on_connections(praise: &'static str, complaint: Option<String>) -> Self {
        Self { faults: None, complaint, praise }
    }

    /// Did every check hold?
    pub(super) fn is_good(&self) -> bool {
        self.complaint.is_none() && self.faults.is_none_or(|faults| faults.is_none())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.faults, &self.complaint) {
            (Some(faults), Some(complaint)) => write!(out, "{faults}; {complaint}"),
            (Some(faults), None) => write!(out, "{faults}"),
            (None, Some(complaint)) => write!(out, "{complaint}"),
            (None, None) => write!(out, "{}", self.praise),
        }
    }
}

/// How many of them there were in a second.
pub(super) fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// What the server's process took.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct ServerCost {
    /// Processor time of the measured part, nanoseconds.
    pub(super) cpu_ns: u64,
    /// The same for each delivery (idle: each second; churn: each connection).
    pub(super) cpu_ns_each: f64,
    /// Resident memory before anybody came, bytes.
    pub(super) resident_before: u64,
    /// Resident memory at the end of the measured part, bytes.
    pub(super) resident: u64,
}

/// The outcome of a measurement.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    /// What was done.
    pub(super) bench: &'static str,
    /// `closed`: whoever speaks waits for what was said before, so a slow server slows its own load and latencies
    /// leave out who would have waited. `open`: said at the intended moment, and timed from it.
    #[serde(rename = "loop")]
    pub(super) pacing: &'static str,
    /// Connections that speak.
    pub(super) speakers: usize,
    /// All connections.
    pub(super) connections: usize,
    /// Bytes of each text.
    pub(super) size: usize,
    /// Messages on their way at once, of all speakers together; open loop: none.
    pub(super) window: Option<usize>,
    /// Messages a second, of all speakers together; closed loop: none.
    pub(super) rate: Option<f64>,
    /// How long the measured part took.
    pub(super) seconds: f64,
    /// What was said in it.
    pub(super) messages: u64,
    /// What was heard in it.
    pub(super) deliveries: u64,
    /// Deliveries in a second.
    pub(super) per_second: f64,
    /// Open loop: how long after its time a message was said at worst, microseconds. Latencies count from its time, so
    /// where this is much of them, it is the generator that they tell of.
    pub(super) behind_us: Option<f64>,
    /// From saying (open loop: from when it should have been said) to hearing.
    pub(super) latency_us: Option<Percentiles>,
    /// The server's side, if its pid is known.
    pub(super) server: Option<ServerCost>,
    /// Processor time of the generator itself, nanoseconds.
    pub(super) generator_cpu_ns: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bench, pacing, connections, speakers, size, .. } = self;
        write!(out, "{bench}, {pacing} loop")?;
        match (self.window, self.rate) {
            (_, Some(rate)) => write!(out, " at {rate} a second")?,
            (Some(window), None) => write!(out, ", window {window}")?,
            (None, None) => {}
        }
        writeln!(out, "; {connections} connections, {speakers} speak {size} bytes")?;
        writeln!(out, "messages    {} in {:.3} s", self.messages, self.seconds)?;
        writeln!(out, "deliveries  {}, {:.0} a second", self.deliveries, self.per_second)?;
        if let Some(latency) = self.latency_us {
            write!(out, "latency µs  {latency}")?;
            match self.behind_us {
                Some(behind) => writeln!(out, "; said at most {behind:.1} late")?,
                None => writeln!(out)?,
            }
        }
        if let Some(ServerCost { cpu_ns, cpu_ns_each, resident_before, resident }) = self.server {
            let millis = Duration::from_nanos(cpu_ns).as_secs_f64() * 1000.0;
            write!(out, "server      {millis:.1} ms of CPU, {cpu_ns_each:.0} ns each; ")?;
            writeln!(out, "resident {} KiB, before anybody came {} KiB", resident / 1024, resident_before / 1024)?;
        }
        Ok(())
    }
}
