//! Connections that are half open: in a network of our own, where answers to some addresses are lost.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::process::Command;

use socket2::{Domain, Socket, Type};

use crate::pages::{example, read};
use crate::support::proc::{self, SYN_RECV};
use crate::support::tools::{may_be_apart, needs};
use crate::support::{Place, Start, until};

/// The test below is in that network.
const APART: &str = "PARLOR_TEST_APART";

/// What the program says of each case: half open, answered by a cookie, dropped, and waiting to be accepted.
fn numbers(printed: &str) -> Vec<[u64; 4]> {
    let row = |line: &str| {
        let mut numbers = line.rsplit(' ').filter(|word| !word.is_empty()).map_while(|word| word.parse().ok());
        let [to_accept, dropped, cookies, half_open] = [(); 4].map(|()| numbers.next());
        Some([half_open?, cookies?, dropped?, to_accept?])
    };
    printed.lines().filter_map(row).collect()
}

/// Is that what Linux does? Some kernels count the backlog itself, others one more.
fn expect_lawful(printed: &str) {
    let rows = numbers(printed);
    let &[many, beside, full, cookie, none, outside, reserved] = rows.as_slice() else { panic!("{printed}") };
    assert_eq!((many, beside), ([20, 0, 0, 0], [20, 0, 0, 3]), "{printed}");
    let [held, cookies, ..] = full;
    assert!((8..=9).contains(&held) && held + cookies == 40, "{printed}");
    assert_eq!((full, cookie), ([held, cookies, 0, 0], [held, cookies + 1, 0, 1]), "{printed}");
    assert_eq!((none, outside), ([held, 0, cookies, 0], [held, 0, cookies + 1, 0]), "{printed}");
    let [held, cookies, dropped, waiting] = reserved;
    assert!((12..=13).contains(&held) && held + dropped == 40 && cookies + waiting == 0, "{printed}");
}

#[test]
fn d25_who_never_finishes_is_counted_apart_from_who_waits_to_be_accepted() {
    let page = read("docs/connections.md");
    let shown = page.split("```\n$ cargo run --example half-open\n").nth(1).expect("the page has it");
    let shown = shown.split("```\n").next().expect("it has an end");
    expect_lawful(shown);
    if !needs("ip") || !may_be_apart() {
        return;
    }
    let output = Command::new(example("half-open")).output().expect("cargo test has built it");
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    expect_lawful(&printed);
    let words = |text: &str| text.lines().map(|line| line.get(..52).map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(words(shown), words(&printed));
}

#[test]
fn d25_our_listener_lets_people_in_by_cookies_while_its_half_open_queue_is_full() {
    if std::env::var_os(APART).is_some() {
        return besieged();
    }
    if !needs("ip") || !may_be_apart() {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let test = "half_open::d25_our_listener_lets_people_in_by_cookies_while_its_half_open_queue_is_full";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net"])
        .arg(this)
        .args(["--exact", "--nocapture", test])
        .env(APART, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}{}", show(&output.stdout), show(&output.stderr));
}

fn show(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn besieged() {
    let cable = ["link add cable type veth peer name nobody", "link set cable arp off up", "link set nobody up"];
    let ways = ["link set lo up", "address add 10.9.0.1/32 dev lo", "route add 10.9.9.0/24 dev cable src 10.9.0.1"];
    for line in cable.iter().chain(&ways) {
        assert!(Command::new("ip").args(line.split(' ')).status().unwrap().success(), "ip {line}");
    }
    let server = Start::serve(&["--open", "--backlog", "8"]).listen("echo=10.9.0.1:0").go();
    let &Place::Tcp(SocketAddr::V4(at)) = server.place(0) else { panic!("{}", server.place(0)) };
    let mut early = server.client(0);
    early.ask(b"before\n", b"before\n");
    for number in 1..=40 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_ip_transparent_v4(true).unwrap();
        socket.bind(&SocketAddrV4::new(Ipv4Addr::new(10, 9, 9, number), 0).into()).unwrap();
        socket.set_nonblocking(true).unwrap();
        // Under way, which is no error here; dropped, it does not ask again.
        let _ = socket.connect(&at.into());
    }
    until("a full queue", || (8..=9).contains(&proc::connections(at, SYN_RECV)));
    // Who is there already notices nothing, and who finishes comes in.
    early.ask(b"meanwhile\n", b"meanwhile\n");
    server.client(0).ask(b"newcomer\n", b"newcomer\n");
    assert_eq!(server.figures().accepted, 2, "the loop has seen none of the forty");
}
