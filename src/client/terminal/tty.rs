//! The terminal itself: taken over, and given back as it was, whether we leave, are told to go, are stopped, or panic.

use std::fs;
use std::io::{self, Write, stdin, stdout};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, Once, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use signal_hook::consts::{SIGABRT, SIGALRM, SIGPROF, SIGQUIT, SIGSYS, SIGTRAP, SIGTSTP, SIGUSR2, SIGVTALRM, SIGXCPU};

use crate::hub::Target;

/// Another page to draw on, pastes marked as such, nothing wrapped by the terminal, no arrow keys for turns of the wheel: they
/// would bring back earlier lines.
const ENTER: &str = "\x1b[?1049h\x1b[?2004h\x1b[?7l\x1b[?1007l\x1b[2J";
/// The reverse, and no colours.
const LEAVE: &str = "\x1b[0m\x1b[?7h\x1b[?2004l\x1b[?1007h\x1b[?1007r\x1b[?25h\x1b[?1049l";
/// What the wheel does is not the same in every terminal. Those that can remember it are asked to, the others have it on.
const REMEMBER: &str = "\x1b[?1007s";

/// What would end us at once, and can be caught. Others stop the loop in good order.
const DEADLY: [i32; 9] = [SIGQUIT, SIGALRM, SIGUSR2, SIGABRT, SIGVTALRM, SIGPROF, SIGXCPU, SIGSYS, SIGTRAP];

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
    let was = if let Some(was) = before.take() {
        was
    } else {
        let was = tcgetattr(stdin())?;
        write(REMEMBER)?;
        was
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

/// The same for all that would end us at once; which it was can be asked then.
pub(super) fn watch_deadly() -> io::Result<(Target, Arc<AtomicUsize>)> {
    let (reader, writer) = io::pipe()?;
    let came = Arc::new(AtomicUsize::new(0));
    for signal in DEADLY {
        signal_hook::flag::register_usize(signal, Arc::clone(&came), signal.unsigned_abs() as usize)?;
        signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?;
    }
    Ok((Target::Pipe { input: Some(reader.into()), output: None }, came))
}

/// Ends us as the signal would have done.
pub(super) fn die_of(signal: usize) -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(i32::try_from(signal).unwrap_or(SIGABRT))
}

/// Is there a shell that would continue us? Where we are the first of a session (`ssh -t HOST parlor chat`, a window of tmux),
/// stopping would be for ever, and the kernel would not have done it.
pub(super) fn is_anybodys() -> bool {
    let Some(own) = Kin::of("self") else { return false };
    let parent = if own.parent == OUTSIDE { Some(own) } else { Kin::of(&own.parent.to_string()) };
    own.would_be_continued_by(parent)
}

/// What the kernel says instead of a process that is outside of our PID namespace: in a container, that of the whole session
/// often is.
const OUTSIDE: u32 = 0;

/// Whom a process belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kin {
    parent: u32,
    group: u32,
    session: u32,
}

impl Kin {
    /// That of a process. Read from a file, since the packages' `getsid` takes it that nothing is outside.
    fn of(process: &str) -> Option<Self> {
        Self::read(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// The name, in parentheses, may hold anything, parentheses too.
    fn read(stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut numbers = fields.split(' ').skip(1).map_while(|field| field.parse().ok());
        Some(Self { parent: numbers.next()?, group: numbers.next()?, session: numbers.next()? })
    }

    /// A parent in our session and not in our group is a shell that minds its jobs; the leader's own group has none above it.
    fn would_be_continued_by(self, parent: Option<Self>) -> bool {
        let is_leaders = self.session != OUTSIDE && self.session == self.group;
        !is_leaders && parent.is_some_and(|parent| parent.session == self.session)
    }
}

/// Stops us as the terminal's own key would have done, and comes back when we are continued.
pub(super) fn stop() -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(SIGTSTP)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::process::Command;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    #[test]
    fn a_group_is_continued_by_a_parent_in_its_session() {
        let kin = |parent, group, session| Kin { parent, group, session };
        let stat = "12 (a) S (b) ) S 7 12 5 34816 12 4194560";
        assert_eq!(Kin::read(stat), Some(kin(7, 12, 5)));
        assert_eq!(Kin::read("12 (a) S 7"), None);
        let (job, shell) = (kin(5, 12, 5), kin(1, 5, 5));
        assert!(job.would_be_continued_by(Some(shell)));
        assert!(!job.would_be_continued_by(Some(kin(1, 4, 4))));
        assert!(!job.would_be_continued_by(None));
        assert!(!kin(4, 12, 12).would_be_continued_by(Some(kin(1, 4, 4))));
        assert!(!kin(12, 12, 12).would_be_continued_by(Some(kin(4, 12, 12))));
        // In a container whose session was begun outside.
        assert!(kin(2, 3, OUTSIDE).would_be_continued_by(Some(kin(1, 2, OUTSIDE))));
        assert!(kin(OUTSIDE, OUTSIDE, OUTSIDE).would_be_continued_by(Some(kin(OUTSIDE, OUTSIDE, OUTSIDE))));
        assert!(!kin(2, 3, 3).would_be_continued_by(Some(kin(1, 2, OUTSIDE))));
    }

    /// The other half of the test below, in a process whose terminal may be spoilt.
    #[test]
    #[ignore = "only for the test below, on a terminal of its own"]
    fn panics_on_its_terminal() {
        let _tty = Tty::take().expect("there is a terminal");
        let raw = tcgetattr(stdin()).expect("it is a terminal").local_modes;
        assert!(!raw.contains(rustix::termios::LocalModes::ECHO));
        // Nothing is unwound while this is said: the hook alone has given the terminal back.
        panic!("on purpose");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal is left");
        grantpt(&near).expect("it is ours");
        unlockpt(&near).expect("it is ours");
        let name = ptsname(&near, Vec::new()).expect("it has a name").into_string().expect("a plain one");
        let far = File::options().read(true).write(true).open(name).expect("it is ours");
        let before = tcgetattr(&far).expect("it is a terminal");
        let end = || far.try_clone().expect("a descriptor is left");
        let mut child = Command::new(std::env::current_exe().expect("this runs"))
            .args(["--exact", "--ignored", "--nocapture", "client::terminal::tty::tests::panics_on_its_terminal"])
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("this runs");
        // More than the terminal holds would make the child wait for us.
        let reader = std::thread::spawn(move || {
            let (mut near, mut seen, mut bytes) = (File::from(near), Vec::new(), [0; 4096]);
            while let Ok(count @ 1..) = near.read(&mut bytes) {
                seen.extend_from_slice(&bytes[..count]);
            }
            String::from_utf8_lossy(&seen).into_owned()
        });
        let ended = child.wait().expect("it is ours");
        let after = tcgetattr(&far).expect("it is a terminal");
        drop(far);
        let seen = reader.join().expect("it only reads");
        assert!(!ended.success(), "{seen}");
        let modes = |modes: &Termios| (modes.input_modes, modes.output_modes, modes.local_modes, modes.control_modes);
        assert_eq!(modes(&after), modes(&before), "{seen}");
        let (given_back, told) = (seen.find(LEAVE).expect("given back"), seen.find("on purpose").expect("told"));
        assert!(seen.find(ENTER).expect("taken") < given_back && given_back < told, "{seen:?}");
    }
}
