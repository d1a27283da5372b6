//! What takes a hub without sockets: passwords from other machines, and accounts that change at a given moment.

use std::net::SocketAddr;
use std::rc::Rc;

use parlor::hub::{Address, ConnId, Framing, Hub, Limits, Moment, Profile, Request, Wall};
use parlor::services::accounts::{Accounts, load};
use parlor::services::chat::{Chat, Demands, Guard, Settings};

use crate::support::accounts::accounts;

/// A chat in a hub, and somebody who came from there.
struct House {
    hub: Hub,
    id: ConnId,
    accounts: Accounts,
    file: tempfile::NamedTempFile,
}

impl House {
    fn new(from: &str, is_private: bool, plain_login: bool) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), accounts()).unwrap();
        let accounts = Accounts::open(file.path()).unwrap();
        let guard = Guard { accounts: Some(accounts.clone()), ..Guard::default() };
        guard.demands.set(Demands { plain_login, ..Demands::default() });
        let private = guard.private.clone();
        let mut hub = Hub::new(Limits::default(), Box::new(|bytes: &mut [u8]| bytes.fill(7)));
        let chat = hub.add(Chat::new(Settings::default(), None).guarded(guard));
        let (framing, limits) = (Framing::LINES, Rc::new(Limits::default()));
        let profile = Profile { framing, silence: None, refuse_http: true, limits, address: Address::Pipe };
        let listener = hub.listen(chat, profile);
        if is_private {
            private.trust(listener);
        }
        hub.begin(Moment::START, Wall::from_millis(0));
        let peer = Address::Tcp(SocketAddr::new(from.parse().unwrap(), 1));
        let id = hub.accepted(listener, peer, None);
        hub.turn_end();
        let mut house = Self { hub, id, accounts, file };
        house.heard();
        house
    }

    fn says(&mut self, line: &str) {
        self.hub.receive(self.id, format!("{line}\n").as_bytes());
        self.hub.turn_end();
    }

    fn heard(&mut self) -> String {
        let heard = String::from_utf8(self.hub.output(self.id).to_vec()).unwrap();
        self.hub.wrote(self.id, heard.len());
        heard
    }

    /// Is a password to be looked at? Then it is, and `meanwhile` happens before its verdict is heard.
    fn looks(&mut self, meanwhile: impl FnOnce(&mut Self)) -> bool {
        let jobs = self.hub.take_requests().into_iter().filter_map(|request| match request {
            Request::Job(job, _, work) => Some((job, work())),
            _ => None,
        });
        let jobs: Vec<_> = jobs.collect();
        meanwhile(self);
        let any = !jobs.is_empty();
        for (job, verdict) in jobs {
            self.hub.done(job, Ok(verdict));
        }
        self.hub.turn_end();
        any
    }
}

/// What somebody from there is answered who logs in; `None` when the password is looked at.
fn answer(from: &str, is_private: bool, plain_login: bool) -> Option<String> {
    let mut house = House::new(from, is_private, plain_login);
    house.says("/login alice alice's password");
    if house.looks(|_| ()) { None } else { Some(house.heard()) }
}

#[test]
fn a_password_that_was_changed_while_it_was_looked_at_is_wrong() {
    let others = accounts().replace("alice:", "nobody:").replace("bob:", "alice:").replace("nobody:", "bob:");
    for (now, wanted) in [(accounts(), "- you are alice\n"), (&*others, "! wrong-password: wrong name or password\n")] {
        let mut house = House::new("127.0.0.1", false, false);
        house.says("/login alice alice's password");
        let looked = house.looks(|house| {
            std::fs::write(house.file.path(), now).unwrap();
            let book = load(house.file.path()).unwrap();
            house.accounts.replace(house.file.path().to_owned(), book);
        });
        assert!(looked);
        assert_eq!(house.heard(), wanted);
    }
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
