//! Two connections show the same token to a server that has just been started.

use crate::support::{Client, Server, Start};

fn welcome(client: &mut Client) -> String {
    loop {
        let line = client.line();
        if let Some((_, rest)) = line.split_once("\"session\":\"") {
            return rest.split('"').next().unwrap().to_owned();
        }
    }
}

fn start(data: &str) -> Server {
    Start::serve(&["--data", data]).listen("chat=127.0.0.1:0").go()
}

#[test]
fn of_two_that_show_a_token_at_once_after_a_restart_one_has_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let server = start(data);
    let mut first = server.client(0);
    first.send(b"/format json\n/nick ann\n");
    let token = welcome(&mut first);
    first.send(b"{\"say\":\"one\",\"id\":\"a\"}\n");
    while !first.line().contains("receipt") {}
    drop(server);

    let server = start(data);
    let show = format!("/format json\n/session {token} lobby 0\n");
    let (mut second, mut third) = (server.client(0), server.client(0));
    server.freeze();
    second.send(show.as_bytes());
    third.send(show.as_bytes());
    server.thaw();
    // One is told that it was displaced, and closed; which one came last is the kernel's choice.
    let (second_twin, third_twin) = (second.twin(), third.twin());
    let ends = [(second, third_twin), (third, second_twin)].map(|(mut one, other)| {
        std::thread::spawn(move || {
            let mut lines = Vec::new();
            while !lines.last().is_some_and(|line: &String| line.contains("taken-over")) {
                let mut byte = [0];
                if rustix::net::recv(&one.socket, &mut byte, rustix::net::RecvFlags::PEEK).is_ok_and(|(n, _)| n > 0) {
                    lines.push(one.line());
                    if lines.last().is_some_and(|line| line.contains("taken-over")) {
                        one.expect_end();
                        // Nothing else ends the other one's waiting.
                        other.finish();
                        return true;
                    }
                } else {
                    return false;
                }
            }
            false
        })
    });
    let displaced: Vec<bool> = ends.into_iter().map(|end| end.join().unwrap()).collect();
    assert_eq!(displaced.iter().filter(|&&it| it).count(), 1, "one has the session, the other is told: {displaced:?}");
}
