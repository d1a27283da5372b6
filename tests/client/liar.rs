//! A server that says what the test wants, and lies.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// Serves so many connections, one after another. Each is greeted and let in, and then told `lies`.
pub(crate) fn telling(connections: usize, lies: impl Into<Vec<u8>>) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, lies) = (listener.local_addr().unwrap().to_string(), lies.into());
    let liar = thread::spawn(move || {
        for _ in 0..connections {
            let (stream, _) = listener.accept().unwrap();
            lie(stream, &lies);
        }
    });
    (address, liar)
}

fn lie(mut stream: TcpStream, lies: &[u8]) {
    let welcome = "{\"type\":\"welcome\",\"nick\":\"a\\u001b]0;me\\u0007\",\"session\":\"T\",\"epoch\":\"E\"}\n";
    let mut asking = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut told) = (String::new(), false);
    // Whoever has heard enough may go in the middle of it.
    let mut say = |bytes: &[u8]| stream.write_all(bytes).is_ok();
    say(b"- parlor chat: \x1b[2Jlies\n");
    while asking.read_line(&mut line).is_ok_and(|count| count > 0) {
        let asked = std::mem::take(&mut line);
        if asked.starts_with("/format") || asked.starts_with("/session") {
            say(welcome.as_bytes());
        }
        if let Some(token) = asked.strip_prefix("PING ") {
            say(format!("{{\"type\":\"pong\",\"token\":\"{}\"}}\n", token.trim_end()).as_bytes());
        }
        if asked.starts_with("/session") && !std::mem::replace(&mut told, true) {
            say(lies);
        }
    }
}
