//! `parlor chat` on a terminal that is kept in memory: what a person would see, and what they would type.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

use crate::support::{proc, until};

/// A terminal with a client on it. Dropped, the client is killed.
pub(crate) struct Screen {
    child: Child,
    near: File,
    far: File,
    /// How the terminal was before.
    before: Termios,
    shown: Arc<Mutex<vt100::Parser>>,
    /// Every byte that came.
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

fn size(columns: u16, rows: u16) -> (NonZeroU16, NonZeroU16) {
    (NonZeroU16::new(rows).unwrap(), NonZeroU16::new(columns).unwrap())
}

impl Screen {
    /// `parlor` with these arguments on a terminal of this size.
    pub(crate) fn parlor(args: &[&str], columns: u16, rows: u16) -> Self {
        // In a process group of its own, which is what a shell would give it.
        Self::of(Command::new(env!("CARGO_BIN_EXE_parlor")).args(args).process_group(0), columns, rows)
    }

    /// Any program.
    pub(crate) fn of(command: &mut Command, columns: u16, rows: u16) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal is left");
        grantpt(&near).expect("it is ours");
        unlockpt(&near).expect("it is ours");
        let name = ptsname(&near, Vec::new()).expect("it has a name").into_string().unwrap();
        let far = File::options().read(true).write(true).open(name).expect("it is ours");
        let (height, width) = size(columns, rows);
        let shown = Arc::new(Mutex::new(vt100::Parser::new(height, width, 0)));
        let mut screen = Self {
            before: tcgetattr(&far).unwrap(),
            child: command
                .env("TERM", "xterm-256color")
                .env("TZ", "UTC")
                .stdin(far.try_clone().unwrap())
                .stdout(far.try_clone().unwrap())
                .stderr(far.try_clone().unwrap())
                .spawn()
                .unwrap(),
            near: near.into(),
            far,
            shown,
            bytes: Arc::default(),
            reader: None,
        };
        screen.resize(columns, rows);
        let (mut from, into) = (screen.near.try_clone().unwrap(), Arc::clone(&screen.shown));
        let all = Arc::clone(&screen.bytes);
        screen.reader = Some(thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                all.lock().unwrap().extend_from_slice(&bytes[..count]);
                into.lock().unwrap().process(&bytes[..count]);
            }
        }));
        screen
    }

    /// How often it rang.
    pub(crate) fn bells(&self) -> usize {
        self.sent().matches('\x07').count()
    }

    /// Was the terminal ever sent this?
    pub(crate) fn was_sent(&self, text: &str) -> bool {
        self.sent().contains(text)
    }

    /// All that the terminal was ever sent.
    pub(crate) fn sent(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// Fails if the terminal was ever sent something else than text and what moves a cursor, erases, colours, switches, and remembers switches.
    pub(crate) fn expect_nothing_strange(&self) {
        let text = self.sent();
        for piece in text.split('\x1b').skip(1) {
            let end = piece.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(piece.len() - 1);
            let is_known = piece.starts_with('[') && "HJKmhlsr".contains(&piece[end..=end]);
            assert!(is_known, "{:?}", &piece[..piece.floor_char_boundary(20)]);
        }
        let strange = |c: char| c.is_control() && !matches!(c, '\x1b' | '\r' | '\n' | '\x07');
        assert_eq!(text.find(strange), None, "{text:?}");
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let (height, width) = size(columns, rows);
        self.shown.lock().unwrap().screen_mut().set_size(height, width);
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.near, size).expect("it is ours");
        // The terminal is not its controlling one, so the signal is ours to send.
        let _ = kill_process(self.pid(), Signal::WINCH);
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.near.write_all(keys.as_bytes()).expect("the terminal stands");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it is our child and was not waited for");
    }

    /// What is to be seen, row by row.
    pub(crate) fn rows(&self) -> Vec<String> {
        let shown = self.shown.lock().unwrap();
        let (_, width) = shown.screen().size();
        shown.screen().rows(0, width.get()).map(|row| row.trim_end().to_owned()).collect()
    }

    /// Row and column.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        self.shown.lock().unwrap().screen().cursor_position()
    }

    /// Waits until the screen is as wanted.
    pub(crate) fn when(&self, what: &str, so: impl Fn(&[String]) -> bool) {
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| until(what, || so(&self.rows()))));
        assert!(waited.is_ok(), "never came: {what}: {:#?}", self.rows());
    }

    pub(crate) fn when_shown(&self, text: &str) {
        self.when(text, |rows| rows.iter().any(|row| row.contains(text)));
    }

    /// Waits until it is stopped, and fails unless the terminal is as it was.
    pub(crate) fn expect_stopped_and_sane(&self) {
        until("a stopped client", || matches!(proc::state(self.pid()), 'T' | 't'));
        self.expect_sane();
    }

    /// Fails unless the terminal is as it was before.
    pub(crate) fn expect_sane(&self) {
        let now = tcgetattr(&self.far).unwrap();
        let modes = |modes: &Termios| (modes.input_modes, modes.output_modes, modes.local_modes, modes.control_modes);
        assert_eq!(modes(&now), modes(&self.before));
        until("the usual screen", || {
            let shown = self.shown.lock().unwrap();
            !shown.screen().alternate_screen() && !shown.screen().hide_cursor() && !shown.screen().bracketed_paste()
        });
    }

    pub(crate) fn is_raw(&self) -> bool {
        tcgetattr(&self.far).unwrap().local_modes != self.before.local_modes
    }

    fn end(&mut self) -> ExitStatus {
        let mut status = None;
        until("the end of the client", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Waits for its end; its exit code, if it was not a signal that ended it.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.end().code()
    }

    /// Waits for its end; the signal that ended it, if it was one.
    pub(crate) fn wait_for_signal(&mut self) -> Option<i32> {
        self.end().signal()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
