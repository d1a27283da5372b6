//! What the server speaks: how one comes into a room, says something and hears it. So the same work can be given to
//! other servers, and compared.

use memchr::memchr;

/// A server's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Parlor's chat, in the plain form.
    Parlor,
    /// Lines as they are: an echo, a relay, the floor.
    Lines,
    /// Redis: PUBLISH and SUBSCRIBE, or ECHO.
    Redis,
    /// NATS: PUB and SUB.
    Nats,
    /// IRC: PRIVMSG in a channel.
    Irc,
}

/// What one connection is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Speaks in the room.
    Speaker,
    /// Is in the room and hears.
    Hearer,
    /// In the room, with a name and a session.
    Member,
    /// Hears what it says itself.
    Echo,
    /// Is there, wherever the server puts it.
    Visitor,
}

/// What a line that is no message means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// Nothing to us.
    Nothing,
    /// The server greets. A visitor has nothing else to wait for.
    Welcome,
    /// This connection is where it should be.
    Ready,
    /// It wants this answer: a heartbeat.
    Answer(Vec<u8>),
    /// The server is not content.
    Complaint,
    /// A message, but not as ours are to stand on the wire: it came out otherwise, or others speak here too. If it is
    /// only that speakers' names have another length than was thought, this is it.
    Message(Option<usize>),
}

/// How a message stands on the wire where it is heard. All of one measurement are equally long, which makes them
/// cheap to find: a generator must be faster than what it measures.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    head: Vec<u8>,
    /// Bytes of the speaker's name.
    name: usize,
    middle: Vec<u8>,
    size: usize,
    tail: &'static [u8],
}

/// What stands at the front of the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// Under which name a message comes, its text, and how long all of it is.
    Text(&'a [u8], &'a [u8], usize),
    /// A line that is none, and how long it is with its end.
    Line(&'a [u8], usize),
    /// Not enough to tell.
    More,
}

impl Shape {
    pub(super) fn find<'a>(&self, bytes: &'a [u8]) -> Found<'a> {
        if self.size == 0 {
            return line(bytes);
        }
        let total = self.head.len() + self.name + self.middle.len() + self.size + self.tail.len();
        if let Some((name, text)) = bytes.get(..total).and_then(|message| self.text(message)) {
            return Found::Text(name, text, total);
        }
        let compared = self.head.len().min(bytes.len());
        let begins = !self.head.is_empty() && bytes[..compared] == self.head[..compared] && bytes.len() < total;
        if begins && memchr(b'\n', &bytes[compared..]).is_none() {
            return Found::More;
        }
        line(bytes)
    }

    fn text<'a>(&self, message: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let (name, rest) = message.strip_prefix(&self.head[..])?.split_at_checked(self.name)?;
        Some((name, rest.strip_prefix(&self.middle[..])?.strip_suffix(self.tail)?))
    }

    /// Is another length of names than so far meant?
    pub(super) fn renames(&self, name: usize) -> bool {
        self.name != name
    }

    pub(super) fn set_name(&mut self, name: usize) {
        self.name = name;
    }
}

pub(super) fn line(bytes: &[u8]) -> Found<'_> {
    match memchr(b'\n', bytes) {
        Some(end) => Found::Line(bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]), end + 1),
        None => Found::More,
    }
}

/// A dialect, spoken in one room.
#[derive(Debug, Clone)]
pub(super) struct Language {
    pub(super) dialect: Dialect,
    pub(super) room: String,
    /// How speakers' names begin.
    pub(super) name: String,
    /// How many digits follow.
    pub(super) digits: usize,
    pub(super) is_echo: bool,
}

impl Language {
    /// Does a connection that stands need to hear something before it is where it should be?
    pub(super) fn is_ready_at_once(&self, part: Part) -> bool {
        match self.dialect {
            Dialect::Lines => true,
            Dialect::Redis => part != Part::Hearer,
            // Its first line says where one is; nothing else is waited for.
            Dialect::Parlor | Dialect::Nats | Dialect::Irc => false,
        }
    }

    /// Does a speaker hear the other speakers?
    pub(super) fn speakers_hear(&self) -> bool {
        matches!(self.dialect, Dialect::Parlor | Dialect::Lines | Dialect::Irc)
    }

