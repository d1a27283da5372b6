//! Passwords from other machines, with made-up addresses in a hub without sockets.

use std::net::SocketAddr;
use std::rc::Rc;

use parlor::hub::{Address, Framing, Hub, Limits, Moment, Profile, Request, Wall};
use parlor::services::accounts::Accounts;
use parlor::services::chat::{Chat, Guard, Settings};

use crate::support::accounts::accounts;

/// What somebody from there is answered who logs in; `None` when the password is looked at.
fn answer(from: &str, is_private: bool, plain_login: bool) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), accounts()).unwrap();
    let guard = Guard { accounts: Some(Accounts::open(file.path()).unwrap()), plain_login, ..Guard::default() };
    let mut hub = Hub::new(Limits::default(), Box::new(|bytes: &mut [u8]| bytes.fill(7)));
    let chat = hub.add(Chat::new(Settings::default(), None).guarded(guard));
    let (framing, limits) = (Framing::LINES, Rc::new(Limits::default()));
    let profile = Profile { framing, silence: None, refuse_http: true, limits, address: Address::Pipe };
    let listener = hub.listen(chat, profile);
    if is_private {
        hub.with(chat, |chat: &mut Chat, _| chat.trust(listener));
    }
    hub.begin(Moment::START, Wall::from_millis(0));
    let peer = Address::Tcp(SocketAddr::new(from.parse().unwrap(), 1));
    let id = hub.accepted(listener, peer, None);
    hub.turn_end();
    let greeting = hub.output(id).len();
    hub.wrote(id, greeting);
    hub.receive(id, b"/login alice alice's password\n");
    hub.turn_end();
    if hub.take_requests().iter().any(|request| matches!(request, Request::Job(..))) {
        return None;
    }
    Some(String::from_utf8(hub.output(id).to_vec()).unwrap())
}

#[test]
fn a_password_is_not_taken_over_plain_tcp_from_beyond_this_machine_unless_that_is_wanted() {
    let told =
        "! insecure: a password is not taken over a line on which others can listen; come by TLS (plain-login)\n";
    for from in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
        assert_eq!(answer(from, false, false).as_deref(), Some(told), "{from}");
        assert_eq!(answer(from, false, true), None, "it was wanted");
        assert_eq!(answer(from, true, false), None, "through TLS");
    }
    for from in ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(answer(from, false, false), None, "{from}");
    }
}
