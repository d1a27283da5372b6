//! What is said in a measurement: who said it, which of their messages it is, and filling up to the size asked for.
//! All of it is known beforehand, so whoever hears it can tell a wrong byte from a right one.

/// Five digits, a dash, ten digits.
pub(super) const SHORTEST: usize = 16;
/// The longest text: what the chat takes.
pub(super) const LONGEST: usize = 4096;
/// More speakers than five digits can name.
pub(super) const SPEAKERS: usize = 100_000;

const SPEAKER_DIGITS: usize = 5;

/// Writes texts of one size, and reads them back.
#[derive(Debug)]
pub(super) struct Texts {
    blank: Vec<u8>,
}

impl Texts {
    pub(super) fn new(size: usize) -> Self {
        let filling = b"abcdefghijklmnopqrstuvwxyz".iter().copied().cycle();
        let mut blank = vec![b'0'; SHORTEST];
        blank[SPEAKER_DIGITS] = b'-';
        blank.extend(filling.take(size.saturating_sub(SHORTEST)));
        Self { blank }
    }

    /// The text of a speaker's message. Good until the next call.
    pub(super) fn write(&mut self, speaker: usize, number: u32) -> &[u8] {
        let (front, _) = self.blank.split_at_mut(SHORTEST);
        digits(&mut front[..SPEAKER_DIGITS], speaker as u64);
        digits(&mut front[SPEAKER_DIGITS + 1..], number.into());
        &self.blank
    }

    /// Who said it, and its number. `None` for what was never said.
    pub(super) fn read(&self, text: &[u8]) -> Option<(usize, u32)> {
        if text.len() != self.blank.len() || text[SHORTEST..] != self.blank[SHORTEST..] || text[SPEAKER_DIGITS] != b'-'
        {
            return None;
        }
        let speaker = number(&text[..SPEAKER_DIGITS])?;
        let number = number(&text[SPEAKER_DIGITS + 1..SHORTEST])?;
        Some((usize::try_from(speaker).ok()?, u32::try_from(number).ok()?))
    }
}

fn digits(into: &mut [u8], mut number: u64) {
    for digit in into.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
    }
}

fn number(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
}
