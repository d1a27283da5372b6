//! People in a chat: they speak in any framing, hear line by line, and know when there is nothing more to hear.
#![allow(dead_code, reason = "each test crate uses a part of this")]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::client::{Wire, show};
use crate::support::{Client, Server, Start};

/// A line that is no command. Its answer comes behind everything that the server had for whoever sent it.
const FENCE: &str = "/fence";

/// A server with a chat on three listeners: lines, length frames, fixed frames.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) server: Server,
    data: TempDir,
    flags: Vec<String>,
}

impl Chat {
    /// With a history in a folder of its own, and nobody slowed down.
    pub(crate) fn new() -> Self {
        Self::with(&["--flood", "off"])
    }

    /// The same without a history.
    pub(crate) fn forgetful() -> Self {
        Self::with(&["--flood", "off", "--no-history"])
    }

    pub(crate) fn with(flags: &[&str]) -> Self {
        Self::started(flags, |start| start)
    }

    /// With something else done to the start.
    pub(crate) fn started(flags: &[&str], how: impl FnOnce(Start) -> Start) -> Self {
        let data = TempDir::new().expect("the temporary folder is ours");
        let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        let server = start(&flags, data.path(), how);
        Self { server, data, flags }
    }

    /// Where its history is.
    pub(crate) fn folder(&self) -> &Path {
        self.data.path()
    }

    /// Kills it where it stands, and starts it again over the same folder.
    pub(crate) fn killed_and_started_again(self) -> Self {
        self.server.signal(Signal::KILL);
        self.started_again(|_| ())
    }

    /// Stops it in order, does something to its folder, and starts it again.
    pub(crate) fn stopped_and_started_again(self, between: impl FnOnce(&Path)) -> Self {
        self.server.signal(Signal::TERM);
        self.started_again(between)
    }

    fn started_again(self, between: impl FnOnce(&Path)) -> Self {
        let Self { server, data, flags } = self;
        server.wait();
        between(data.path());
        Self { server: start(&flags, data.path(), |start| start), data, flags }
    }

    /// Somebody new, who has not read the greeting yet.
    pub(crate) fn stranger(&self, wire: Wire) -> Person {
        let at = Wire::ALL.iter().position(|&other| other == wire).expect("there is a listener for each");
        Person { client: self.server.client(at), wire, unread: Vec::new() }
    }

    /// A guest, greeted, on lines.
    pub(crate) fn guest(&self) -> Person {
        self.guest_on(Wire::Lines)
    }

    pub(crate) fn guest_on(&self, wire: Wire) -> Person {
        let mut person = self.stranger(wire);
        let greeting = person.hears();
        assert!(greeting.starts_with("- parlor chat: you are guest"), "{greeting}");
        person
    }

    /// People with names, in the lobby, who have heard one another come.
    pub(crate) fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        let mut people = names.map(|name| {
            let mut person = self.guest();
            person.ask(&format!("/nick {name}"), &format!("- you are {name}"));
            person
        });
        for person in &mut people {
            person.fence();
        }
        people
    }

    /// The same for programs.
    pub(crate) fn programs<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        let mut people = self.people(names);
        for (person, name) in people.iter_mut().zip(names) {
            let welcome = format!(r#"{{"type":"welcome","nick":"{name}","session":"TOKEN","epoch":"EPOCH"}}"#);
            person.ask("/format json", &welcome);
        }
        people
    }
}

fn start(flags: &[String], folder: &Path, how: impl FnOnce(Start) -> Start) -> Server {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let folder = folder.to_str().expect("temporary folders have plain names");
    let mut start = Start::serve(&["--data", folder]).flags(&flags);
    for listener in ["chat=127.0.0.1:0", "chat+length=127.0.0.1:0", "chat+fixed=127.0.0.1:0"] {
        start = start.listen(listener);
    }
    how(start).go()
}

/// Somebody who is connected.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) client: Client,
    wire: Wire,
    unread: Vec<u8>,
}

impl Person {
    /// On a connection to any service, in lines.
    pub(crate) fn on(client: Client) -> Self {
        Self { client, wire: Wire::Lines, unread: Vec::new() }
    }

