//! Connections that come and go: each has to be welcomed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::support::Start;
use crate::{bench, chat};

#[test]
fn connections_that_come_and_go_are_all_welcomed() {
    let server = chat();
    let floor = Start::parlor(&["bench", "floor", "127.0.0.1:0"]).expecting(1).go();
    for (place, dialect) in [(server.place(0), "parlor"), (floor.place(0), "lines")] {
        let address = place.to_string();
        let words = ["churn", &address, "--dialect", dialect, "--connections", "5", "--duration", "1", "--warmup", "0"];
        let (code, report) = bench(&words);
        assert_eq!((code, &report["loop"]), (0, &"closed".into()), "{report}");
        assert!(report["welcomed"].as_u64().unwrap() > 5, "{report}");
    }
}

/// Welcomes everybody but its first guest, as the chat does, and waits until they go.
fn host_that_overlooks_the_first() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let _first = listener.accept().unwrap();
        for mut stream in listener.incoming().map(Result::unwrap) {
            // Whoever goes when everything was measured need not hear it.
            let _ = stream.write_all(b"- parlor chat: you are guest2 in #lobby\n");
        }
    });
    address
}

#[test]
fn a_connection_that_is_never_welcomed_fails_the_run() {
    let address = host_that_overlooks_the_first().to_string();
    let (code, report) = bench(&["churn", &address, "--connections", "3", "--duration", "0.2", "--warmup", "0"]);
    assert_eq!((code, &report["complaint"]), (1, &"what is missing did not come".into()), "{report}");
}

#[test]
fn whoever_is_sent_away_with_a_word_was_not_let_in() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            // Without an end of the line, as some say it.
            let _ = stream.write_all(b"full");
            let _ = stream.shutdown(Shutdown::Write);
            // Whoever closes with bytes unread takes back what was said.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let words = ["--dialect", "lines", "--connections", "1", "--duration", "1", "--warmup", "0"];
    let (code, report) = bench(&[&["churn", &address], &words[..]].concat());
    assert_eq!((code, &report["complaint"]), (1, &"the server says: full".into()), "{report}");
}

/// Who is in at an IRC server, and how many have ever come.
#[derive(Default)]
struct Guests {
    names: BTreeSet<String>,
    came: usize,
}

/// One guest of an IRC server: welcomed if the name is free; the second one only when a third has come.
fn serve_irc(stream: TcpStream, (guests, came): &(Mutex<Guests>, Condvar)) {
    let mut writer = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let name = lines.next().unwrap().strip_prefix("NICK ").unwrap().to_owned();
    let mut guests = guests.lock().unwrap();
    guests.came += 1;
    came.notify_all();
    let (is_free, number) = (guests.names.insert(name.clone()), guests.came);
    let mut guests = came.wait_while(guests, |guests| number == 2 && guests.came == 2).unwrap();
    let answer = if is_free { ":here 001 you :welcome\r\n" } else { ":here 433 * you :name taken\r\n" };
    let _ = writer.write_all(answer.as_bytes());
    if is_free && number != 1 {
        // Seen off before the lock is given back: a name is free only when its owner has gone.
        drop(guests);
        lines.for_each(drop);
        return;
    }
    guests.names.remove(&name);
}

#[test]
fn nobody_comes_under_the_name_of_somebody_who_is_still_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let guests = Arc::new((Mutex::new(Guests::default()), Condvar::new()));
        for stream in listener.incoming().map(Result::unwrap) {
            let guests = Arc::clone(&guests);
            thread::spawn(move || serve_irc(stream, &guests));
        }
    });
    let words = ["--dialect", "irc", "--connections", "2", "--duration", "1", "--warmup", "0"];
    let (_, report) = bench(&[&["churn", &address], &words[..]].concat());
    // Where the machine is so slow that no third came in time, the second waited in vain, and that is another complaint.
    assert!(!report["complaint"].to_string().contains("taken"), "{report}");
}
