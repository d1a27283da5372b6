//! Typing that nobody sees.

use std::io::{self, ErrorKind, Read, Write, stdin};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// The longest line that is taken; far more than any password.
const LONGEST: usize = 4096;

/// Gives the terminal back as it was, whatever happens.
struct Unseen(Termios);

impl Drop for Unseen {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}

/// Asks for a line that is not shown.
pub(super) fn asked_for(prompt: &str) -> io::Result<Option<String>> {
    let mut terminal = io::stderr();
    write!(terminal, "{prompt}")?;
    terminal.flush()?;
    let line = unseen_line();
    writeln!(terminal)?;
    line
}

/// A line typed on the terminal of standard input without being shown; `None` when it was given up by ^C or ^D. Keys
/// are taken one by one, so that ^C does not end the process with a terminal that shows nothing any more.
fn unseen_line() -> io::Result<Option<String>> {
    let before = tcgetattr(stdin())?;
    let mut unseen = before.clone();
    unseen.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
    unseen.special_codes[SpecialCodeIndex::VMIN] = 1;
    unseen.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(stdin(), OptionalActions::Now, &unseen)?;
    let _given_back = Unseen(before);
    let mut typed = Vec::new();
    loop {
        let mut key = [0];
        match stdin().read(&mut key) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        match key[0] {
            b'\r' | b'\n' => break,
            0x03 | 0x04 => return Ok(None),
            0x15 => typed.clear(),
            0x08 | 0x7f => {
                // A character may be several bytes; those behind its first begin with 10.
                while typed.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {}
            }
            byte if typed.len() < LONGEST => typed.push(byte),
            _ => {}
        }
    }
    String::from_utf8(typed).map(Some).map_err(|_| io::Error::new(ErrorKind::InvalidData, "this is no UTF-8"))
}
