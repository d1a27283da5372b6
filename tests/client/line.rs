//! The line to the server in a hub without sockets, where time is what the test says.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use parlor::client::address::ServerAddress;
use parlor::client::chat::{News, Talk, Wishes};
use parlor::hub::{ConnId, Cx, Done, Hub, JobId, Limits, Moment, Reason, Request, Service, ServiceId, Wall};

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
    fn opened(&mut self, _cx: &mut Cx<'_>, _id: ConnId) {
        self.talk.opened();
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
struct House {
    hub: Hub,
    talker: ServiceId,
    now: Moment,
    conn: Option<ConnId>,
    news: Rc<RefCell<Vec<String>>>,
}

impl House {
    fn new() -> Self {
        let mut hub = Hub::new(Limits::default(), Box::new(|bytes| bytes.fill(0)));
        let address: ServerAddress = "127.0.0.1:8888".parse().unwrap();
        let news = Rc::new(RefCell::new(Vec::new()));
        let wishes = Wishes { rooms: vec!["r".to_owned()], nick: None, past: 0 };
        let talk = Talk::new(address, wishes, [0; 8]);
        let talker = hub.add(Talker { talk, news: Rc::clone(&news) });
        hub.begin(Moment::START, Wall::from_millis(0));
        hub.with(talker, |talker: &mut Talker, cx| {
            talker.talk.connect(cx);
            talker.follow(cx);
        });
        let mut house = Self { hub, talker, now: Moment::START, conn: None, news };
        house.settle();
        house
    }

    fn settle(&mut self) {
        self.hub.expire();
        self.hub.turn_end();
        let mut ids = Vec::new();
        self.hub.take_changed(&mut ids);
        for id in ids {
            self.hub.settle(id);
        }
        for request in self.hub.take_requests() {
            if let Request::Open(id, _) = request {
                self.conn = Some(id);
            }
        }
    }

    /// Lets time pass, deadline after deadline.
    fn pass(&mut self, span: Duration) {
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

    fn conn(&self) -> ConnId {
        self.conn.expect("a connection was asked for")
    }

    fn opened(&mut self) {
        let conn = self.conn();
        self.hub.opened(conn);
        self.settle();
    }

    fn server_says(&mut self, line: &str) {
        let conn = self.conn();
        self.hub.receive(conn, format!("{line}\n").as_bytes());
        self.settle();
    }

    /// What was sent since the last time, line by line.
    fn sent(&mut self) -> Vec<String> {
        let conn = self.conn();
        let bytes = self.hub.output(conn).to_vec();
        self.hub.wrote(conn, bytes.len());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    fn news(&self) -> Vec<String> {
        self.news.take().into_iter().filter(|news| !news.starts_with("Heard")).collect()
    }

    fn say(&mut self, text: &str) {
        self.hub.with(self.talker, |talker: &mut Talker, cx| {
            talker.talk.conversation.outgoing.say("r", text, false);
            talker.talk.send(cx);
        });
    }

    /// In the room, as on the first day.
    fn present() -> Self {
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

    fn hears(&mut self, seq: u64) {
        let line = format!(r#"{{"type":"message","room":"r","seq":{seq},"at":"T","from":"a","text":"{seq}"}}"#);
        self.server_says(&line);
    }

    fn numbers_heard(&self) -> Vec<u64> {
        let heard = self.news.take();
        let number = |news: &String| news.split_once("seq: Some(")?.1.split(')').next()?.parse().ok();
        heard.iter().filter(|news| news.contains("Message(")).filter_map(number).collect()
    }

    /// A new connection after a broken one, up to the server's welcome.
    fn comes_back(&mut self, epoch: &str) {
        self.pass(Duration::from_secs(2));
        self.opened();
        self.server_says("- parlor chat: you are guest9 in #lobby; rooms are recorded for 30 days; /help");
        assert_eq!(self.sent(), ["/format json"]);
        self.server_says(&format!(r#"{{"type":"welcome","nick":"guest9","session":"T9","epoch":"{epoch}"}}"#));
    }
}

#[test]
fn d8_connecting_takes_ten_seconds_at_most() {
    let mut house = House::new();
    house.pass(Duration::from_millis(9_999));
    assert_eq!(house.news(), [""; 0]);
    house.pass(Duration::from_millis(1));
    assert_eq!(house.news(), ["down: no answer within 10 seconds; None"]);
}

#[test]
fn d8_a_server_that_accepts_and_says_nothing_is_no_connection_either() {
    let mut house = House::new();
    house.opened();
    house.pass(Duration::from_secs(10));
    assert_eq!(house.news(), ["down: no answer within 10 seconds; None"]);
}

#[test]
fn d12_a_line_is_dead_when_nothing_came_for_five_seconds_after_our_ping() {
    let mut house = House::present();
    house.pass(Duration::from_secs(10));
    assert_eq!(house.sent(), ["PING 1"]);
    house.pass(Duration::from_millis(4_999));
    assert_eq!(house.news(), [""; 0]);
    house.pass(Duration::from_millis(1));
    assert_eq!(house.news(), ["down: nothing came for 5 seconds after a PING, the line is dead; Some(1)"]);
}

#[test]
fn d12_any_line_is_life_and_the_answer_tells_the_round_trip_time() {
    let mut house = House::present();
    house.pass(Duration::from_secs(10));
    assert_eq!(house.sent(), ["PING 1"]);
    house.pass(Duration::from_millis(40));
    house.server_says(r#"{"type":"pong","token":"1"}"#);
    assert_eq!(house.news(), ["round trip 40 ms"]);
    house.pass(Duration::from_secs(10));
    assert_eq!(house.sent(), ["PING 2"]);
    house.pass(Duration::from_secs(4));
    house.hears(1);
    house.pass(Duration::from_secs(4));
    assert_eq!(house.numbers_heard(), [1], "no trouble");
}

#[test]
fn the_servers_ping_is_answered_and_not_shown() {
    let mut house = House::present();
    house.server_says(r#"{"type":"ping","token":"x7"}"#);
    assert_eq!(house.sent(), ["PONG x7"]);
    assert!(house.news.take().is_empty());
}

#[test]
fn d12_the_end_of_the_stream_and_an_error_are_noticed_without_sending_anything() {
    let mut house = House::present();
    let conn = house.conn();
    house.hub.input_over(conn);
    house.settle();
    assert_eq!(house.news(), ["down: the server closed the connection; Some(1)"]);
    let mut house = House::present();
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    assert_eq!(house.news(), ["down: the connection was reset by the other side; Some(1)"]);
}

#[test]
fn d14_pauses_grow_while_nothing_answers() {
    let mut house = House::present();
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    let mut pauses = Vec::new();
    for _ in 0..6 {
        pauses.extend(house.news().iter().filter_map(|news| Some(news.split_once("Some(")?.1.to_owned())));
        let before = house.conn;
        while house.conn == before {
            house.pass(Duration::from_millis(100));
        }
        let conn = house.conn();
        house.hub.fail(conn, Reason::Unreachable(ErrorKind::ConnectionRefused));
        house.settle();
    }
    assert_eq!(pauses, ["1)", "2)", "4)", "8)", "16)", "30)"]);
}

#[test]
fn after_a_broken_line_the_session_goes_on_behind_the_last_number_and_what_had_no_receipt_is_said_again() {
    let mut house = House::present();
    house.hears(1);
    house.hears(2);
    house.say("mine");
    let mine = house.sent();
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    house.comes_back("E");
    assert_eq!(house.sent(), ["/session T1 r 2"]);
    house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
    assert_eq!(house.sent(), ["/leave lobby", "/session"]);
    house.news();
    for seq in [2, 3] {
        let line =
            format!(r#"{{"type":"message","room":"r","seq":{seq},"at":"T","from":"a","text":"x","replay":true}}"#);
        house.server_says(&line);
    }
    house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
    assert_eq!(house.sent(), mine, "the same line with the same id");
    assert_eq!(house.numbers_heard(), [3], "and 2 is not shown again");
}

#[test]
fn what_a_replay_shows_to_be_said_already_is_not_said_again() {
    let mut house = House::present();
    house.say("mine");
    let id = house.sent()[0].split('"').nth(11).unwrap().to_owned();
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    house.comes_back("E");
    assert_eq!(house.sent(), ["/session T1 r 0"]);
    house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
    let line =
        r#"{"type":"message","room":"r","seq":1,"at":"T","from":"guest1","text":"mine","id":"ID","replay":true}"#;
    house.server_says(&line.replace("ID", &id));
    house.server_says(r#"{"type":"welcome","nick":"guest1","session":"T1","epoch":"E"}"#);
    assert_eq!(house.sent(), ["/leave lobby", "/session"]);
    assert!(house.news().contains(&format!("Receipt({id:?}, Some(1))")));
}

#[test]
fn a_server_that_forgot_the_session_is_told_the_rooms_and_their_numbers() {
    let mut house = House::present();
    house.hears(5);
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    house.comes_back("E");
    assert_eq!(house.sent(), ["/session T1 r 5"]);
    house.hears(9);
    house.server_says(r#"{"type":"error","code":"no-session","text":"nobody has this token"}"#);
    assert_eq!(house.sent(), ["/resume #r 5", "/leave lobby", "/session"]);
    house.news();
    for (seq, replay) in [(8, false), (6, true), (7, true), (8, true)] {
        let mark = if replay { r#","replay":true"# } else { "" };
        let line = format!(r#"{{"type":"message","room":"r","seq":{seq},"at":"T","from":"a","text":"x"{mark}}}"#);
        house.server_says(&line);
    }
    house.server_says(r#"{"type":"end","of":"resume"}"#);
    house.hears(9);
    assert_eq!(house.numbers_heard(), [6, 7, 8, 9], "each once, in order");
}

#[test]
fn another_history_is_heard_from_its_beginning() {
    let mut house = House::present();
    house.hears(700);
    let conn = house.conn();
    house.hub.read_failed(conn, ErrorKind::ConnectionReset);
    house.settle();
    house.comes_back("OTHER");
    assert_eq!(house.sent(), ["/session T1 r 0"]);
}

#[test]
fn a_line_that_broke_in_the_middle_is_not_shown() {
    let mut house = House::present();
    let line = r#"{"type":"message","room":"r","seq":1,"at":"T","from":"a","text":"x"}"#;
    let conn = house.conn();
    house.hub.receive(conn, &line.as_bytes()[..line.len() - 2]);
    house.hub.input_over(conn);
    house.settle();
    let news = house.news.take();
    assert!(news.iter().all(|news| !news.starts_with("Heard")), "{news:?}");
}

#[test]
fn a_line_that_breaks_again_before_the_session_was_taken_up_does_not_lose_it() {
    let mut house = House::present();
    house.hears(1);
    for _ in 0..2 {
        let conn = house.conn();
        house.hub.read_failed(conn, ErrorKind::ConnectionReset);
        house.settle();
        house.pass(Duration::from_secs(2));
        house.comes_back("E");
        assert_eq!(house.sent(), ["/session T1 r 1"]);
    }
}
