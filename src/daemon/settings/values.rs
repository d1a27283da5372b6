//! How values are written, in flags, in the environment and in the file alike.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;

/// On or off. A file may say true or false too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

/// A buffer's size; `None` leaves it to the kernel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size(pub(super) Option<u32>);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "kernel" => Ok(Self(None)),
            _ => text
                .parse()
                .map(|size| Self(Some(size)))
                .map_err(|_| "expected a number of bytes, or kernel".to_owned()),
        }
    }
}

/// A number of bytes: `65536`, `64KiB`, `1MiB`, `1GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

const BYTE_UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl Bytes {
    /// The same as a size in memory.
    #[must_use]
    pub fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl From<usize> for Bytes {
    fn from(size: usize) -> Self {
        Self(size as u64)
    }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = BYTE_UNITS.iter().find_map(|&(unit, size)| Some((text.strip_suffix(unit)?, size)));
        let (number, size) = unit.unwrap_or((text, 1));
        let bytes = number.trim_end().parse().ok().and_then(|number: u64| number.checked_mul(size));
        bytes.map(Self).ok_or_else(|| "expected a number of bytes, as 65536, 64KiB, 1MiB or 1GiB".to_owned())
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = BYTE_UNITS.iter().find(|&&(_, size)| self.0 >= size && self.0.is_multiple_of(size));
        match unit {
            Some((unit, size)) => write!(out, "{}{unit}", self.0 / size),
            None => write!(out, "{}", self.0),
        }
    }
}

/// A length of time: `90` or `90s`, `500ms`, `10m`, `24h`, `30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

/// In milliseconds. `ms` stands before `s`, which it ends with.
const TIME_UNITS: [(&str, u64); 5] = [("ms", 1), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];

impl Span {
    /// The same as a number.
    #[must_use]
    pub fn millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// So many milliseconds.
    #[must_use]
    pub fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = TIME_UNITS.iter().find_map(|&(unit, length)| Some((text.strip_suffix(unit)?, length)));
        let (number, length) = unit.unwrap_or((text, 1000));
        let millis = number.trim_end().parse().ok().and_then(|number: u64| number.checked_mul(length));
        millis.map(Self::from_millis).ok_or_else(|| "expected a time, as 90s, 500ms, 10m, 24h or 30d".to_owned())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.millis();
        // The largest unit that leaves no rest. What is written in days, hours or minutes is read so most easily.
        let by_size = [TIME_UNITS[1], TIME_UNITS[2], TIME_UNITS[3], TIME_UNITS[4], TIME_UNITS[0]];
        let fits = |&&(_, length): &&(&str, u64)| millis >= length && millis.is_multiple_of(length);
        let (unit, length) = by_size.iter().find(fits).unwrap_or(&TIME_UNITS[4]);
        write!(out, "{}{unit}", millis / length)
    }
}

/// A whole number that fits.
pub(super) fn whole<T: FromStr + Bounded>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", T::LARGEST))
}

/// The largest number of a kind, to say so.
pub(super) trait Bounded {
    const LARGEST: u64;
}

impl Bounded for u32 {
    const LARGEST: u64 = u32::MAX as u64;
}

impl Bounded for usize {
    const LARGEST: u64 = usize::MAX as u64;
}

/// A mode of a file. A TOML file may write it as its own kind of number, `0o600`.
pub(super) fn octal(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8)
        .ok()
        .filter(|&mode| mode <= 0o777)
        .ok_or_else(|| "expected an octal mode up to 777".to_owned())
}

/// The kernel sends up to 127 of them.
pub(super) fn keepalive_count(text: &str) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| (1..=127).contains(count));
    count.ok_or_else(|| "expected a number from 1 to 127".to_owned())
}

/// The kernel takes keepalive times up to 32,767 s.
pub(super) fn keepalive_seconds(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=32_767).contains(seconds));
    seconds.ok_or_else(|| "expected seconds from 1 to 32767".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_as_they_are_shown() {
        for text in ["0", "1", "1023", "1KiB", "65540", "64KiB", "1MiB", "1GiB", "3GiB", "1025KiB"] {
            assert_eq!(text.parse::<Bytes>().unwrap_or(Bytes(9)).to_string(), text);
        }
        for text in ["0s", "1s", "90s", "2m", "500ms", "24h", "30d", "1500ms", "150s"] {
            let shown = text.parse::<Span>().map(|span| span.to_string());
            let same = if text == "24h" { "1d" } else { text };
            assert_eq!(shown.as_deref(), Ok(same));
        }
        assert_eq!("90".parse(), Ok(Span(Duration::from_secs(90))));
    }

    #[test]
    fn what_is_no_size_and_no_time_is_refused() {
        for text in ["", "-1", "1.5MiB", "1MB", "MiB", "99999999999GiB", "k", "1 2"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
        for text in ["", "-1s", "1.5h", "1w", "s", "999999999999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
