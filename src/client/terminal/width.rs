//! How many columns a text takes on a terminal, and where to break it. Characters are counted as people see them: an
//! accent stands on its letter, a Chinese character or an emoji takes two columns.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The columns of a text.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// As much of a text as fits into so many columns.
#[must_use]
pub fn fitting(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > room {
            return &text[..at];
        }
    }
    text
}

/// Breaks a text into lines of at most `room` columns, `first` on the first, between words where that can be.
#[must_use]
pub fn wrapped(text: &str, first: usize, room: usize) -> Vec<&str> {
    let (mut lines, mut rest) = (Vec::new(), text);
    let (mut left, room) = (first, room.max(1));
    loop {
        let mut line = fitting(rest, left);
        if line.len() == rest.len() {
            break;
        }
        if line.is_empty() && left >= room {
            // Not one character fits: then one character is a line.
            line = rest.graphemes(true).next().unwrap_or(rest);
        }
        let next = &rest[line.len()..];
        let cut = if next.starts_with(' ') { Some(line.len()) } else { line.rfind(' ') };
        // A word that is long enough is broken rather than moved.
        let cut = cut.filter(|&cut| 3 * columns(&line[..cut]) >= left || line.is_empty());
        let end = cut.unwrap_or(line.len());
        lines.push(&rest[..end]);
        rest = if cut.is_some() { rest[end..].trim_start_matches(' ') } else { &rest[end..] };
        left = room;
    }
    if !rest.is_empty() || lines.is_empty() {
        lines.push(rest);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_and_emoji_take_two_columns_and_accents_none() {
        assert_eq!(columns("abc"), 3);
        assert_eq!(columns("你好"), 4);
        assert_eq!(columns("e\u{301}"), 1);
        assert_eq!(columns("😀"), 2);
        assert_eq!(columns("👩\u{200d}👩\u{200d}👧"), 2);
        assert_eq!(columns("🇨🇳"), 2);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(fitting("你好", 3), "你");
        assert_eq!(fitting("ae\u{301}x", 2), "ae\u{301}");
        assert_eq!(fitting("abc", 9), "abc");
    }

    #[test]
    fn lines_are_broken_between_words_and_long_words_where_the_line_ends() {
        assert_eq!(wrapped("one two three", 7, 7), ["one two", "three"]);
        assert_eq!(wrapped("one two three", 3, 9), ["one", "two three"]);
        assert_eq!(wrapped("abcdefghij", 4, 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("你好世界", 5, 5), ["你好", "世界"]);
        assert_eq!(wrapped("", 5, 5), [""]);
        assert_eq!(wrapped("你好", 1, 1), ["你", "好"]);
        assert_eq!(wrapped("ab", 0, 0), ["", "a", "b"]);
    }

    #[test]
    fn nothing_but_blanks_is_lost_in_breaking() {
        let text = "The 快速 brown 🦊 jumps over the lazy 狗, twice, and éverybody wonders why.";
        for first in 0..40 {
            for room in 0..40 {
                let joined: String = wrapped(text, first, room).concat().split(' ').collect();
                assert_eq!(joined, text.split(' ').collect::<String>(), "{first} {room}");
            }
        }
    }
}
