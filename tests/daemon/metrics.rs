//! Figures over HTTP.

use crate::exposition::{Page, parse};
use crate::support::{Server, Start, until};

/// The status line, the header lines, and the body of an answer to these bytes.
fn asked(server: &Server, door: usize, request: &[u8]) -> (String, Vec<String>, String) {
    let mut client = server.client(door);
    client.send(request);
    let answer = String::from_utf8(client.rest()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let mut lines = head.split("\r\n").map(str::to_owned);
    (lines.next().unwrap(), lines.collect(), body.to_owned())
}

fn get(server: &Server, door: usize, path: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n");
    let (status, headers, body) = asked(server, door, request.as_bytes());
    assert!(headers.contains(&format!("Content-Length: {}", body.len())), "{headers:?}");
    (status, body)
}

fn page(server: &Server, door: usize) -> Page {
    let (status, body) = get(server, door, "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    parse(&body).unwrap_or_else(|wrong| panic!("{wrong} in {body}"))
}

fn served() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::serve(&["--data", folder.path().to_str().unwrap(), "--flood", "off"]);
    let start = start.listen("metrics=127.0.0.1:0").listen("chat=127.0.0.1:0").listen("echo=127.0.0.1:0");
    (start.go(), folder)
}

#[test]
fn figures_are_in_prometheus_text_format_and_say_what_happened() {
    let (server, _folder) = served();
    let before = page(&server, 0);
    assert!(before.kinds.len() > 25, "{before:#?}");
    let mut people: Vec<_> = (0..3).map(|_| server.client(1)).collect();
    for person in &mut people {
        assert!(person.line().starts_with("- parlor chat"));
    }
    people[0].send(b"one\ntwo\n/me waves\n");
    for person in &mut people[1..] {
        for wanted in ["#lobby -- guest1 joined", "#lobby <guest1> one", "#lobby <guest1> two", "#lobby * guest1 waves"]
        {
            assert_eq!(person.line(), wanted);
        }
    }
    server.client(2).ask(b"x\n", b"x\n");
    let http = server.client(2);
    drop(http);
    until("everybody gone is counted", || page(&server, 0).value("parlor_connections{service=\"echo\"}") < 0.5);
    let after = page(&server, 0);
    for (sample, wanted) in [
        ("parlor_chat_messages_total", 3.0),
        // The news of guest1, and three messages, to two.
        ("parlor_chat_deliveries_total", 8.0),
        ("parlor_chat_people", 3.0),
        ("parlor_chat_rooms", 1.0),
        ("parlor_connections{service=\"chat\"}", 3.0),
        ("parlor_opened_total{service=\"chat\"}", 3.0),
        ("parlor_opened_total{service=\"echo\"}", 2.0),
        ("parlor_closed_total{service=\"echo\",reason=\"ended\"}", 2.0),
        ("parlor_refused_total{reason=\"penalty\"}", 0.0),
        ("parlor_datagrams_dropped_total{reason=\"too-fast\"}", 0.0),
        ("parlor_outbox_bytes", 0.0),
        ("parlor_history_stopped", 0.0),
        ("parlor_history_segments", 1.0),
        ("parlor_history_commits_total", 1.0),
    ] {
        assert!((after.value(sample) - wanted).abs() < 0.5, "{sample} is {} and not {wanted}", after.value(sample));
    }
    for rises in
        ["parlor_turn_seconds_count", "parlor_sent_bytes_total", "parlor_received_bytes_total", "parlor_frames_total"]
    {
        assert!(after.value(rises) > before.value(rises), "{rises}");
    }
    assert!(after.value("parlor_history_bytes") > before.value("parlor_history_bytes"));
}

#[test]
fn a_sync_is_counted() {
    let (server, _folder) = served();
    let mut person = server.client(1);
    assert!(person.line().starts_with("- parlor chat"));
    person.send(b"to be kept\n");
    until("the sync of a second", || page(&server, 0).value("parlor_history_syncs_total") > 0.5);
    until("nothing unsynced", || page(&server, 0).value("parlor_history_unsynced_milliseconds") < 0.5);
}

#[test]
fn probes_are_answered() {
    let (server, _folder) = served();
    assert_eq!(get(&server, 0, "/healthz"), ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned()));
    assert_eq!(get(&server, 0, "/readyz"), ("HTTP/1.1 200 OK".to_owned(), "ready\n".to_owned()));
    assert_eq!(get(&server, 0, "/readyz?verbose").0, "HTTP/1.1 200 OK");
    assert_eq!(get(&server, 0, "/").0, "HTTP/1.1 404 Not Found");
    let (status, headers, body) = asked(&server, 0, b"HEAD /healthz HTTP/1.0\n\n");
    assert_eq!((&*status, &*body), ("HTTP/1.1 200 OK", ""));
    assert!(headers.contains(&"Content-Length: 3".to_owned()), "{headers:?}");
}

#[test]
fn what_is_no_request_is_told_so_and_closed() {
    let (server, _folder) = served();
    let long = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &[b'a'; 9000], b"\r\n\r\n"].concat();
    let many = [b"GET /metrics HTTP/1.1\r\n".as_slice(), &b"X: a\r\n".repeat(101), b"\r\n"].concat();
    for (request, wanted) in [
        (&b"POST /metrics HTTP/1.1\r\n\r\n"[..], "HTTP/1.1 405 Method Not Allowed"),
        (b"hello\r\n", "HTTP/1.1 400 Bad Request"),
        (b"\r\n", "HTTP/1.1 400 Bad Request"),
        (b"GET metrics HTTP/1.1\r\n", "HTTP/1.1 400 Bad Request"),
        (b"GET /metrics HTTP/2\r\n", "HTTP/1.1 400 Bad Request"),
        (b"\xff /metrics HTTP/1.1\r\n", "HTTP/1.1 400 Bad Request"),
        (&long, "HTTP/1.1 431 Request Header Fields Too Large"),
        (&many, "HTTP/1.1 431 Request Header Fields Too Large"),
    ] {
        assert_eq!(
            asked(&server, 0, request).0,
            wanted,
            "{}",
            String::from_utf8_lossy(&request[..request.len().min(40)])
        );
    }
    // Half a request, and then nothing more: there is nothing to answer.
    let mut client = server.client(0);
    client.send(b"GET /metrics HTTP/1.1\r\n");
    client.finish();
    client.expect_end();
    // A whole one, and then nothing more: it is answered.
    let mut client = server.client(0);
    client.send(b"GET /healthz HTTP/1.1\r\n\r\n");
    client.finish();
    assert!(client.rest().starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[test]
fn a_stopped_history_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    // A file may not grow past 8 KiB: the history stops there.
    let start = Start::serve(&["--data", folder.path().to_str().unwrap(), "--flood", "off"]).after("ulimit -f 8");
    let server = start.listen("metrics=127.0.0.1:0").listen("chat=127.0.0.1:0").go();
    assert_eq!(get(&server, 0, "/readyz").0, "HTTP/1.1 200 OK");
    let mut person = server.client(1);
    assert!(person.line().starts_with("- parlor chat"));
    for _ in 0..10 {
        person.send(&[&[b'a'; 4000][..], b"\n"].concat());
    }
    until("a history that is stopped", || get(&server, 0, "/readyz").0 == "HTTP/1.1 503 Service Unavailable");
    assert_eq!(get(&server, 0, "/healthz").0, "HTTP/1.1 200 OK");
    assert!((page(&server, 0).value("parlor_history_stopped") - 1.0).abs() < 0.5);
}
