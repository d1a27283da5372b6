//! The real server over real sockets: lines that break, restarts, bytes on their way while they do.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::house::{content, digest};
use crate::support::{Client, Server, Start};

/// A client that runs ahead of what is known to be safe by so much at most.
struct Putter<'a> {
    name: &'a str,
    content: &'a [u8],
    digest: String,
    ahead: usize,
    /// Bytes sent in all, over all connections.
    sent: usize,
}

enum Went {
    Stored(String),
    /// All that was to be sent on this connection was.
    Cut(Client),
}

impl<'a> Putter<'a> {
    fn new(name: &'a str, content: &'a [u8], ahead: usize) -> Self {
        Self { name, content, digest: digest(content), ahead, sent: 0 }
    }

    /// Offers, and sends up to `until`, counted from the file's start.
    fn put(&mut self, mut client: Client, until: usize) -> Went {
        assert!(client.line().starts_with("- parlor files: "));
        let (name, size) = (self.name, self.content.len());
        client.send(format!("offer {name} {size} {}\n", self.digest).as_bytes());
        let answer = client.line();
        let Some(offset) = answer.strip_prefix(&format!("- send {name} ")) else { return Went::Stored(answer) };
        let (mut at, mut safe): (usize, usize) = (offset.parse().unwrap(), offset.parse().unwrap());
        assert!(at <= until || until == size, "more is there than was ever sent");
        loop {
            let end = until.min(safe + self.ahead);
            if at < end {
                let piece = &self.content[at..end.min(at + 16 * 1024)];
                client.send(piece);
                at += piece.len();
                self.sent += piece.len();
            } else if at >= until && until < size {
                return Went::Cut(client);
            } else {
                let line = client.line();
                match line.strip_prefix("- have ") {
                    Some(have) => safe = have.parse().unwrap(),
                    None => return Went::Stored(line),
                }
            }
        }
    }
}

fn house(folder: &Path) -> Server {
    let folder = folder.to_str().unwrap();
    Start::serve(&["--no-history", "--files", folder]).listen("files=127.0.0.1:0").go()
}

/// Puts a file over a line that breaks again and again, each time in another way, and answers how many bytes too many
/// were sent.
fn put_over_cuts(size: usize, cuts: usize, ahead: usize) -> usize {
    let folder = TempDir::new().unwrap();
    let file = content(1, size);
    let mut server = house(folder.path());
    let mut putter = Putter::new("big", &file, ahead);
    for cut in 1..=cuts {
        let Went::Cut(client) = putter.put(server.client(0), size / (cuts + 1) * cut) else {
            panic!("not all was sent")
        };
        match cut % 4 {
            // Gone without a goodbye; gone with one; still there, as far as anybody knows; the server itself is killed.
            0 => client.reset(),
            1 => drop(client),
            2 => std::mem::forget(client),
            _ => {
                server.signal(Signal::KILL);
                server.wait();
                server = house(folder.path());
            }
        }
    }
    let Went::Stored(line) = putter.put(server.client(0), size) else { panic!("it was to be sent whole") };
    assert_eq!(line, format!("- stored big {size} {}", digest(&file)));
    assert_eq!(fs::read(folder.path().join("big")).unwrap(), file);
    putter.sent - size
}

/// Twenty cuts; with `tests/long.sh files` of a whole gibibyte.
#[test]
fn d17_a_file_over_a_line_that_is_cut_twenty_times_arrives_and_hardly_anything_is_sent_twice() {
    let long = std::env::var_os("PARLOR_LONG_TESTS").is_some();
    let size: usize = if long { 1 << 30 } else { 32 << 20 };
    let again = put_over_cuts(size, 20, (size / 512).max(64 * 1024));
    println!("{again} of {size} bytes were sent again");
    assert!(again * 20 < size, "{again} of {size} bytes were sent again");
}

#[test]
fn d17_a_download_is_taken_up_where_it_was_cut() {
    let folder = TempDir::new().unwrap();
    let file = content(2, 5 << 20);
    fs::write(folder.path().join("big"), &file).unwrap();
    let server = house(folder.path());
    let mut got = Vec::new();
    for cut in 1..=6_usize {
        let mut client = server.client(0);
        client.line();
        client.send(format!("get big {}\n", got.len()).as_bytes());
        assert_eq!(client.line(), format!("- body big {} {} {}", file.len(), digest(&file), got.len()));
        let mut piece = vec![0; (file.len() - got.len()).min(1_000_000)];
        client.socket.read_exact(&mut piece).unwrap();
        got.extend_from_slice(&piece);
        if cut % 2 == 0 {
            client.reset();
        }
    }
    assert_eq!(got, file);
}

#[test]
fn a_file_goes_in_and_out_at_once_on_many_lines_and_the_chat_beside_them_goes_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let start = Start::serve(&["--no-history", "--files", path]).listen("files=127.0.0.1:0").listen("echo=127.0.0.1:0");
    let server = start.go();
    let mut echo = server.client(1);
    std::thread::scope(|scope| {
        let (server, size) = (&server, 2 << 20);
        for number in 0..8 {
            scope.spawn(move || {
                let (file, name) = (content(number, size), format!("file-{number}"));
                let mut putter = Putter::new(&name, &file, 256 * 1024);
                let Went::Stored(line) = putter.put(server.client(0), size) else { panic!("not whole") };
                assert_eq!(line, format!("- stored {name} {size} {}", digest(&file)));
                let mut client = server.client(0);
                client.line();
                client.send(format!("get {name}\nquit\n").as_bytes());
                let rest = client.rest();
                let body = rest.iter().position(|&byte| byte == b'\n').unwrap() + 1;
                assert_eq!(rest[body..body + size], file);
                assert_eq!(&rest[body + size..], b"- goodbye\n");
            });
        }
        for _ in 0..100 {
            echo.ask(b"still here\n", b"still here\n");
        }
    });
}

