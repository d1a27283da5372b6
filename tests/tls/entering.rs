//! TLS and a login make an address safe that other machines can reach.
#![cfg(feature = "accounts")]

use tempfile::TempDir;

use crate::authority::Authority;
use crate::house::{Secure, served};
use crate::support::accounts::accounts;

#[test]
fn a_chat_through_tls_where_everybody_logs_in_may_listen_to_the_world_and_others_may_not() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let file = folder.path().join("accounts");
    std::fs::write(&file, accounts()).unwrap();
    let with = |flags: &[&str]| served(folder.path(), &authority.here()).flags(&["--no-history"]).flags(flags);
    let login = ["--accounts", file.to_str().unwrap(), "--require-login"];
    let refused = |start: crate::support::Start| {
        let finished = start.run();
        let said = finished.stderr.last().cloned().unwrap_or_default();
        assert!(finished.code() == 1 && said.contains("--open says that this is wanted"), "{said}");
    };
    // Either alone is not enough, and an echo has no login.
    refused(with(&["--listen", "chat+tls=0.0.0.0:0"]));
    refused(with(&login).flags(&["--listen", "chat=0.0.0.0:0"]));
    refused(with(&login).flags(&["--listen", "echo+tls=0.0.0.0:0"]));
    let server = with(&login).listen("chat+tls=0.0.0.0:0").go();
    let mut alice = Secure::to(server.place(0), authority.client()).unwrap();
    assert_eq!(alice.line(), "- parlor chat: who are you? /login NAME PASSWORD; /help");
    alice.send(b"/login alice alice's password\n");
    assert_eq!(alice.line(), "- you are alice, in #lobby; rooms are not recorded");
}
