//! From the bytes of a terminal to keys. Whatever is cut in two by a read is put together again.

/// Bytes kept of a sequence that has not come to its end; longer ones are no keys.
const LONGEST_SEQUENCE: usize = 32;
/// Bytes taken of one paste; what can be said is far shorter.
const LONGEST_PASTE: usize = 64 * 1024;

const PASTE_OVER: &[u8] = b"\x1b[201~";

/// What was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// Many at once.
    Paste(String),
    /// With Control held, in small letters.
    Ctrl(char),
    /// With Alt held, or after Escape.
    Alt(char),
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// The one that takes off what is before the cursor.
    Backspace,
    /// The one that takes off what is under it.
    Delete,
    /// Alt and Backspace.
    DeleteWord,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// Arrow with Control or Alt.
    WordLeft,
    /// Arrow with Control or Alt.
    WordRight,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A page back.
    PageUp,
    /// A page forth.
    PageDown,
}

/// Puts keys together.
#[derive(Debug, Default)]
pub struct Keyboard {
    bytes: Vec<u8>,
    /// What was pasted so far, while a paste goes on.
    paste: Option<Vec<u8>>,
}

/// What stands at the front of the bytes.
enum Front {
    /// A key, or nothing that we know, in so many bytes.
    Key(Option<Key>, usize),
    /// A paste begins behind so many bytes.
    Paste(usize),
    /// The rest of it has not come yet.
    Partial,
}

impl Keyboard {
    /// Bytes came; answers the keys that are whole.
    pub fn press(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.bytes.extend_from_slice(bytes);
        let (mut keys, mut taken) = (Vec::new(), 0);
        loop {
            if self.paste.is_some() {
                self.bytes.drain(..std::mem::take(&mut taken));
                match self.pasted() {
                    Some(key) => keys.push(key),
                    None => return keys,
                }
            }
            match front(&self.bytes[taken..]) {
                Front::Key(key, used) => {
                    keys.extend(key);
                    taken += used;
                }
                Front::Paste(used) => {
                    taken += used;
                    self.paste = Some(Vec::new());
                }
                Front::Partial => {
                    self.bytes.drain(..taken);
                    return keys;
                }
            }
        }
    }

    /// Takes what belongs to a paste; answers it when its end has come.
    fn pasted(&mut self) -> Option<Key> {
        let paste = self.paste.as_mut()?;
        let end = self.bytes.windows(PASTE_OVER.len()).position(|window| window == PASTE_OVER);
        // The end may come in two pieces.
        let taken = end.unwrap_or(self.bytes.len().saturating_sub(PASTE_OVER.len() - 1));
        paste.extend(self.bytes.drain(..taken));
        paste.truncate(LONGEST_PASTE);
        end?;
        self.bytes.drain(..PASTE_OVER.len());
        let paste = self.paste.take()?;
        Some(Key::Paste(String::from_utf8_lossy(&paste).into_owned()))
    }
}

fn front(bytes: &[u8]) -> Front {
    match bytes {
        [] => Front::Partial,
        [0x1b, rest @ ..] => escape(rest),
        [b'\r' | b'\n', ..] => Front::Key(Some(Key::Enter), 1),
        [b'\t', ..] => Front::Key(Some(Key::Tab), 1),
        [0x7f | 0x08, ..] => Front::Key(Some(Key::Backspace), 1),
        [byte, ..] if *byte < 0x20 => Front::Key(Some(Key::Ctrl(char::from(byte | 0x60))), 1),
        _ => character(bytes).map_or(Front::Partial, |(c, used)| Front::Key(c.map(Key::Char), used)),
    }
}

/// The first character and its bytes; no character for bytes that are none. Nothing if more has to come.
fn character(bytes: &[u8]) -> Option<(Option<char>, usize)> {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
        Err(error) => return error.error_len().map(|wrong| (None, wrong)),
    };
    let c = valid.chars().next()?;
    Some((Some(c), c.len_utf8()))
}

