//! A client's talk in a hub without sockets, where time is what the test says.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use parlor::client::address::ServerAddress;
use parlor::client::chat::{News, Talk, Wishes};
use parlor::client::login::Login;
use parlor::hub::{ConnId, Cx, Done, Hub, JobId, Limits, Moment, Reason, Request, Service, ServiceId, Target, Wall};

/// A service that does nothing but talk, and notes what it is told.
struct Talker {
    talk: Talk,
    news: Rc<RefCell<Vec<String>>>,
}

impl Talker {
    fn follow(&mut self, cx: &mut Cx<'_>) {
        while let Some(news) = self.talk.news() {
            let text = match news {
                News::Down(trouble, pause) => format!("down: {trouble}; {:?}", pause.map(|pause| pause.as_secs())),
                News::RoundTrip(time) => format!("round trip {} ms", time.as_millis()),
                News::Event(event) => format!("{event:?}"),
            };
            self.news.borrow_mut().push(text);
        }
        self.talk.send(cx);
        cx.set_alarm(self.talk.due());
    }
}

impl Service for Talker {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if self.talk.is(id) {
            self.talk.opened(cx, id);
        }
    }
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        self.talk.frame(cx, id, frame);
        self.follow(cx);
    }
    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.talk.timer(cx, id);
    }
    fn alarm(&mut self, cx: &mut Cx<'_>) {
        self.talk.alarm(cx);
        self.follow(cx);
    }
    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        self.talk.done(cx, job, result);
        self.follow(cx);
    }
    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        self.talk.closed(cx, id, why);
        self.follow(cx);
    }
}

/// A hub with a talker, and the test as its loop.
pub(crate) struct House {
    pub(crate) hub: Hub,
    talker: ServiceId,
    now: Moment,
    pub(crate) conn: Option<ConnId>,
    /// Every connection that was asked for, and to where.
    pub(crate) asked: Vec<(ConnId, Target)>,
    /// The look-up that was asked for last.
    pub(crate) job: Option<JobId>,
    pub(crate) news: Rc<RefCell<Vec<String>>>,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with("127.0.0.1:8888", None)
    }

    /// With this server, and somebody to log in as.
    pub(crate) fn with(address: &str, login: Option<Login>) -> Self {
        let mut hub = Hub::new(Limits::default(), Box::new(|bytes| bytes.fill(0)));
        let address: ServerAddress = address.parse().unwrap();
        let news = Rc::new(RefCell::new(Vec::new()));
        let wishes = Wishes { rooms: vec!["r".to_owned()], nick: None, login, past: 0 };
        let talk = Talk::new(address, wishes, [0; 8]);
        let talker = hub.add(Talker { talk, news: Rc::clone(&news) });
        hub.begin(Moment::START, Wall::from_millis(0));
        hub.with(talker, |talker: &mut Talker, cx| {
            talker.talk.connect(cx);
            talker.follow(cx);
        });
        let mut house = Self { hub, talker, now: Moment::START, conn: None, asked: Vec::new(), job: None, news };
        house.settle();
        house
    }

    pub(crate) fn settle(&mut self) {
        self.hub.expire();
        self.hub.turn_end();
        let mut ids = Vec::new();
        self.hub.take_changed(&mut ids);
        for id in ids {
            self.hub.settle(id);
        }
        for request in self.hub.take_requests() {
            match request {
                Request::Open(id, target) => {
                    self.conn = Some(id);
                    self.asked.push((id, target));
                }
                Request::Job(job, ..) => self.job = Some(job),
                Request::Inspect(..) => {}
            }
        }
    }

    /// Lets time pass, deadline after deadline.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let next = self.hub.deadline().filter(|&next| next <= end).unwrap_or(end);
            self.now = self.now.max(next);
            self.hub.begin(self.now, Wall::from_millis(0));
            self.settle();
            if next == end {
                return;
            }
        }
    }

    pub(crate) fn conn(&self) -> ConnId {
        self.conn.expect("a connection was asked for")
    }

    pub(crate) fn opened(&mut self) {
        let conn = self.conn();
        self.hub.opened(conn);
        self.settle();
    }

    pub(crate) fn server_says(&mut self, line: &str) {
        let conn = self.conn();
        self.hub.receive(conn, format!("{line}\n").as_bytes());
        self.settle();
    }

    /// What was sent since the last time, line by line.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        let conn = self.conn();
        let bytes = self.hub.output(conn).to_vec();
        self.hub.wrote(conn, bytes.len());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    pub(crate) fn news(&self) -> Vec<String> {
        self.news.take().into_iter().filter(|news| !news.starts_with("Heard")).collect()
    }

    /// Gives it a line to be obeyed.
    pub(crate) fn obeys(&mut self, line: &str) -> Result<(), &'static str> {
        let outcome = self.hub.with(self.talker, |talker: &mut Talker, cx| {
            let outcome = talker.talk.conversation.obey(line);
            talker.talk.send(cx);
            outcome
        });
        outcome.expect("the service was added")
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.hub.with(self.talker, |talker: &mut Talker, cx| {
            talker.talk.conversation.outgoing.say("r", text, false);
            talker.talk.send(cx);
        });
    }

    /// In the room, as on the first day.
    pub(crate) fn present() -> Self {
        let mut house = Self::new();
        house.opened();
        house.server_says("- parlor chat: you are guest1 in #lobby; rooms are recorded for 30 days; /help");
        assert_eq!(house.sent(), ["/format json"]);
        house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
        assert_eq!(house.sent(), ["/join #r", "/leave lobby", "/history #r 1", "/session"]);
        house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
        house.server_says(r#"{"type":"end","of":"history"}"#);
        assert_eq!(house.news(), ["Ready(false)"]);
        house
    }

    pub(crate) fn hears(&mut self, seq: u64) {
        let line = format!(r#"{{"type":"message","room":"r","seq":{seq},"at":"T","from":"a","text":"{seq}"}}"#);
        self.server_says(&line);
    }

    pub(crate) fn numbers_heard(&self) -> Vec<u64> {
        let heard = self.news.take();
        let number = |news: &String| news.split_once("seq: Some(")?.1.split(')').next()?.parse().ok();
        heard.iter().filter(|news| news.contains("Message(")).filter_map(number).collect()
    }

    /// A new connection after a broken one, up to the server's welcome.
    pub(crate) fn comes_back(&mut self, epoch: &str) {
        self.pass(Duration::from_secs(2));
        self.opened();
        self.server_says("- parlor chat: you are guest9 in #lobby; rooms are recorded for 30 days; /help");
        assert_eq!(self.sent(), ["/format json"]);
        self.server_says(&format!(r#"{{"type":"welcome","nick":"guest9","session":"T9","epoch":"{epoch}"}}"#));
    }
}
