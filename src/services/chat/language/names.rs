//! What people and rooms may be called, and when two names are too much alike.
//!
//! A name has letters and digits of one script, `_` and `-`. Two questions are asked of two names:
//!
//! - Are they the *same*? The [`Name::key`]s answer: neither case nor the way in which accents are encoded matters.
//! - Do they *look* the same? The [`Name::look`]s answer, by the skeletons of Unicode's UTS 39.
//!
//! One key can't answer both. The Greek small nu looks like v and its capital like N: to call all that is the same or
//! looks the same one would make v and N one letter. So a name stands in a [`Roll`](super::Roll) under both.
//!
//! Within ASCII one key does. There I looks like l and 1 and is the same as i, and 0 looks like O, which is the same
//! as o; m looks like rn. The three classes are folded, in keys and looks alike, and no others are.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::GeneralSecurityProfile;
use unicode_security::mixed_script::AugmentedScriptSet;

use super::Complaint;
use super::looks::skeleton;

/// The longest name, in characters: it stands before every line that its holder says.
pub const MAX_NAME: usize = 32;

/// No text of this many bytes shrinks to a name by normalisation. Longer ones are refused before that costs anything.
const MAX_TYPED: usize = MAX_NAME * 16;

/// Marks on one letter beside the accents that are part of a character. Burmese needs four; more only pile up.
const MAX_MARKS: u32 = 4;

/// A dot above, left over, stands on letters that have one of their own, and is not seen.
const DOT: char = '\u{307}';

/// Which letters names may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Alphabet {
    /// Those of any one script.
    #[default]
    OneScript,
    /// A to Z.
    Ascii,
}

/// What somebody, or a room, is called. There is no `==` for it: ask for sameness by key.
#[derive(Clone)]
pub struct Name {
    /// The name as it is shown, its key, and its look where that is another: one allocation instead of three.
    all: Box<str>,
    key: u16,
    look: u16,
}

impl Name {
    /// Takes a word without `#` or `@` for a name. Accents may come composed or not.
    ///
    /// # Errors
    /// `bad-name`, with what would be right.
    pub fn new(word: &str, alphabet: Alphabet) -> Result<Self, Complaint> {
        if word.is_ascii() {
            Self::ascii(word)
        } else if alphabet == Alphabet::Ascii {
            Err(bad(alphabet, "this one has others"))
        } else if word.len() > MAX_TYPED {
            Err(too_long(word.chars().count()))
        } else {
            let text: String = word.nfc().collect();
            if text.is_ascii() { Self::ascii(&text) } else { Self::any(&text) }
        }
    }

    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.all[..usize::from(self.key)]
    }

    /// Equal for names that are the same.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.all[usize::from(self.key)..usize::from(self.look)]
    }

    /// Equal for names that look the same.
    #[must_use]
    pub fn look(&self) -> &str {
        let look = &self.all[usize::from(self.look)..];
        if look.is_empty() { self.key() } else { look }
    }

    /// The short way for ASCII, with the same result as [`Name::any`].
    fn ascii(text: &str) -> Result<Self, Complaint> {
        check_length(text.len())?;
        if let Some(c) = text.chars().find(|&c| !c.is_ascii_alphanumeric() && !is_joiner(c)) {
            return Err(bad_character(c));
        }
        Ok(Self::build(text, text.chars(), "".chars()))
    }

    fn any(text: &str) -> Result<Self, Complaint> {
        check_length(text.chars().count())?;
        check_characters(text)?;
        if AugmentedScriptSet::for_str(text).is_empty() {
            return Err(bad(Alphabet::OneScript, "this one has letters of several scripts"));
        }
        Ok(Self::build(text, fold_case(text), skeleton(text)))
    }

    fn build(text: &str, same: impl Iterator<Item = char>, looks: impl Iterator<Item = char>) -> Self {
        let mut all = String::with_capacity(2 * text.len() + 8);
        all.push_str(text);
        let key = all.len();
        same.for_each(|c| push_folded(&mut all, c));
        let look = all.len();
        looks.for_each(|c| push_folded(&mut all, c));
        if all[key..look] == all[look..] {
            all.truncate(look);
        }
        let place = |at: usize| u16::try_from(at).expect("32 characters and their skeletons are far from 64 KiB");
        Self { key: place(key), look: place(look), all: all.into_boxed_str() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.as_str())
    }
}

/// Lower case by way of upper case, so that ß is ss and both Greek sigmas are one, then accents apart from letters.
/// The Turkish capital İ is I: its small letter is i, which is typed by everybody.
fn fold_case(text: &str) -> impl Iterator<Item = char> {
    let letters = text.chars().map(|c| if c == 'İ' { 'I' } else { c });
    letters.flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfd()
}

/// ASCII's classes of letters that are the same or look the same.
fn push_folded(out: &mut String, c: char) {
    match c {
        '1' | 'i' | 'I' => out.push('l'),
        '0' => out.push('o'),
        'm' | 'M' => out.push_str("rn"),
        c => out.push(c.to_ascii_lowercase()),
    }
}

fn is_joiner(c: char) -> bool {
    matches!(c, '_' | '-')
}

fn check_length(count: usize) -> Result<(), Complaint> {
    if (1..=MAX_NAME).contains(&count) { Ok(()) } else { Err(too_long(count)) }
}

/// Letters, digits and marks that UTS 39 recommends for identifiers, which leaves out everything invisible, every
/// compatibility form and every dead script; marks only on letters, and few of them.
fn check_characters(text: &str) -> Result<(), Complaint> {
    let mut marks_left = 0;
    let mut before = None;
    for c in text.chars() {
        if !c.identifier_allowed() {
            return Err(bad_character(c));
        }
        if is_combining_mark(c) {
            let allowed = if is_general_mark(c) { marks_left == MAX_MARKS && c != DOT } else { marks_left > 0 };
            let is_repeated = before.is_some_and(|before: char| before.nfd().last() == Some(c));
            if !allowed || is_repeated {
                let wrong = format!("the mark U+{:04X} can't stand where it does", u32::from(c));
                return Err(bad(Alphabet::OneScript, &wrong));
            }
            marks_left = if is_general_mark(c) { 0 } else { marks_left - 1 };
        } else if c.is_alphanumeric() {
            marks_left = if c.is_alphabetic() { MAX_MARKS } else { 0 };
        } else if is_joiner(c) {
            marks_left = 0;
        } else {
            return Err(bad_character(c));
        }
        before = Some(c);
    }
    Ok(())
}

/// An accent of the general kind, left over where no composed character exists: one to a letter, and no piles.
fn is_general_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn too_long(count: usize) -> Complaint {
    Complaint::too_long_name(count, MAX_NAME)
}

fn bad_character(c: char) -> Complaint {
    let wrong = match c {
        ' '..='~' => format!("{c:?} is none of them"),
        _ => format!("U+{:04X} is none of them", u32::from(c)),
    };
    bad(Alphabet::OneScript, &wrong)
}

fn bad(alphabet: Alphabet, wrong: &str) -> Complaint {
    let letters = match alphabet {
        Alphabet::OneScript => "letters and digits of one script, _ and -",
        Alphabet::Ascii => "the letters a to z, digits, _ and -",
    };
    Complaint::new("bad-name", format!("names have {letters}; {wrong}"))
}
