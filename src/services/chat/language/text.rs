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

/// Most lines are ASCII, and these need no decoding. Sixteen bytes are checked without a branch between them, which the
/// compiler turns into a few wide comparisons; the last sixteen overlap those before, so that no rest is left.
pub(super) fn is_printable_ascii(bytes: &[u8]) -> bool {
    let is_printable = |piece: &[u8]| piece.iter().fold(true, |good, &b| good & matches!(b, b'\t' | b' '..=b'~'));
    let (pieces, rest) = bytes.as_chunks::<16>();
    let rest = bytes.last_chunk::<16>().map_or(rest, |last| last);
    pieces.iter().all(|piece| is_printable(piece)) && is_printable(rest)
}
