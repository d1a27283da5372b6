//! Many connections: idle, in a burst, in and out again.

use crate::support::{Client, Server, proc, until};

#[test]
fn a_thousand_idle_connections_let_the_loop_sleep() {
    proc::raise_own_limit();
    let server = Server::with(&["echo=127.0.0.1:0"]);
    let mut clients: Vec<Client> = (0..1000).map(|_| server.client(0)).collect();
    for client in &mut clients {
        client.ask(b"1\n", b"1\n");
    }
    server.settled();
    let busy = proc::ticks(server.pid());
    server.expect_sleep();
    assert!(proc::ticks(server.pid()) - busy < 10, "the processor was busy with nothing");
    clients[999].ask(b"2\n", b"2\n");
}

#[test]
fn five_hundred_connects_in_one_burst_are_all_accepted() {
    proc::raise_own_limit();
    let count = proc::accept_queue().min(500) as u64;
    let server = Server::with(&["echo=127.0.0.1:0"]);
    // The server stands still while they come, so they make one edge.
    server.freeze();
    let mut clients: Vec<Client> = (0..count).map(|_| server.client(0)).collect();
    server.thaw();
    for (number, client) in clients.iter_mut().enumerate() {
        let line = format!("{number}\n");
        client.ask(line.as_bytes(), line.as_bytes());
    }
    let figures = server.settled();
    assert_eq!((figures.accepted, figures.connections), (count, count));
}

#[test]
fn a_flood_of_connections_reset_before_they_are_accepted_harms_nobody() {
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("echo=unix:{}", folder.path().join("u.sock").display());
    let server = Server::with(&["echo=127.0.0.1:0", "echo=[::1]:0", &path]);
    let mut bystander = server.client(0);
    bystander.ask(b"1\n", b"1\n");
    let open = proc::descriptors(server.pid()).len();
    for _ in 0..3 {
        server.freeze();
        for number in 0..300 {
            let mut client = server.client(number % 3);
            // Some leave a question behind.
            if number % 2 == 0 {
                client.send(b"anybody there?\n");
            }
            client.reset();
        }
        server.thaw();
        bystander.ask(b"2\n", b"2\n");
        for door in 0..3 {
            server.client(door).ask(b"3\n", b"3\n");
        }
    }
    server.figures_when("all of them freed", |figures| figures.connections == 1);
    assert_eq!(proc::descriptors(server.pid()).len(), open, "descriptors were left open");
    server.expect_sleep();
}

#[test]
fn two_hundred_peers_reset_at_once_in_the_middle_of_their_answers_harm_nobody() {
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("echo=unix:{}", folder.path().join("u.sock").display());
    let server = Server::with(&["echo=127.0.0.1:0", &path]);
    let mut bystander = server.client(0);
    let question = b"a line\n".repeat(3000);
    for _ in 0..3 {
        let mut clients: Vec<Client> = (0..200).map(|number| server.client(number % 2)).collect();
        for client in &mut clients {
            client.ask(b"hello\n", b"hello\n");
        }
        server.freeze();
        for client in &mut clients {
            client.send(&question);
        }
        let (early, late) = clients.split_at_mut(100);
        for client in early.iter_mut() {
            client.finish();
        }
        // Half of them are gone before the server answers, the others while it does.
        let late: Vec<Client> = late.iter().map(Client::twin).collect();
        let early: Vec<Client> = early.iter().map(Client::twin).collect();
        drop(clients);
        early.into_iter().for_each(Client::reset);
        server.thaw();
        late.into_iter().for_each(Client::reset);
        bystander.ask(b"still here?\n", b"still here?\n");
        server.figures_when("all of them freed", |figures| figures.connections == 1);
    }
    server.expect_sleep();
}

#[test]
fn ten_thousand_connections_open_echo_and_close_and_leave_nothing_behind() {
    // Ours and the server's limit is the same; some are left for the tests beside this one.
    let count = 10_000.min(proc::raise_own_limit().saturating_sub(2500)).max(100);
    let server = Server::with(&["echo=127.0.0.1:0"]);
    server.client(0).ask(b"1\n", b"1\n");
    server.figures_when("nobody inside", |figures| figures.connections == 0);
    let open = proc::descriptors(server.pid()).len();
    let at_first = proc::resident(server.pid());
    let mut after = Vec::new();
    for _ in 0..2 {
        let mut clients: Vec<Client> = (0..count).map(|_| server.client(0)).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(format!("{number}\n").as_bytes());
        }
        for (number, client) in clients.iter_mut().enumerate() {
            client.expect(format!("{number}\n").as_bytes());
        }
        assert_eq!(server.figures().connections, count as u64);
        assert_eq!(proc::descriptors(server.pid()).len(), open + count);
        // Half go politely, half do not, which also leaves fewer of our own ports in TIME_WAIT.
        for (number, client) in clients.into_iter().enumerate() {
            if number % 2 == 0 { drop(client) } else { client.reset() }
        }
        let figures = server.figures_when("nobody inside", |figures| figures.connections == 0);
        assert_eq!(figures.accepted, figures.freed);
        until("no descriptor left", || proc::descriptors(server.pid()).len() == open);
        after.push(proc::resident(server.pid()));
    }
    // Slots stay, empty; buffers do not. A second crowd finds the slots of the first.
    assert!(after[0] < at_first + 16 * 1024, "{at_first} KiB at first, {after:?} after");
    assert!(after[1] < after[0] + 1024, "{at_first} KiB at first, {after:?} after");
    server.client(0).ask(b"2\n", b"2\n");
    server.expect_sleep();
}
