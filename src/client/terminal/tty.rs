//! The terminal itself: taken over, and given back as it was, whether we leave, are told to go, are stopped, or panic.

use std::io::{self, Write, stdin, stdout};
use std::sync::{Mutex, Once, PoisonError};

use rustix::process::{getpgrp, getppid, getsid};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::hub::Target;

/// Another page to draw on, pastes marked as such, nothing wrapped by the terminal.
const ENTER: &str = "\x1b[?1049h\x1b[?2004h\x1b[?7l\x1b[2J";
/// The reverse, and no colours.
const LEAVE: &str = "\x1b[0m\x1b[?7h\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// How the terminal was, while it is ours. A panic must be able to give it back from anywhere.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// The terminal is ours as long as this lives.
#[derive(Debug)]
pub(super) struct Tty;

impl Tty {
    /// Takes it over.
    pub(super) fn take() -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                before(panic);
            }));
        });
        enter()?;
        Ok(Self)
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        give_back();
    }
}

/// Keys come one by one, and nothing is done about them but by us.
pub(super) fn enter() -> io::Result<()> {
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    let was = match before.take() {
        Some(was) => was,
        None => tcgetattr(stdin())?,
    };
    let mut raw = was.clone();
    raw.make_raw();
    *before = Some(was);
    tcsetattr(stdin(), OptionalActions::Now, &raw)?;
    write(ENTER)
}

/// As it was. A second time it does nothing.
pub(super) fn give_back() {
    let was = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(was) = was {
        // If the terminal is gone, there is nothing to be given back.
        let _ = write(LEAVE);
        let _ = tcsetattr(stdin(), OptionalActions::Now, &was);
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Columns and rows.
pub(super) fn size() -> (usize, usize) {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (80, 24),
    }
}

/// A pipe that can be read whenever the signal came.
pub(super) fn watch(signal: i32) -> io::Result<Target> {
    let (reader, writer) = io::pipe()?;
    signal_hook::low_level::pipe::register(signal, writer)?;
    Ok(Target::Pipe { input: Some(reader.into()), output: None })
}

/// Is there a shell that would continue us? Where we are the first of a session (`ssh -t HOST parlor chat`, a window of tmux),
/// stopping would be for ever, and the kernel would not have done it.
pub(super) fn is_anybodys() -> bool {
    let own = getsid(None).ok();
    let parents = getsid(getppid()).ok();
    own == parents && own != Some(getpgrp())
}

/// Stops us as the terminal's own key would have done, and comes back when we are continued.
pub(super) fn stop() -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)
}
