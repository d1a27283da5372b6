//! `parlor chat` for scripts: lines in, lines out.

use std::time::Duration;

use super::outgoing::OUTSTANDING;
use super::talk::{News, Talk};
use crate::client::standard::{Standard, say_aside, unkept};
use crate::hub::{ConnId, Cx, Done, Fault, Framing, Hold, JobId, Limits, Moment, News as HubNews, Reason, Service};

/// If in so long fewer receipts came than lines may be on their way, each line waits as long: the server paces us.
const PACED: Duration = Duration::from_secs(2);

/// Enough is on its way.
const ENOUGH: Hold = Hold::own(0);

/// How a script wants it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// To be said instead of what standard input has.
    pub send: Vec<String>,
    /// Stay when everything is said.
    pub follow: bool,
    /// Leave when so much was heard.
    pub count: Option<u64>,
    /// Leave after so long at the latest.
    pub timeout: Option<Duration>,
    /// Show the server's lines as they are.
    pub json: bool,
    /// Obey lines that begin with `/`.
    pub commands: bool,
    /// Read standard input.
    pub reads: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    NotYet,
    Open(ConnId),
    Over,
}

/// The script's side of a talk.
#[derive(Debug)]
pub struct Script {
    pub(super) talk: Talk,
    pub(super) settings: Settings,
    pub(super) standard: Standard,
    pub(super) input: Input,
    pub(super) output: Option<ConnId>,
    /// Whoever reads that.
    reader: Option<ConnId>,
    /// Lines of input so far, and of them those that were said.
    pub(super) lines: u64,
    pub(super) said: u64,
    pub(super) heard: u64,
    /// When to look whether the server paces us, and how many receipts had come when that was decided.
    pub(super) look: Moment,
    pub(super) receipts: (u64, u64),
    pub(super) told_of_pace: bool,
    pub(super) timeout: Moment,
    pub(super) farewell: Moment,
    pub(super) leaving: bool,
    /// All is done but what standard output has not taken yet.
    pub(super) finished: bool,
    /// What the server complained of, until it is known what it was about.
    pub(super) complaint: Option<String>,
    /// Of `/quit`.
    pub(super) last_words: String,
    pub(super) failure: Option<String>,
}

impl Script {
    /// A script's client to be.
    #[must_use]
    pub fn new(talk: Talk, settings: Settings) -> Self {
        Self {
            talk,
            settings,
            standard: Standard::default(),
            input: Input::NotYet,
            output: None,
            reader: None,
            lines: 0,
            said: 0,
            heard: 0,
            look: Moment::NEVER,
            receipts: (0, 0),
            told_of_pace: false,
            timeout: Moment::NEVER,
            farewell: Moment::NEVER,
            leaving: false,
            finished: false,
            complaint: None,
            last_words: String::new(),
            failure: None,
        }
    }

    /// Begins.
    ///
    /// # Errors
    /// When there is no standard output.
    pub fn begin(&mut self, cx: &mut Cx<'_>) -> std::io::Result<()> {
        let output = cx.open(self.standard.output()?, Framing::LINES);
        // Whoever reads us may take all the time there is: `less` waits for a key.
        let patient = Limits { stall: Duration::from_secs(u64::from(u32::MAX)), low: 0, ..Limits::default() };
        cx.set_limits(output, &std::rc::Rc::new(patient));
        self.output = Some(output);
        self.reader = Standard::reader().map(|reader| cx.open(reader, Framing::Raw));
        if let Some(timeout) = self.settings.timeout {
            self.timeout = cx.now() + timeout;
        }
        self.talk.connect(cx);
        self.follow(cx);
        Ok(())
    }

    /// Why it did not go well, if so.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Draws the consequences of whatever happened.
    fn follow(&mut self, cx: &mut Cx<'_>) {
        while let Some(news) = self.talk.news() {
            match news {
                News::Event(event) => self.event(cx, event),
                News::Down(trouble, pause) => self.down(cx, &trouble, pause),
                News::RoundTrip(_) => {}
            }
        }
        self.talk.send(cx);
        let is_full = self.talk.conversation.outgoing.is_full();
        if let Input::Open(id) = self.input {
            if is_full { cx.hold(id, ENOUGH) } else { cx.release(id, ENOUGH) }
        }
        if is_full && self.look == Moment::NEVER && !self.told_of_pace {
            (self.look, self.receipts.1) = (cx.now() + PACED, self.receipts.0);
        }
        if self.is_done() {
            self.leave(cx);
        }
        cx.set_alarm(self.talk.due().min(self.timeout).min(self.farewell).min(self.look));
    }

    fn is_done(&self) -> bool {
        let over = match self.settings.count {
            Some(count) => self.heard >= count,
            None => self.input == Input::Over && !self.settings.follow,
        };
        let began = self.input != Input::NotYet;
        over && began && self.talk.conversation.outgoing.is_empty()
    }
}

impl Service for Script {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.talk.is(id) {
            self.talk.opened(cx, id);
        }
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        if self.input == Input::Open(id) {
            self.take(cx, frame);
            self.follow(cx);
        } else if self.talk.is(id) {
            self.talk.frame(cx, id, frame);
            self.follow(cx);
        }
    }

    fn fault(&mut self, cx: &mut Cx<'_>, id: ConnId, fault: Fault) {
        if self.input == Input::Open(id) {
            self.fail(cx, &format!("line {}: {}", self.lines + 1, fault.to_string().trim_start_matches("! ")));
        }
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        cx.close(id);
        if self.input == Input::Open(id) {
            self.input = Input::Over;
            self.follow(cx);
        } else if self.reader == Some(id)
            && let Some(output) = self.output
        {
            cx.close(output);
        }
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.output == Some(id) {
            self.talk.release(cx);
            if self.finished {
                self.stop_when_shown(cx);
            }
        }
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.talk.is(id) {
            self.talk.timer(cx, id);
        }
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.talk.alarm(cx);
        if now >= self.farewell {
            self.farewell = Moment::NEVER;
            self.break_off(cx);
        }
        if now >= self.timeout {
            self.timeout = Moment::NEVER;
            self.cut_short(cx, "the time is up");
        }
        if now >= self.look {
            self.look = Moment::NEVER;
            let came = self.receipts.0 - self.receipts.1;
            let outgoing = &self.talk.conversation.outgoing;
            // Half: a receipt may have come this very moment, and nothing been read since.
            if 2 * outgoing.len() >= OUTSTANDING && came < OUTSTANDING as u64 && self.talk.conversation.is_present() {
                self.told_of_pace = true;
                say_aside("the server paces us: it reads our lines later, and none is lost");
            }
        }
        self.follow(cx);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        self.talk.done(cx, job, result);
        self.follow(cx);
    }

    fn told(&mut self, cx: &mut Cx<'_>, news: HubNews) {
        if news == HubNews::Stopping {
            self.cut_short(cx, "interrupted");
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        if self.output == Some(id) {
            self.unheard(cx);
            // Whoever goes while we speak has heard enough. Else what should be kept was not.
            if let Some(kind) = unkept(why) {
                self.fail(cx, &format!("standard output: {kind}"));
            }
        } else if self.input == Input::Open(id) {
            self.input = Input::Over;
            if !matches!(why, Reason::Ended | Reason::Closed) {
                self.fail(cx, &format!("standard input: {why}"));
            }
        } else if self.talk.is(id) {
            self.talk.closed(cx, id, why);
        }
        self.follow(cx);
    }
}
