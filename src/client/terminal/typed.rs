//! What becomes of a line that was typed: said, obeyed by the client, or sent to the server to be obeyed.

use super::Terminal;
use super::entry::{Entry, Kind};
use crate::client::chat::{SECRET, naming};
use crate::hub::Cx;
use crate::services::chat::{MAX_SAID, holds_a_secret, neutralise};

const KEYS: &str = "keys: PgUp and PgDn through what was said; Alt-1 to Alt-9 or /room NAME to another room; /clear empties it here; \
    Tab completes; Up and Down bring lines back; Ctrl-A E U K W Y L and Alt-B F D as in a shell; Ctrl-C leaves; Ctrl-Z stops for a while";

impl Terminal {
    pub(super) fn line(&mut self, cx: &mut Cx<'_>, line: &str) {
        let Some(command) = line.strip_prefix('/') else {
            return if holds_a_secret(line) { self.notice(cx, Kind::Wrong, SECRET) } else { self.say(cx, line, false) };
        };
        if command.starts_with('/') {
            return self.say(cx, command, false);
        }
        let (word, rest) = command.split_once(' ').map_or((command, ""), |(word, rest)| (word, rest.trim()));
        let room = self.board.current().name.clone();
        match word.to_lowercase().as_str() {
            "me" if !rest.is_empty() => self.say(cx, rest, true),
            "quit" | "exit" => self.leave(cx, rest),
            "room" => self.go_to(cx, rest),
            "clear" => self.board.clear(),
            "help" if rest.is_empty() => {
                self.notice(cx, Kind::Notice, KEYS);
                self.send(cx, "/help");
            }
            "msg" => self.whisper(cx, line, rest),
            "join" => {
                // One that we are in already is looked at.
                let place = self.board.rooms.iter().position(|known| known.name == naming::room(rest));
                if self.send(cx, line) {
                    place.map(|place| self.board.look_at(place));
                }
            }
            // The server takes these for the room joined last; here they mean the one that is looked at.
            "who" => {
                let room = if rest.is_empty() { &room } else { rest.trim_start_matches('#') };
                if self.send(cx, &format!("/who #{room}")) {
                    self.lists.push_back(false);
                }
            }
            "leave" | "unlock" if rest.is_empty() => {
                self.send(cx, &format!("/{word} #{room}"));
            }
            "history" if rest.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.send(cx, format!("/history #{room} {rest}").trim_end());
            }
            "topic" | "lock" | "invite" => {
                self.send(cx, &format!("/join #{room}"));
                self.send(cx, line);
            }
            _ => {
                self.send(cx, line);
            }
        }
    }

    /// Answers whether it was sent.
    fn send(&mut self, cx: &Cx<'_>, line: &str) -> bool {
        if self.down.is_some() {
            self.notice(cx, Kind::Wrong, "there is no connection; commands are not kept until there is one");
            return false;
        }
        let sent = self.talk.conversation.obey(line);
        if let Err(why) = sent {
            self.notice(cx, Kind::Wrong, why);
        }
        sent.is_ok()
    }

    /// Says something to one person. The server says nothing of it unless it fails.
    fn whisper(&mut self, cx: &mut Cx<'_>, line: &str, rest: &str) {
        let said = rest.split_once(' ');
        if self.send(cx, line)
            && let Some((name, text)) = said
        {
            let entry = Entry::plain(Kind::Whispered, &self.time_now(cx.wall()), &neutralise(text));
            self.board.add(None, Entry { who: naming::tidy(name.trim_start_matches('@')), ..entry });
        }
    }

    fn go_to(&mut self, cx: &Cx<'_>, name: &str) {
        let name = naming::room(name);
        let place = self.board.rooms.iter().position(|room| room.name == name);
        let place = place.or_else(|| name.parse().ok().map(|number: usize| number.wrapping_sub(1)));
        match place {
            Some(place) if self.board.look_at(place) => {}
            _ if name.is_empty() => self.notice(cx, Kind::Notice, "/room NAME looks at another room"),
            _ => {
                self.send(cx, &format!("/join #{name}"));
            }
        }
    }

    fn say(&mut self, cx: &mut Cx<'_>, text: &str, action: bool) {
        let size = neutralise(text).len();
        if size > MAX_SAID {
            return self.notice(cx, Kind::Wrong, &format!("{size} bytes are too many to be said; at most {MAX_SAID}"));
        }
        if self.talk.conversation.outgoing.is_overfull() {
            return self.notice(cx, Kind::Wrong, "so much waits to be said that this was not taken");
        }
        let room = self.board.current().name.clone();
        let id = self.talk.conversation.outgoing.say(&room, text, action);
        let kind = if action { Kind::Done } else { Kind::Said };
        let who = self.talk.conversation.me().to_owned();
        let entry = Entry::plain(kind, &self.time_now(cx.wall()), &neutralise(text));
        self.board.add(Some(&room), Entry { who, pending: Some(id), ..entry });
    }
}