    /// Everything that the server had to say by now, and whether it closed then.
    pub(crate) fn fence_or_end(&mut self) -> (Vec<String>, bool) {
        let mut heard = Vec::new();
        for _ in 0..2 {
            self.says(FENCE);
            loop {
                match self.next() {
                    None => return (heard, true),
                    Some(line) if line.contains("/fence is no command") => break,
                    Some(line) => heard.push(line),
                }
            }
        }
        (heard, false)
    }

    /// Sends one line, framed.
    pub(crate) fn says(&mut self, line: &str) {
        self.client.send(&self.wire.frame(line.as_bytes()));
    }

    /// Sends several lines in one piece.
    pub(crate) fn says_all(&mut self, lines: &[&str]) {
        let frames: Vec<Vec<u8>> = lines.iter().map(|line| self.wire.frame(line.as_bytes())).collect();
        self.client.send(&frames.concat());
    }

    /// The next line; `None` when the server has closed.
    pub(crate) fn next(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.take() {
                return Some(line);
            }
            let mut bytes = [0; 16 * 1024];
            match self.client.socket.read(&mut bytes) {
                Ok(0) if self.unread.is_empty() => return None,
                Ok(count) if count > 0 => self.unread.extend_from_slice(&bytes[..count]),
                other => panic!("{other:?} instead of a line, after {}", show(&self.unread)),
            }
        }
    }

    /// Bytes that are no lines, and nothing else, come next.
    pub(crate) fn expects(&mut self, wanted: &[u8]) {
        let here = wanted.len().min(self.unread.len());
        let begun: Vec<u8> = self.unread.drain(..here).collect();
        assert_eq!(show(&begun), show(&wanted[..here]));
        self.client.expect(&wanted[here..]);
    }

    /// The next line, which must come.
    pub(crate) fn hears(&mut self) -> String {
        self.next().expect("the server closed instead of saying something")
    }

    fn take(&mut self) -> Option<String> {
        let (frame, used) = match self.wire {
            Wire::Lines => {
                let end = self.unread.iter().position(|&byte| byte == b'\n')?;
                (self.unread[..end].to_vec(), end + 1)
            }
            Wire::Length => {
                let (prefix, rest) = self.unread.split_first_chunk()?;
                let length = u32::from_be_bytes(*prefix) as usize;
                (rest.get(..length)?.to_vec(), 4 + length)
            }
            Wire::Fixed => {
                let frame = self.unread.get(..1024)?;
                let end = frame.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                (frame[..end].to_vec(), 1024)
            }
        };
        self.unread.drain(..used);
        Some(String::from_utf8(frame).expect("the chat speaks UTF-8"))
    }

    /// Fails if the next line is another. TIME, TOKEN, EPOCH and N stand for what varies.
    pub(crate) fn hear(&mut self, wanted: &str) {
        let line = self.hears();
        assert!(fits(wanted, &line, &mut Bound::new()), "heard {line:?} instead of {wanted:?}");
    }

    /// Several lines, in this order.
    pub(crate) fn hear_all(&mut self, wanted: &[&str]) {
        for line in wanted {
            self.hear(line);
        }
    }

    /// Says something, and fails if what comes next is no answer to it.
    pub(crate) fn ask(&mut self, line: &str, wanted: &str) {
        self.says(line);
        self.hear(wanted);
    }

    /// Says something, and fails if nothing more than these lines comes.
    pub(crate) fn ask_all(&mut self, line: &str, wanted: &[&str]) {
        self.says(line);
        self.hear_all(wanted);
        self.hears_nothing();
    }

    /// Says something wrong, and fails if the answer has another code.
    pub(crate) fn is_refused(&mut self, line: &str, code: &str) {
        self.says(line);
        let answer = self.hears();
        let plain = answer.starts_with(&format!("! {code}: "));
        let json = answer.starts_with(&format!(r#"{{"type":"error","code":"{code}","text":""#));
        assert!(plain || json, "{line:?} was answered {answer:?} instead of {code}");
    }

    /// Everything that the server had to say by now. For someone else's words, that one comes behind a fence first.
    /// Twice: an answer may come ahead of what rooms heard in the same moment, but not ahead of what was before it.
    pub(crate) fn fence(&mut self) -> Vec<String> {
        let (heard, closed) = self.fence_or_end();
        assert!(!closed, "the server closed, after {heard:#?}");
        heard
    }

    /// Fails if the server had anything to say.
    pub(crate) fn hears_nothing(&mut self) {
        let heard = self.fence();
        assert!(heard.is_empty(), "heard {heard:#?}");
    }

    /// Everything up to the end, which must be a clean one.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Fails if these are not the last words.
    pub(crate) fn hear_the_end(&mut self, wanted: &[&str]) {
        self.hear_all(wanted);
        let rest = self.rest();
        assert!(rest.is_empty(), "more came before the end: {rest:#?}");
    }

    /// Goes with a reset, which is what a broken line looks like.
    pub(crate) fn breaks(self) {
        self.client.reset();
    }

    /// The token of its session.
    pub(crate) fn token(&mut self) -> String {
        self.says("/session");
        let answer = self.hears();
        let token = answer.strip_prefix("- session ").unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(token.len(), 32, "{token}");
        token.to_owned()
    }
}

/// People who enter a room one after another, and have heard one another come.
pub(crate) fn meet<const N: usize>(room: &str, mut people: [&mut Person; N]) {
    for person in &mut people {
        person.says(&format!("/join {room}"));
        person.fence();
    }
    for person in people {
        person.fence();
    }
}

/// What placeholders stood for so far.
pub(crate) type Bound = BTreeMap<&'static str, String>;

/// Is a line as wanted? TIME stands for a time, N for a number, TOKEN for a session's token and EPOCH for the
/// history's name; these two are the same wherever they come again.
pub(crate) fn fits(mut wanted: &str, mut line: &str, bound: &mut Bound) -> bool {
    while let Some((at, name)) = placeholder(wanted) {
        let (Some(rest), true) = (line.get(at..), line.as_bytes().get(..at) == Some(&wanted.as_bytes()[..at])) else {
            return false;
        };
        let value = &rest[..extent(name, rest)];
        let is_new = matches!(name, "TIME" | "N") || !bound.contains_key(name);
        if value.is_empty() || !is_new && bound[name] != value {
            return false;
        }
        bound.insert(name, value.to_owned());
        (wanted, line) = (&wanted[at + name.len()..], &rest[value.len()..]);
    }
    wanted == line
}

/// Puts what placeholders stand for in their places.
pub(crate) fn filled(line: &str, bound: &Bound) -> String {
    let mut filled = String::new();
    let mut rest = line;
    while let Some((at, name)) = placeholder(rest) {
        filled.push_str(&rest[..at]);
        filled.push_str(bound.get(name).map_or(name, String::as_str));
        rest = &rest[at + name.len()..];
    }
    filled + rest
}

/// The first placeholder: a word of its own.
fn placeholder(text: &str) -> Option<(usize, &'static str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let found = ["TIME", "TOKEN", "EPOCH", "N"].into_iter().filter_map(|name| {
        text.match_indices(name)
            .find(|&(at, _)| !text[..at].ends_with(is_part) && !text[at + name.len()..].starts_with(is_part))
            .map(|(at, _)| (at, name))
    });
    found.min()
}

/// How much of a text a placeholder stands for.
fn extent(name: &str, text: &str) -> usize {
    let run = |is: fn(char) -> bool| text.find(|c| !is(c)).unwrap_or(text.len());
    if text.starts_with(name) {
        return name.len(); // a line that shows how something is written
    }
    match name {
        "N" => run(|c| c.is_ascii_digit()),
        "TOKEN" => Some(run(|c| c.is_ascii_hexdigit())).filter(|&length| length == 32).unwrap_or(0),
        "EPOCH" => run(|c| c.is_ascii_alphanumeric() || c == '-'),
        _ => {
            let shape = "0000-00-00T00:00:00.000Z";
            let has_shape = text.len() >= shape.len()
                && shape.bytes().zip(text.bytes()).all(|(s, t)| if s == b'0' { t.is_ascii_digit() } else { s == t });
            if has_shape { shape.len() } else { 0 }
        }
    }
}
