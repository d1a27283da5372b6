//! What peers say, made safe to show.

use std::borrow::Cow;

/// Puts U+FFFD in the place of everything that could end a line, move a cursor or turn the direction of writing:
/// C0 but TAB, DEL, C1, the line and paragraph separators, and all bidirectional controls. The rest stays as it is.
pub fn neutralise(text: &str) -> Cow<'_, str> {
    if is_printable_ascii(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let Some(first) = text.find(is_unsafe) else { return Cow::Borrowed(text) };
    let (before, rest) = text.split_at(first);
    let mut clean = String::with_capacity(text.len() + 2 * char::REPLACEMENT_CHARACTER.len_utf8());
    clean.push_str(before);
    clean.extend(rest.chars().map(|c| if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c }));
    Cow::Owned(clean)
}

/// The same for a text that may be somebody's own.
pub(super) fn neutralise_cow(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => neutralise(text),
        Cow::Owned(text) => {
            let replaced = match neutralise(&text) {
                Cow::Owned(clean) => Some(clean),
                Cow::Borrowed(_) => None,
            };
            Cow::Owned(replaced.unwrap_or(text))
        }
    }
}

/// Must this never reach a terminal?
pub(super) fn is_unsafe(c: char) -> bool {
    match c {
        '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => c.is_control(),
    }
}

/// Most lines are ASCII, and these need no decoding. Eight bytes are checked in one word, without a branch from one word
/// to the next; the last eight overlap those before, so that no rest is left. A TAB is looked for only where that failed.
pub(super) fn is_printable_ascii(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let is_printable = |&b: &u8| matches!(b, b'\t' | b' '..=b'~');
    let Some(last) = bytes.last_chunk::<8>() else { return rest.iter().all(is_printable) };
    let odd = words.iter().fold(odd_bytes(*last), |odd, word| odd | odd_bytes(*word));
    odd == 0 || bytes.iter().all(is_printable)
}

/// Not zero if one of these is no printable ASCII: its high bit is set, or would be by a one more, or is by a borrow of
/// 0x20. (A borrow may run on into the next byte, but then the first was odd.)
fn odd_bytes(word: [u8; 8]) -> u64 {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let word = u64::from_ne_bytes(word);
    let one_more = (word & (0x7f * EACH)) + EACH;
    (word | one_more | word.wrapping_sub(0x20 * EACH)) & (0x80 * EACH)
}