/// What follows Escape.
fn escape(rest: &[u8]) -> Front {
    match rest {
        [] | [b'O'] => Front::Partial,
        [b'[', body @ ..] => control_sequence(body),
        [b'O', letter, ..] => Front::Key(arrow(*letter, false), 3),
        [0x1b, ..] => Front::Key(None, 1),
        [0x7f | 0x08, ..] => Front::Key(Some(Key::DeleteWord), 2),
        [byte, ..] if *byte < 0x20 => Front::Key(None, 2),
        _ => character(rest).map_or(Front::Partial, |(c, used)| Front::Key(c.map(Key::Alt), used + 1)),
    }
}

/// Parameters, then one letter.
fn control_sequence(body: &[u8]) -> Front {
    let Some(end) = body.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        return if body.len() > LONGEST_SEQUENCE { Front::Key(None, body.len() + 2) } else { Front::Partial };
    };
    let used = end + 3;
    let parameters = std::str::from_utf8(&body[..end]).unwrap_or_default();
    let (first, modifier) = parameters.split_once(';').unwrap_or((parameters, ""));
    let key = match (body[end], first) {
        (b'~', "200") => return Front::Paste(used),
        (b'~', "1" | "7") => Some(Key::Home),
        (b'~', "4" | "8") => Some(Key::End),
        (b'~', "3") => Some(Key::Delete),
        (b'~', "5") => Some(Key::PageUp),
        (b'~', "6") => Some(Key::PageDown),
        (b'Z', _) => Some(Key::BackTab),
        (letter, _) => arrow(letter, matches!(modifier, "3" | "5" | "7")),
    };
    Front::Key(key, used)
}

fn arrow(letter: u8, by_words: bool) -> Option<Key> {
    match (letter, by_words) {
        (b'A', _) => Some(Key::Up),
        (b'B', _) => Some(Key::Down),
        (b'C', false) => Some(Key::Right),
        (b'C', true) => Some(Key::WordRight),
        (b'D', false) => Some(Key::Left),
        (b'D', true) => Some(Key::WordLeft),
        (b'H', _) => Some(Key::Home),
        (b'F', _) => Some(Key::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPED: &str =
        "a\u{4f60}\u{1f600}\r\t\x7f\x01\x1b[A\x1b[D\x1b[1;5C\x1bb\x1b2\x1bOH\x1b[3~\x1b[5~\x1b[Z\x1b\x7f";

    fn keys() -> Vec<Key> {
        let wanted = [
            Key::Char('a'),
            Key::Char('\u{4f60}'),
            Key::Char('\u{1f600}'),
            Key::Enter,
            Key::Tab,
            Key::Backspace,
            Key::Ctrl('a'),
            Key::Up,
            Key::Left,
            Key::WordRight,
            Key::Alt('b'),
            Key::Alt('2'),
            Key::Home,
            Key::Delete,
            Key::PageUp,
            Key::BackTab,
            Key::DeleteWord,
        ];
        wanted.to_vec()
    }

    #[test]
    fn keys_are_the_same_however_their_bytes_are_cut() {
        assert_eq!(Keyboard::default().press(TYPED.as_bytes()), keys());
        for size in 1..6 {
            let mut keyboard = Keyboard::default();
            let pressed: Vec<Key> = TYPED.as_bytes().chunks(size).flat_map(|piece| keyboard.press(piece)).collect();
            assert_eq!(pressed, keys(), "in pieces of {size}");
        }
    }

    #[test]
    fn a_paste_is_one_key_and_obeys_nothing_in_it() {
        let typed = b"x\x1b[200~one\rtwo\x03\x1b[A\x1b[201~y";
        let wanted = [Key::Char('x'), Key::Paste("one\rtwo\x03\x1b[A".to_owned()), Key::Char('y')];
        for size in 1..=typed.len() {
            let mut keyboard = Keyboard::default();
            let pressed: Vec<Key> = typed.chunks(size).flat_map(|piece| keyboard.press(piece)).collect();
            assert_eq!(pressed, wanted, "in pieces of {size}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_and_sequences_that_nobody_knows_are_dropped() {
        let mut keyboard = Keyboard::default();
        assert_eq!(
            keyboard.press(b"\xff\xfea\x1b[99;99qb\x1b[?1;2cc"),
            [Key::Char('a'), Key::Char('b'), Key::Char('c')]
        );
        keyboard.press(b"\x1b[");
        for _ in 0..100 {
            keyboard.press(b"1111111111");
        }
        assert!(keyboard.bytes.len() <= 2 * LONGEST_SEQUENCE);
    }
}