#[test]
fn a_body_in_length_and_fixed_framing_is_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let start = Start::serve(&["--no-history", "--files", path]);
    let server = start.listen("files+length=127.0.0.1:0").listen("files+fixed=127.0.0.1:0").go();
    for (at, wire) in [(0, crate::support::client::Wire::Length), (1, crate::support::client::Wire::Fixed)] {
        let (mut client, name) = (server.client(at), format!("tea-{at}"));
        client.expect(&wire.frame(b"- parlor files: offer, get, list, help; at most 1073741824 bytes each"));
        let stored = format!("{name} 10 {}", digest(b"green tea\n"));
        client
            .ask(&wire.frame(format!("offer {stored}").as_bytes()), &wire.frame(format!("- send {name} 0").as_bytes()));
        client.ask(b"green tea\n", &wire.frame(format!("- stored {stored}").as_bytes()));
        client
            .ask(&wire.frame(format!("get {name} 6").as_bytes()), &wire.frame(format!("- body {stored} 6").as_bytes()));
        client.expect(b"tea\n");
        client.ask(&wire.frame(b"PING"), &wire.frame(b"PONG"));
    }
}

#[test]
fn a_server_that_stops_in_mid_transfer_keeps_what_came() {
    let folder = TempDir::new().unwrap();
    let file = content(3, 1 << 20);
    let server = house(folder.path());
    let mut putter = Putter::new("big", &file, 1 << 20);
    let Went::Cut(mut client) = putter.put(server.client(0), 600_000) else { panic!("not all was sent") };
    while client.line() != "- have 600000" {}
    assert_eq!(server.stop().code(), 0);
    let server = house(folder.path());
    let mut client = server.client(0);
    client.line();
    client.send(format!("offer big {} {}\n", file.len(), digest(&file)).as_bytes());
    assert_eq!(client.line(), "- send big 600000");
}

#[test]
fn whoever_ends_the_input_behind_an_upload_still_hears_how_it_went() {
    let folder = TempDir::new().unwrap();
    let server = house(folder.path());
    let mut client = server.client(0);
    client.line();
    client.send(format!("offer tea 3 {}\n", digest(b"tea")).as_bytes());
    assert_eq!(client.line(), "- send tea 0");
    client.send(b"tea");
    client.finish();
    assert_eq!(client.rest(), format!("- stored tea 3 {}\n", digest(b"tea")).as_bytes());
}

#[test]
fn a_folder_has_one_server() {
    let folder = TempDir::new().unwrap();
    let _server = house(folder.path());
    let path = folder.path().to_str().unwrap();
    let finished = Start::serve(&["--no-history", "--files", path]).listen("files=127.0.0.1:0").run();
    assert_eq!(finished.code(), 1);
    let line = &finished.stderr[0];
    assert!(line.contains("cannot keep files") && line.contains(path) && line.contains("another server"), "{line}");
}

#[test]
fn the_folder_is_beside_the_history_where_none_is_named_and_ours_alone() {
    use std::os::unix::fs::PermissionsExt;
    let data = TempDir::new().unwrap();
    let path = data.path().to_str().unwrap();
    let server = Start::serve(&["--data", path]).listen("files=127.0.0.1:0").go();
    let mut client = server.client(0);
    client.line();
    client.send(format!("offer tea 3 {}\n", digest(b"tea")).as_bytes());
    client.line();
    client.send(b"tea");
    assert!(client.line().starts_with("- stored tea"));
    let mode = |name: &str| fs::metadata(data.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("files"), mode("files/tea"), mode("files/.parts")), (0o700, 0o600, 0o700));
}

#[test]
fn the_kernel_chooses_the_buffers_of_files_and_of_nothing_else() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let start = Start::serve(&["--no-history", "--log", "debug", "--files", path]);
    let server = start.listen("files=127.0.0.1:0").listen("echo=127.0.0.1:0").go();
    let lines = server.log.lines();
    let buffers = |service: &str| -> Vec<bool> {
        let of = format!(" {service} 127.0.0.1");
        let lines = lines.iter().filter(|line| line.contains(&of) && line.contains("-buffer: "));
        lines.map(|line| line.contains("asked ")).collect()
    };
    assert_eq!(buffers("files"), [false, false]);
    assert_eq!(buffers("echo"), [true, true]);
}

#[test]
fn a_sender_that_never_reads_is_not_read_for_ever() {
    let folder = TempDir::new().unwrap();
    let server = house(folder.path());
    let mut client = server.client(0);
    client.socket.set_nonblocking(true).unwrap();
    // Questions without end, and no answer is ever read: at some point no more are taken.
    let questions = b"list\n".repeat(10_000);
    let mut taken = 0;
    loop {
        match client.socket.write(&questions) {
            Ok(count) => taken += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let before = server.settled();
                if server.settled().frames == before.frames {
                    break;
                }
            }
            Err(error) => panic!("{error}"),
        }
        assert!(taken < 1 << 30, "all of it was taken");
    }
}
