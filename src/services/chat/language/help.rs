//! All commands, as people see them.

/// One command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Help {
    /// Its word, without `/`.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it does.
    pub line: &'static str,
    /// A line that uses it.
    pub example: &'static str,
}

impl Help {
    /// The command of that name, in any case, with or without `/`.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = name.strip_prefix('/').unwrap_or(name);
        COMMANDS.iter().find(|help| help.name.eq_ignore_ascii_case(name))
    }
}

const fn help(name: &'static str, usage: &'static str, line: &'static str, example: &'static str) -> Help {
    Help { name, usage, line, example }
}

/// Every command, in the order in which `/help` shows them.
pub const COMMANDS: &[Help] = &[
    help("nick", "/nick NAME", "takes a name", "/nick alice"),
    help("join", "/join ROOM [PASSWORD]", "enters a room and speaks there from now on", "/join rust"),
    help("leave", "/leave [ROOM]", "leaves a room, the current one if none is named", "/leave rust"),
    help("rooms", "/rooms", "lists the rooms", "/rooms"),
    help("who", "/who [ROOM]", "lists who is in a room", "/who rust"),
    help(
        "topic",
        "/topic [TEXT|-|lock|unlock]",
        "shows the room's topic, sets it, or takes it away (-)",
        "/topic all about Rust",
    ),
    help("me", "/me TEXT", "says what you do", "/me waves"),
    help("msg", "/msg NAME TEXT", "speaks to one person; never recorded", "/msg bob are you there?"),
    help("history", "/history [ROOM] [COUNT]", "shows what was said, with numbers", "/history rust 20"),
    help("resume", "/resume ROOM SEQ", "enters a room, replays all after SEQ, goes on live", "/resume rust 17"),
    help(
        "session",
        "/session [TOKEN [ROOM SEQ]...]",
        "shows this session's token, or takes up an earlier session",
        "/session 0123456789abcdef rust 17",
    ),
    help("login", "/login NAME PASSWORD", "proves who you are", "/login alice correct horse"),
    help(
        "lock",
        "/lock [PASSWORD]",
        "lets nobody into your room but invited, or with the password",
        "/lock open sesame",
    ),
    help("unlock", "/unlock [ROOM]", "lets everybody into your room again", "/unlock rust"),
    help("invite", "/invite NAME", "lets somebody into your locked room", "/invite bob"),
    help("motd", "/motd [TEXT|-]", "shows what everybody is told on coming; operators set it", "/motd be kind"),
    help("kick", "/kick NAME [TEXT]", "operators: closes somebody's connection", "/kick bob enough"),
    help("ban", "/ban [NAME|ADDRESS [TIME] [TEXT]]", "operators: keeps somebody out; alone, lists", "/ban bob 2h spam"),
    help("unban", "/unban NAME|ADDRESS", "operators: lets them in again", "/unban 192.0.2.0/24"),
    help("mute", "/mute NAME [TIME]", "operators: lets somebody listen only", "/mute bob 10m"),
    help("unmute", "/unmute NAME", "operators: lets them speak again", "/unmute bob"),
    help("format", "/format plain|json", "chooses how the server speaks to you", "/format json"),
    help("info", "/info", "tells about this connection", "/info"),
    help("stats", "/stats", "tells about the server", "/stats"),
    help("help", "/help [COMMAND]", "explains the commands, or one", "/help join"),
    help("quit", "/quit [TEXT]", "says goodbye and leaves", "/quit see you tomorrow"),
];