    fn speaker(&self, index: usize) -> String {
        format!("{}{index:0width$}", self.name, width = self.digits)
    }

    /// How the name begins under which a speaker is heard. All of them are equally long, so where nothing follows, it
    /// is the name.
    pub(super) fn signature(&self, index: usize) -> Vec<u8> {
        let signature = match self.dialect {
            Dialect::Parlor => self.speaker(index),
            Dialect::Irc => self.speaker(index) + "!",
            Dialect::Lines | Dialect::Redis | Dialect::Nats => String::new(),
        };
        signature.into_bytes()
    }

    /// What a connection says first.
    pub(super) fn greeting(&self, part: Part, index: usize) -> String {
        let (room, name) = (&self.room, self.speaker(index));
        match (self.dialect, part) {
            (Dialect::Parlor | Dialect::Nats, Part::Visitor) => String::new(),
            (Dialect::Parlor, Part::Hearer) => format!("/join {room}\n/leave lobby\n"),
            (Dialect::Parlor, Part::Member) => format!("/nick {name}\n/join {room}\n/leave lobby\n/session\n"),
            (Dialect::Parlor, _) => format!("/nick {name}\n/join {room}\n/leave lobby\n"),
            (Dialect::Redis, Part::Hearer) => format!("SUBSCRIBE {room}\r\n"),
            (Dialect::Lines | Dialect::Redis, _) => String::new(),
            (Dialect::Nats, part) => {
                let subscribe = if part == Part::Hearer { format!("SUB {room} 1\r\n") } else { String::new() };
                format!("CONNECT {{\"verbose\":false,\"pedantic\":false,\"lang\":\"bench\"}}\r\n{subscribe}PING\r\n")
            }
            (Dialect::Irc, Part::Visitor) => format!("NICK h{index}\r\nUSER bench 0 * :bench\r\n"),
            (Dialect::Irc, Part::Hearer) => format!("NICK h{index}\r\nUSER bench 0 * :bench\r\nJOIN #{room}\r\n"),
            (Dialect::Irc, _) => format!("NICK {name}\r\nUSER bench 0 * :bench\r\nJOIN #{room}\r\n"),
        }
    }

    /// What stands before and behind a text of this size when a speaker sends it.
    pub(super) fn around(&self, size: usize) -> (Vec<u8>, &'static [u8]) {
        let room = &self.room;
        let head = match self.dialect {
            Dialect::Parlor | Dialect::Lines => String::new(),
            Dialect::Redis if self.is_echo => format!("*2\r\n$4\r\nECHO\r\n${size}\r\n"),
            Dialect::Redis => format!("*3\r\n$7\r\nPUBLISH\r\n${}\r\n{room}\r\n${size}\r\n", room.len()),
            Dialect::Nats => format!("PUB {room} {size}\r\n"),
            Dialect::Irc => format!("PRIVMSG #{room} :"),
        };
        (head.into_bytes(), self.line_end())
    }

