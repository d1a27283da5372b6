//! The metrics service: as much HTTP as a scraper and a probe need.
//!
//! One request, one answer, then the connection is closed: scrapers come once in a while, and whoever keeps a connection
//! keeps a descriptor.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::exposition::Snapshot;
use super::overseer::Wishes;
use crate::hub::{ConnId, Cx, Fault, Reason, Service};

/// How long a request may take to arrive.
const REQUEST: Duration = Duration::from_secs(10);
/// Header lines of a request. Scrapers send a dozen.
const HEADERS: u32 = 100;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Metrics,
    Alive,
    Ready,
    Unknown,
    /// Something is wanted that nobody does here.
    Refused,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    page: Page,
    /// `HEAD`: as `GET`, without the body.
    bodiless: bool,
    headers: u32,
    /// The request is whole.
    whole: bool,
}

/// The service.
#[derive(Debug)]
pub(super) struct Metrics {
    wishes: Rc<Wishes>,
    asked: BTreeMap<ConnId, Asked>,
}

impl Metrics {
    pub(super) fn new(wishes: Rc<Wishes>) -> Self {
        Self { wishes, asked: BTreeMap::new() }
    }

    /// Answers everybody who waits.
    pub(super) fn answer(&mut self, cx: &mut Cx<'_>, snapshot: &Snapshot<'_>) {
        let waiting: Vec<(ConnId, Asked)> =
            self.asked.iter().filter(|(_, asked)| asked.whole).map(|(&id, &asked)| (id, asked)).collect();
        for (id, asked) in waiting {
            self.asked.remove(&id);
            let (status, body) = match asked.page {
                Page::Metrics => ("200 OK", snapshot.metrics(cx)),
                Page::Alive => ("200 OK", "ok\n".to_owned()),
                Page::Ready if snapshot.is_ready() => ("200 OK", "ready\n".to_owned()),
                Page::Ready => ("503 Service Unavailable", "the history is stopped\n".to_owned()),
                Page::Unknown => ("404 Not Found", "there are /metrics, /healthz and /readyz\n".to_owned()),
                Page::Refused => ("405 Method Not Allowed", "only GET and HEAD\n".to_owned()),
            };
            respond(cx, id, status, &body, asked.bodiless);
        }
    }
}

fn respond(cx: &mut Cx<'_>, id: ConnId, status: &str, body: &str, bodiless: bool) {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    let length = body.len();
    let body = if bodiless { "" } else { body };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{allow}Cache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}"
    );
    let _ = cx.send_wire(id, answer.as_bytes());
    cx.close(id);
}

/// The first line of a request; `None`: it is none.
fn request(line: &str) -> Option<Asked> {
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !matches!(version, "HTTP/1.1" | "HTTP/1.0") || !target.starts_with('/') {
        return None;
    }
    let page = match (method, target.split('?').next()?) {
        ("GET" | "HEAD", "/metrics") => Page::Metrics,
        ("GET" | "HEAD", "/healthz") => Page::Alive,
        ("GET" | "HEAD", "/readyz") => Page::Ready,
        ("GET" | "HEAD", _) => Page::Unknown,
        _ => Page::Refused,
    };
    Some(Asked { page, bodiless: method == "HEAD", headers: 0, whole: false })
}

impl Service for Metrics {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        cx.set_timer(id, cx.now() + REQUEST);
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let line = std::str::from_utf8(frame).map(|line| line.strip_suffix('\r').unwrap_or(line));
        let Some(asked) = self.asked.get_mut(&id) else {
            match line.ok().filter(|line| !line.is_empty()).map(request) {
                Some(Some(asked)) => drop(self.asked.insert(id, asked)),
                _ => respond(cx, id, "400 Bad Request", "expected GET /metrics HTTP/1.1\n", false),
            }
            return;
        };
        asked.headers += 1;
        if line == Ok("") {
            asked.whole = true;
            self.wishes.figures.set(true);
        } else if asked.headers > HEADERS {
            self.asked.remove(&id);
            respond(cx, id, "431 Request Header Fields Too Large", "too many header lines\n", false);
        }
    }

    fn fault(&mut self, cx: &mut Cx<'_>, id: ConnId, fault: Fault) {
        let (status, body) = match fault {
            Fault::TooLong { .. } => ("431 Request Header Fields Too Large", "a line is too long\n"),
            _ => ("400 Bad Request", "the request is not whole\n"),
        };
        respond(cx, id, status, body, false);
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        respond(cx, id, "408 Request Timeout", "the request took too long\n", false);
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        // Whoever shut their side after the request still waits for the answer.
        if self.asked.get(&id).is_none_or(|asked| !asked.whole) {
            cx.close(id);
        }
    }

    fn closed(&mut self, _cx: &mut Cx<'_>, id: ConnId, _why: Reason) {
        self.asked.remove(&id);
    }
}
