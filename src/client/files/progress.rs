//! How far a file is on its way: a bar on a terminal, a line for each ten per cent elsewhere. Pure.

use std::time::Duration;

use crate::client::terminal::width::{columns, fitting};
use crate::hub::Moment;

/// Columns of the bar itself, where there is room for it; one that is shorter says nothing.
const BAR: usize = 24;
const SHORTEST: usize = 4;
/// Between two pictures of the bar.
const FRAME: Duration = Duration::from_millis(100);

/// The way of one file.
#[derive(Debug)]
pub struct Progress {
    name: String,
    total: u64,
    /// Where it began, this time, and when.
    from: u64,
    began: Moment,
    /// The tenth that was told last, and when the bar was drawn last.
    told: u64,
    drawn: Option<Moment>,
}

impl Progress {
    /// A file of so many bytes, of which `from` were there already.
    #[must_use]
    pub fn new(name: &str, total: u64, from: u64, now: Moment) -> Self {
        let told = tenths(from, total);
        Self { name: name.to_owned(), total, from, began: now, told, drawn: None }
    }

    /// What to write now that so many bytes of it are there, on a terminal of so many columns or elsewhere.
    pub fn at(&mut self, done: u64, now: Moment, width: Option<usize>) -> Option<String> {
        if let Some(width) = width {
            let over = done >= self.total;
            if !over && self.drawn.is_some_and(|drawn| now < drawn + FRAME) {
                return None;
            }
            self.drawn = Some(now);
            return Some(format!("\r{}\x1b[K", self.row(done, now, width)));
        }
        let tenths = tenths(done, self.total);
        if tenths == self.told {
            return None;
        }
        self.told = tenths;
        Some(format!("{} {}% {}\n", self.name, 10 * tenths, self.speed(done, now)))
    }

    /// What to write behind everything else.
    #[must_use]
    pub fn end(&self) -> &'static str {
        if self.drawn.is_some() { "\n" } else { "" }
    }

    /// Never as wide as the terminal, for what is wider would be two rows, of which only the second is painted over.
    fn row(&self, done: u64, now: Moment, width: usize) -> String {
        let percent = u128::from(done) * 100 / u128::from(self.total.max(1));
        let numbers = format!(" {percent:>3}% {} of {}, {}", size(done), size(self.total), self.speed(done, now));
        let room = width.saturating_sub(1);
        // The numbers come first, then the name, and the bar has what is left.
        let name = fitting(&self.name, room.saturating_sub(columns(&numbers)));
        let left = room.saturating_sub(columns(&numbers) + columns(name) + " []".len()).min(BAR);
        let bar = if left < SHORTEST { String::new() } else { self.bar(done, left) };
        fitting(&format!("{name}{bar}{numbers}"), room).to_owned()
    }

    fn bar(&self, done: u64, width: usize) -> String {
        let full = usize::try_from(u128::from(done) * width as u128 / u128::from(self.total.max(1))).unwrap_or(width);
        let full = full.min(width);
        format!(" [{}{}]", "=".repeat(full), " ".repeat(width - full))
    }

    fn speed(&self, done: u64, now: Moment) -> String {
        let millis = (now - self.began).as_millis().max(1);
        let rate = u64::try_from(u128::from(done.saturating_sub(self.from)) * 1000 / millis).unwrap_or(u64::MAX);
        let left = self.total.saturating_sub(done);
        match left.checked_div(rate) {
            _ if left == 0 => format!("{}/s", size(rate)),
            None => "waiting".to_owned(),
            Some(seconds) => format!("{}/s, {} left", size(rate), time(seconds + 1)),
        }
    }
}

fn tenths(done: u64, total: u64) -> u64 {
    u64::try_from(u128::from(done) * 10 / u128::from(total.max(1))).unwrap_or(10)
}

/// A size as people read it.
#[must_use]
pub fn size(bytes: u64) -> String {
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_240 && unit < 4 {
        tenths /= 1024;
        unit += 1;
    }
    let name = ["B", "KiB", "MiB", "GiB", "TiB"][unit];
    if unit == 0 { format!("{bytes} B") } else { format!("{}.{} {name}", tenths / 10, tenths % 10) }
}

fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64) -> Moment {
        Moment::START + Duration::from_secs(seconds)
    }

    #[test]
    fn elsewhere_than_on_a_terminal_each_ten_per_cent_are_a_line() {
        let mut progress = Progress::new("f", 1000, 0, Moment::START);
        let lines: Vec<String> = (0..=100).filter_map(|tenth| progress.at(10 * tenth, after(tenth), None)).collect();
        assert_eq!(lines.len(), 10);
        assert_eq!(lines[0], "f 10% 10 B/s, 1:31 min left\n");
        assert_eq!(lines[9], "f 100% 10 B/s\n");
        assert_eq!(progress.end(), "");
    }

    #[test]
    fn the_rate_counts_only_what_came_this_time() {
        let mut progress = Progress::new("f", 1000, 500, Moment::START);
        assert_eq!(progress.at(500, after(1), None), None);
        assert_eq!(progress.at(600, after(1), None).as_deref(), Some("f 60% 100 B/s, 5 s left\n"));
    }

    #[test]
    fn on_a_terminal_there_is_a_bar_with_rate_and_time_left() {
        let mut progress = Progress::new("f", 4 << 20, 0, Moment::START);
        let bar = progress.at(1 << 20, after(1), Some(80)).expect("the first picture");
        assert_eq!(bar, "\rf [======                  ]  25% 1.0 MiB of 4.0 MiB, 1.0 MiB/s, 4 s left\x1b[K");
        assert_eq!(progress.at(2 << 20, after(1), Some(80)), None, "not more often than anybody could see");
        assert!(progress.at(4 << 20, after(1), Some(80)).is_some());
        assert_eq!(progress.end(), "\n");
    }

    #[test]
    fn a_narrow_terminal_shows_the_numbers_first_then_the_name_then_the_bar() {
        let row = |name: &str, width| Progress::new(name, 4 << 20, 0, Moment::START).row(1 << 20, after(1), width);
        assert_eq!(row("f", 60), "f [==        ]  25% 1.0 MiB of 4.0 MiB, 1.0 MiB/s, 4 s left");
        assert_eq!(row("f", 53), "f  25% 1.0 MiB of 4.0 MiB, 1.0 MiB/s, 4 s left");
        assert_eq!(row("你好你好", 52), "你好你  25% 1.0 MiB of 4.0 MiB, 1.0 MiB/s, 4 s left");
        assert_eq!(row("f", 20), "  25% 1.0 MiB of 4.");
        for width in 0..200 {
            assert!(columns(&row("你好 a name", width)) <= width.saturating_sub(1), "{width}");
        }
    }

    #[test]
    fn nothing_and_very_much_have_no_trouble() {
        let mut empty = Progress::new("f", 0, 0, Moment::START);
        assert!(empty.at(0, Moment::START, Some(80)).is_some());
        let mut huge = Progress::new("f", u64::MAX, 0, Moment::START);
        assert!(huge.at(u64::MAX, after(1), Some(80)).is_some());
        assert_eq!(
            (size(1023).as_str(), size(1024).as_str(), size(1 << 30).as_str()),
            ("1023 B", "1.0 KiB", "1.0 GiB")
        );
    }
}