    fn line_end(&self) -> &'static [u8] {
        match self.dialect {
            Dialect::Parlor | Dialect::Lines => b"\n",
            Dialect::Redis | Dialect::Nats | Dialect::Irc => b"\r\n",
        }
    }

    /// A message as a hearer gets it.
    pub(super) fn shape(&self, size: usize) -> Shape {
        let (room, named) = (&self.room, self.speaker(0).len());
        let (head, name, middle) = match self.dialect {
            Dialect::Parlor => (format!("#{room} <"), named, "> ".to_owned()),
            Dialect::Lines => (String::new(), 0, String::new()),
            Dialect::Redis if self.is_echo => (format!("${size}\r\n"), 0, String::new()),
            Dialect::Redis => {
                (format!("*3\r\n$7\r\nmessage\r\n${}\r\n{room}\r\n${size}\r\n", room.len()), 0, String::new())
            }
            Dialect::Nats => (format!("MSG {room} 1 {size}\r\n"), 0, String::new()),
            // How the server calls the speaker's machine is learnt when the first message comes.
            Dialect::Irc => (":".to_owned(), named, format!(" PRIVMSG #{room} :")),
        };
        Shape { head: head.into_bytes(), name, middle: middle.into_bytes(), size, tail: self.line_end() }
    }

    /// What a line that is no message means.
    pub(super) fn control(&self, line: &[u8]) -> Control {
        match self.dialect {
            Dialect::Lines => Control::Complaint,
            Dialect::Parlor => match line {
                [b'!', ..] => Control::Complaint,
                _ if line.starts_with(b"- you left #lobby") => Control::Ready,
                _ if line.starts_with(b"- parlor chat:") => Control::Welcome,
                _ if line.starts_with(b"PING") => pong(line),
                _ if self.is_said(line) => Control::Message(None),
                [b'#' | b'@' | b'-', ..] => Control::Nothing,
                _ => Control::Message(None),
            },
            // A subscription's answer ends with how many there are; so does a publication's, which nobody waits for.
            Dialect::Redis => match line {
                [b':', ..] => Control::Ready,
                [b'-', ..] => Control::Complaint,
                // An answer of another length than what was said.
                [b'$', ..] if self.is_echo => Control::Message(None),
                b"message" if self.room != "message" => Control::Message(None),
                _ => Control::Nothing,
            },
            Dialect::Nats => match line {
                _ if line.starts_with(b"INFO") => Control::Welcome,
                b"PING" => pong(line),
                b"PONG" => Control::Ready,
                _ if line.starts_with(b"MSG ") => Control::Message(None),
                [b'-', ..] => Control::Complaint,
                _ => Control::Nothing,
            },
            Dialect::Irc => self.irc(line),
        }
    }

    /// Is it `#ROOM <NAME> TEXT`?
    fn is_said(&self, line: &[u8]) -> bool {
        let rest = line.strip_prefix(b"#").and_then(|rest| rest.strip_prefix(self.room.as_bytes()));
        rest.is_some_and(|rest| rest.starts_with(b" <"))
    }

    fn irc(&self, line: &[u8]) -> Control {
        if line.starts_with(b"PING") {
            return pong(line);
        }
        let mut words = line.split(|&byte| byte == b' ');
        let (source, command) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match command {
            // The list of names in the channel is over: we are in it.
            b"366" => Control::Ready,
            b"001" => Control::Welcome,
            b"PRIVMSG" if words.next() == Some(format!("#{}", self.room).as_bytes()) => {
                Control::Message(source.strip_prefix(b":").map(<[u8]>::len))
            }
            [b'4' | b'5', _, _] if command != b"422" => Control::Complaint,
            _ if source == b"ERROR" => Control::Complaint,
            _ => Control::Nothing,
        }
    }
}

/// The same line with the other word in front.
fn pong(ping: &[u8]) -> Control {
    let mut answer = ping.to_vec();
    answer[1] = b'O';
    answer.extend_from_slice(b"\r\n");
    Control::Answer(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(dialect: Dialect, line: &[u8]) -> Control {
        let language = Language { dialect, room: "bench".into(), name: "s".into(), digits: 1, is_echo: false };
        language.control(line)
    }

    #[test]
    fn an_echo_of_another_length_is_noticed() {
        let dialect = Dialect::Redis;
        let language = Language { dialect, room: String::new(), name: String::new(), digits: 1, is_echo: true };
        assert_eq!(language.control(b"$3"), Control::Message(None));
        assert_eq!(control(Dialect::Redis, b"$3"), Control::Nothing);
    }

    #[test]
    fn a_message_that_is_not_one_of_ours_is_noticed() {
        for (dialect, line) in [
            (Dialect::Parlor, "#bench <alice> hello"),
            (Dialect::Redis, "message"),
            (Dialect::Nats, "MSG bench 1 5"),
            (Dialect::Irc, " PRIVMSG #bench :no source"),
        ] {
            assert_eq!(control(dialect, line.as_bytes()), Control::Message(None), "{line}");
        }
        assert_eq!(control(Dialect::Irc, b":s0!s@here PRIVMSG #bench :hello"), Control::Message(Some(9)));
        assert_eq!(control(Dialect::Irc, b":s0!s@here PRIVMSG #other :hello"), Control::Nothing);
        assert_eq!(control(Dialect::Parlor, b"?bench <alice> hello"), Control::Message(None));
        for notice in
            ["#bench -- alice joined", "#bench * alice waves", "#benches <alice> hello", "- news", "@alice hello"]
        {
            assert_eq!(control(Dialect::Parlor, notice.as_bytes()), Control::Nothing, "{notice}");
        }
    }
}
