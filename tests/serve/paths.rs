//! Unix sockets: their files, and who may reach them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;

use crate::support::tools::needs;
use crate::support::{Server, Start, until};

fn listener(path: &Path) -> String {
    format!("echo=unix:{}", path.display())
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

#[test]
fn a_path_left_behind_by_a_killed_server_is_used_again() {
    let folder = tempfile::tempdir().expect("ours");
    let path = folder.path().join("u.sock");
    let server = Server::with(&[&listener(&path)]);
    server.signal(Signal::KILL);
    drop(server);
    assert!(path.exists(), "nobody could remove it");
    let server = Server::with(&[&listener(&path)]);
    server.client(0).ask(b"back\n", b"back\n");
}

#[test]
fn the_file_is_the_owners_alone_whatever_the_mask() {
    let folder = tempfile::tempdir().expect("ours");
    for mask in ["000", "022", "077", "777"] {
        let path = folder.path().join(mask);
        let server = Start::serve(&[]).listen(&listener(&path)).after(&format!("umask {mask}")).go();
        assert_eq!(mode(&path), 0o600, "mask {mask}");
        server.client(0).ask(b"1\n", b"1\n");
    }
}

#[test]
fn the_file_is_the_owners_alone_from_the_first_moment() {
    if !needs("strace") {
        return;
    }
    let folder = tempfile::tempdir().expect("ours");
    let path = folder.path().join("u.sock");
    let flag = listener(&path);
    // Held up for a moment after bind has made the file.
    let start = Start::serve(&[]).listen(&flag).after("umask 000");
    let start = start.strace(&["trace=bind", "inject=bind:delay_exit=200000"]);
    std::thread::scope(|scope| {
        let server = scope.spawn(|| start.go());
        until("the file", || path.exists());
        assert_eq!(mode(&path), 0o600);
        server.join().expect("it listens").client(0).ask(b"1\n", b"1\n");
    });
}

#[test]
fn the_mode_can_be_chosen_by_flag_and_by_environment() {
    let folder = tempfile::tempdir().expect("ours");
    let path = folder.path().join("u.sock");
    let start = || Start::serve(&[]).listen(&listener(&path)).env("PARLOR_UNIX_MODE", "660");
    let server = start().go();
    assert_eq!(mode(&path), 0o660);
    drop(server);
    let server = start().flags(&["--unix-mode", "666"]).go();
    assert_eq!(mode(&path), 0o666);
    drop(server);
    for wrong in ["999", "1000", "rw", "-1", ""] {
        let finished = start().flags(&[&format!("--unix-mode={wrong}")]).run();
        assert_eq!(finished.code(), 2, "{finished:#?}");
    }
}

#[test]
fn the_file_is_gone_when_the_server_has_stopped() {
    let folder = tempfile::tempdir().expect("ours");
    let path = folder.path().join("u.sock");
    let server = Server::with(&[&listener(&path), "echo=127.0.0.1:0"]);
    assert!(path.exists());
    assert_eq!(server.stop().code(), 0);
    assert!(!path.exists());
}

#[test]
fn a_file_that_somebody_put_in_its_place_is_not_removed() {
    let folder = tempfile::tempdir().expect("ours");
    let path = folder.path().join("u.sock");
    let server = Server::with(&[&listener(&path)]);
    // Made before the other is gone, so that it can't be given the same inode.
    let other = folder.path().join("other");
    fs::write(&other, "mine").expect("ours");
    fs::rename(&other, &path).expect("ours");
    assert_eq!(server.stop().code(), 0);
    assert_eq!(fs::read_to_string(&path).expect("it is still there"), "mine");
}
