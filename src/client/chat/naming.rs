//! Names, as a server spells them and as we do. One room is `tea` to one of its members and `Tea` to another.

use crate::services::chat::{Alphabet, Name, neutralise};

/// The longest name in bytes that is taken from a server: 32 characters, however they are written.
const LONGEST: usize = 128;

/// A room as we spell it, whoever named it.
#[must_use]
pub fn room(word: &str) -> String {
    let bare = word.strip_prefix('#').unwrap_or(word);
    Name::new(bare, Alphabet::OneScript).map_or_else(|_| bare.to_lowercase(), |name| name.as_str().to_lowercase())
}

/// Do two words name the same?
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let name = |word: &str| Name::new(word, Alphabet::OneScript).ok();
    one == other || name(one).zip(name(other)).is_some_and(|(one, other)| one.key() == other.key())
}

/// A name that a server told, made harmless: servers lie too.
#[must_use]
pub fn tidy(word: &str) -> String {
    let word = &word[..word.floor_char_boundary(LONGEST)];
    neutralise(word).replace(char::is_whitespace, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_room_is_one_however_it_is_written() {
        assert_eq!((room("#Tea").as_str(), room("Cafe\u{301}").as_str()), ("tea", "café"));
        assert!(same("Tea", "tea") && same("STRASSE", "straße") && same("Cafe\u{301}", "café") && same("a b", "a b"));
        assert!(!same("tea", "teas") && !same("a b", "A B"));
    }

    #[test]
    fn a_name_that_is_none_is_made_harmless_and_short() {
        assert_eq!(tidy("a\u{1b}[2J\n\t b\u{202e}"), "a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}b\u{fffd}");
        assert!(tidy(&"你".repeat(10_000)).len() <= LONGEST);
        assert_eq!(tidy("张伟"), "张伟");
    }
}
