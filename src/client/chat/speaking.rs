//! What a script says, line by line, and what it is shown of what others say.

use super::conversation::{Event, SECRET};
use super::heard::Heard;
use super::outgoing::Saying;
use super::plain::{harmless, plain};
use super::script::{Input, Script};
use crate::client::standard::say_aside;
use crate::client::trouble::Trouble;
use crate::hub::{Cx, Framing, Sent};
use crate::services::chat::{MAX_SAID, holds_a_secret, neutralise};

/// The longest line of input that is looked at; what can be said is far shorter.
const LONGEST_INPUT: u32 = 60 * 1024;

impl Script {
    pub(super) fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        match event {
            Event::Ready(false) => self.begin_to_speak(cx),
            Event::Ready(true) => say_aside(&format!("connected again to {}", self.talk.address())),
            Event::Heard(line, heard) => self.heard(cx, &line, &heard),
            Event::Receipt(..) => self.receipts.0 += 1,
            Event::Pong(_) => {}
            Event::Refused(saying) => self.refused(cx, &saying),
            Event::Failed(why) => self.fail_to_stand(cx, &Trouble::Wrong(why)),
        }
    }

    pub(super) fn begin_to_speak(&mut self, cx: &mut Cx<'_>) {
        let send = std::mem::take(&mut self.settings.send);
        for line in send.iter().flat_map(|text| text.lines()) {
            // After `/quit`, or what could not be said, nothing more is.
            if self.input == Input::NotYet {
                // The last line too may have come out of a file whose lines end so.
                self.take(cx, line.strip_suffix('\r').unwrap_or(line).as_bytes());
            }
        }
        self.input = Input::Over;
        if self.settings.reads {
            match self.standard.input() {
                Ok(input) => self.input = Input::Open(cx.open(input, Framing::Lines { max: LONGEST_INPUT })),
                Err(error) => self.fail(cx, &format!("standard input: {error}")),
            }
        }
    }

    /// One line is to be said.
    pub(super) fn take(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        self.lines += 1;
        let Ok(text) = std::str::from_utf8(line) else {
            return self.fail(cx, &format!("line {} is no UTF-8 text", self.lines));
        };
        if text.trim().is_empty() {
            return;
        }
        let size = neutralise(text).len();
        if size > MAX_SAID {
            return self.fail(cx, &format!("line {} has {size} bytes, and at most {MAX_SAID} can be said", self.lines));
        }
        if self.settings.commands && !text.starts_with('/') && holds_a_secret(text) {
            return self.fail(cx, &format!("line {}: {SECRET}", self.lines));
        }
        let conversation = &mut self.talk.conversation;
        let room = conversation.room().to_owned();
        let (command, doubled) = (self.settings.commands && text.starts_with('/'), text.starts_with("//"));
        match text.strip_prefix("/me ") {
            Some(deed) if command => drop(conversation.outgoing.say(&room, deed, true)),
            _ if command && doubled => drop(conversation.outgoing.say(&room, &text[1..], false)),
            _ if command => self.obey(cx, text),
            _ => drop(conversation.outgoing.say(&room, text, false)),
        }
        self.said += 1;
    }

    fn obey(&mut self, cx: &mut Cx<'_>, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        if word.eq_ignore_ascii_case("/quit") {
            rest.clone_into(&mut self.last_words);
            (self.settings.follow, self.settings.count) = (false, None);
            self.stop_reading(cx);
        } else if let Err(why) = self.talk.conversation.obey(line) {
            self.fail(cx, &format!("line {}: {word}: {why}", self.lines));
        }
    }

    pub(super) fn heard(&mut self, cx: &mut Cx<'_>, line: &str, heard: &Heard) {
        if let Heard::Error { code, text } = heard {
            self.complaint(cx, code, text);
        }
        let counts = heard.said().is_some_and(|said| !said.old) || matches!(heard, Heard::Private { .. });
        let shown = match heard {
            _ if self.settings.json => Some(harmless(line).into_owned()),
            Heard::Info { .. } | Heard::End { .. } if !self.settings.commands => None,
            Heard::Info { text } if self.leaving && text == "goodbye" => None,
            Heard::Error { .. } => None,
            _ => plain(heard),
        };
        let enough = self.settings.count.is_some_and(|count| self.heard >= count);
        if let Some(shown) = shown.filter(|_| !enough) {
            self.show(cx, &shown);
            self.heard += u64::from(counts);
        }
    }

    pub(super) fn complaint(&mut self, cx: &mut Cx<'_>, code: &str, text: &str) {
        let text = neutralise(&format!("{code}: {text}")).into_owned();
        if !self.talk.conversation.has_been() {
            self.fail(cx, &text);
        } else if self.settings.commands || self.talk.conversation.outgoing.is_empty() {
            say_aside(&text);
        } else if self.complaint.is_none() {
            // Perhaps that is why something will not be said; it is known soon.
            self.complaint = Some(text);
        }
    }

    /// The complaint did not concern what we say.
    pub(super) fn say_complaint(&mut self) {
        if let Some(complaint) = self.complaint.take() {
            say_aside(&complaint);
        }
    }

    pub(super) fn refused(&mut self, cx: &mut Cx<'_>, saying: &Saying) {
        let why = self.complaint.take().unwrap_or_else(|| "the server did not take it".to_owned());
        self.fail(cx, &format!("{:?} was not said: {why}", saying.text));
    }

    pub(super) fn show(&mut self, cx: &mut Cx<'_>, line: &str) {
        let Some(output) = self.output else { return };
        match cx.send(output, line.as_bytes()) {
            Sent::Full => self.talk.hold(cx),
            // `closed` tells why.
            Sent::Gone => cx.close(output),
            Sent::Queued | Sent::Waiting => {}
        }
    }

    /// Nobody reads what we show. Whoever only listens is done; what is to be said goes out all the same.
    pub(super) fn unheard(&mut self, cx: &mut Cx<'_>) {
        self.output = None;
        if self.finished {
            cx.stop();
        }
        self.talk.release(cx);
        (self.settings.follow, self.settings.count) = (false, None);
    }
}
