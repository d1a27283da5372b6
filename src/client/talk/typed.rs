//! What becomes of a line that was typed: said, or obeyed.

use super::face::Face;
use super::service::Talk;
use super::wire::TEXT;
use crate::hub::Cx;
use crate::services::chat::neutralise;

/// Lines for one person that wait; then no more are read. A script must not fill the memory.
pub(super) const QUEUE: usize = 1000;

const HELP: &str = "a line is said to whom you talk to; /to NAME or quit changes that; /who shows the book; // begins a \
                    line with /; /quit or the end of the input leaves";

impl Talk {
    /// A line of the input.
    pub(super) fn typed(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        if let Err(complaint) = self.obey(cx, line) {
            // A person sees it, and says it another way.
            self.failed |= !self.is_person;
            self.face.complain(cx, &complaint);
        }
    }

    fn obey(&mut self, cx: &mut Cx<'_>, line: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(line).map_err(|_| "not-utf8: this line is no UTF-8 text; it was not sent")?;
        match text.split_once(' ').unwrap_or((text, "")) {
            _ if text.trim().is_empty() => {}
            ("quit", "") => {
                self.circle.choose_nobody();
                self.face.note(cx, &format!("to whom? {}", self.circle.names()));
            }
            ("/quit", _) => self.leave(cx),
            ("/to", name) => self.choose(cx, name)?,
            ("/who", "") => {
                for one in self.circle.book().people() {
                    self.face.note(cx, &format!("{} at {}", one.name, one.address));
                }
            }
            ("/help", _) => self.face.note(cx, HELP),
            _ if text.starts_with('/') && !text.starts_with("//") => {
                return Err(format!("unknown-command: {}; {HELP}", neutralise(text)));
            }
            _ if text.len() > TEXT => {
                return Err(format!("too-long: a line has at most {TEXT} bytes; it was not sent"));
            }
            _ if self.circle.partner().is_none() => self.choose(cx, text)?,
            _ => self.say(cx, text.strip_prefix('/').unwrap_or(text))?,
        }
        Ok(())
    }

    fn choose(&mut self, cx: &Cx<'_>, name: &str) -> Result<(), String> {
        let news = self.circle.choose(name.trim())?;
        self.face.note(cx, &news);
        Ok(())
    }

    fn say(&mut self, cx: &mut Cx<'_>, text: &str) -> Result<(), String> {
        let waiting = self.circle.partner().map_or(0, |(peer, _)| peer.outgoing.len());
        match &self.face {
            Face::Lines(lines) if waiting + 1 >= QUEUE => lines.hold(cx),
            // Keys can't be held back: Ctrl-C is one of them.
            Face::Screen(_) if waiting >= QUEUE => {
                return Err(format!("too-much: {waiting} lines wait; this one was not taken"));
            }
            _ => {}
        }
        self.circle.say(text, cx.now());
        self.face.said(cx, self.circle.me(), text);
        Ok(())
    }
}
