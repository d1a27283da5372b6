//! A command line with holes: what the operator fixed, and what a caller may fill in.

use std::fmt;

use crate::services::line::Wrong;

/// The longest text that fills a hole.
const MAX_TEXT: usize = 1024;
/// The longest name that does.
const MAX_NAME: usize = 64;

/// The words of a command, some with holes in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    words: Vec<Vec<Piece>>,
    holes: Vec<Hole>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Hole(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Hole {
    name: String,
    kind: Kind,
}

/// What fits into a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// A host, a user, a unit: a word that no program takes for a flag or a path.
    Name,
    /// A whole number, both ends included.
    Number(i64, i64),
    /// One of these words.
    Choice(Vec<String>),
    /// The rest of the line.
    Text,
}

/// A hole as it is written.
impl fmt::Display for Hole {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{{{}:", self.name)?;
        match &self.kind {
            Kind::Name => write!(out, "name")?,
            Kind::Number(low, high) => write!(out, "{low}..{high}")?,
            Kind::Choice(words) => write!(out, "{}", words.join("|"))?,
            Kind::Text => write!(out, "text")?,
        }
        write!(out, "}}")
    }
}

impl Template {
    /// Reads the words of a command. `{name:TYPE}` is a hole, `{{` and `}}` are braces.
    ///
    /// # Errors
    /// In words, what is wrong, and what would be right.
    pub fn parse<S: AsRef<str>>(argv: &[S]) -> Result<Self, String> {
        let mut template = Self { words: Vec::new(), holes: Vec::new() };
        for word in argv {
            let pieces = template.word(word.as_ref())?;
            template.words.push(pieces);
        }
        match template.words.first().map(Vec::as_slice) {
            None => return Err("expected a program and its arguments, as [\"uptime\", \"-p\"]".to_owned()),
            Some([Piece::Text(program)]) if !program.is_empty() => {}
            Some([Piece::Text(_)]) => {
                return Err("expected a program and its arguments, as [\"uptime\", \"-p\"]".to_owned());
            }
            Some(_) => return Err("the program itself can't have a hole: callers choose arguments alone".to_owned()),
        }
        let last = template.holes.len().saturating_sub(1);
        match template.holes.iter().take(last).find(|hole| hole.kind == Kind::Text) {
            Some(hole) => Err(format!("{hole} takes the rest of the line, so it must be the last hole")),
            None => Ok(template),
        }
    }

    fn word(&mut self, word: &str) -> Result<Vec<Piece>, String> {
        let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), word);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            text.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                text.push_str(&from[..1]);
                rest = after;
                continue;
            }
            let inside = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let Some((hole, after)) = inside else {
                return Err(format!("{word:?}: a brace without its other half; a brace itself is written twice"));
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::Hole(self.hole(hole)?));
            rest = after;
        }
        text.push_str(rest);
        if !text.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(pieces)
    }

    /// The number of a hole; written twice, it is one, and filled once.
    fn hole(&mut self, text: &str) -> Result<usize, String> {
        let hole = Hole::parse(text).ok_or_else(|| {
            format!("{{{text}}}: a hole is {{host:name}}, {{count:1..10}}, {{how:fast|slow}} or {{what:text}}")
        })?;
        if let Some(at) = self.holes.iter().position(|other| other.name == hole.name) {
            let other = &self.holes[at];
            return if *other == hole { Ok(at) } else { Err(format!("{hole} is {other} elsewhere")) };
        }
        self.holes.push(hole);
        Ok(self.holes.len() - 1)
    }

    /// The command with its holes filled from the words that a caller sent behind its name.
    pub(super) fn fill(&self, name: &str, given: &str) -> Result<Vec<String>, Wrong> {
        let mut values = Vec::new();
        let mut rest = Some(given).filter(|given| !given.is_empty());
        for hole in &self.holes {
            let Some(given) = rest else { return Err(self.usage(name)) };
            let (value, after) = match given.split_once(' ') {
                Some((value, after)) if hole.kind != Kind::Text => (value, Some(after)),
                _ => (given, None),
            };
            values.push(hole.fill(value)?);
            rest = after;
        }
        if rest.is_some() {
            return Err(self.usage(name));
        }
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Hole(at) => values[*at].clone(),
        };
        Ok(self.words.iter().map(|word| word.iter().map(piece).collect()).collect())
    }

    fn usage(&self, name: &str) -> Wrong {
        Wrong::usage(&format!("run {name}{self}"))
    }
}

/// Its holes, each behind a blank.
impl fmt::Display for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.holes.iter().try_for_each(|hole| write!(out, " {hole}"))
    }
}

impl Hole {
    fn parse(text: &str) -> Option<Self> {
        let (name, kind) = text.split_once(':')?;
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let kind = match (kind, kind.split_once("..")) {
            ("name", _) => Kind::Name,
            ("text", _) => Kind::Text,
            (_, Some((low, high))) => {
                let (low, high) = (low.parse().ok()?, high.parse().ok()?);
                (low <= high).then_some(Kind::Number(low, high))?
            }
            (words, None) => {
                let words: Vec<String> = words.split('|').map(str::to_owned).collect();
                let good = |c: char| !c.is_whitespace() && !c.is_control();
                let are_words = words.len() > 1 && words.iter().all(|word| !word.is_empty() && word.chars().all(good));
                are_words.then_some(Kind::Choice(words))?
            }
        };
        is_name.then(|| Self { name: name.to_owned(), kind })
    }

    /// A value, as the command gets it.
    fn fill(&self, value: &str) -> Result<String, Wrong> {
        let (filled, right) = match &self.kind {
            Kind::Name => {
                let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
                let begins = value.starts_with(|first: char| first.is_ascii_alphanumeric());
                let is_name = begins && value.len() <= MAX_NAME && value.bytes().all(good);
                (
                    is_name.then(|| value.to_owned()),
                    "letters, digits, . _ and -, the first a letter or digit".to_owned(),
                )
            }
            Kind::Number(low, high) => {
                let number = value.parse::<i64>().ok().filter(|number| (low..=high).contains(&number));
                (number.map(|number| number.to_string()), format!("a whole number from {low} to {high}"))
            }
            Kind::Choice(words) => {
                (words.iter().find(|word| *word == value).cloned(), format!("one of {}", words.join(", ")))
            }
            Kind::Text => {
                let is_text = !value.is_empty() && value.len() <= MAX_TEXT && !value.starts_with('-');
                let is_text = is_text && !value.chars().any(char::is_control);
                (
                    is_text.then(|| value.to_owned()),
                    format!("up to {MAX_TEXT} bytes without controls, not beginning with -"),
                )
            }
        };
        filled.ok_or_else(|| Wrong::new("bad-argument", format!("{} is {right}", self.name)))
    }
}
