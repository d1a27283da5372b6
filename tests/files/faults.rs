//! Disks that are full, broken, or not ours any more: a clear error, and no half file.

use std::fs;

use parlor::services::chat::Guard;
use parlor::services::files::{Settings, Step};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::house::{House, content, digest};
use crate::support::Start;
use crate::support::tools::needs;

#[test]
fn a_full_disk_is_a_clear_error_and_leaves_nothing() {
    for error in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
        let mut house = House::new();
        let tea = content(1, 300_000);
        let id = house.guest();
        house.offers(id, "tea", &tea);
        house.disk.fail(Step::Write, 2, error.raw_os_error());
        house.says(id, &tea);
        assert_eq!(
            house.outcome(id),
            "! disk-full: there is no room for it on the server's disk; nothing of it was kept"
        );
        assert!(house.files().is_empty() && house.parts().is_empty());
        // The rest of the body was dropped, and the connection goes on.
        assert_eq!(house.asks(id, "PING"), "PONG");
        house.disk.heal();
        assert_eq!(house.offers(id, "tea", &tea), "- send tea 0");
        house.says(id, &tea);
        assert_eq!(house.outcome(id), format!("- stored tea 300000 {}", digest(&tea)));
    }
}

#[test]
fn a_disk_that_fails_in_any_step_of_putting_leaves_nothing() {
    let steps = [
        (Step::Open, 0, "looking for a file"),
        (Step::Look, 0, "counting files"),
        (Step::Create, 0, "making a part"),
        (Step::Write, 0, "writing a part"),
        (Step::Sync, 0, "giving a part its name"),
        (Step::Own, 0, "giving a part its name"),
        // Of the folder, once the file has its name.
        (Step::Sync, 1, "giving a part its name"),
        (Step::Place, 0, "giving a part its name"),
    ];
    for error in [Errno::IO, Errno::ACCESS, Errno::ROFS] {
        for (step, after, doing) in steps {
            let mut house = House::new();
            let tea = content(2, 100_000);
            let id = house.guest();
            house.disk.fail(step, after, error.raw_os_error());
            let mut answer = house.offers(id, "tea", &tea);
            if answer == "- send tea 0" {
                house.says(id, &tea);
                answer = house.outcome(id);
            }
            assert!(answer.starts_with(&format!("! disk: the server's disk refused ({doing}: ")), "{step:?}: {answer}");
            assert!(house.files().is_empty() && house.parts().is_empty(), "{step:?}");
            house.disk.heal();
            assert_eq!(house.offers(id, "tea", &tea), "- send tea 0", "{step:?}");
        }
    }
}

#[test]
fn a_part_that_cannot_be_read_again_is_begun_anew() {
    let mut house = House::new();
    let tea = content(3, 100_000);
    house.leaves("tea", &tea, 60_000);
    let id = house.guest();
    house.disk.fail(Step::Read, 0, Errno::IO.raw_os_error());
    assert!(house.offers(id, "tea", &tea).starts_with("! disk: the server's disk refused (reading a part: "));
    assert!(house.parts().is_empty());
    house.disk.heal();
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 0");
}

#[test]
fn a_disk_that_fails_after_the_line_broke_leaves_no_part() {
    let mut house = House::new();
    let tea = content(4, 100_000);
    let id = house.guest();
    house.offers(id, "tea", &tea);
    house.held = true;
    house.says(id, &tea[..30_000]);
    house.says(id, &tea[30_000..60_000]);
    house.breaks(id);
    house.disk.fail(Step::Write, 1, Errno::NOSPC.raw_os_error());
    house.let_go();
    assert!(house.parts().is_empty());
    house.disk.heal();
    let id = house.guest();
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 0");
}

#[test]
fn a_disk_that_fails_while_a_file_goes_out_ends_the_connection() {
    let mut house = House::new();
    let tea = content(5, 200_000);
    fs::write(house.path("tea"), &tea).unwrap();
    let id = house.guest();
    house.disk.fail(Step::Read, 6, Errno::IO.raw_os_error());
    // Four reads for the digest, two pieces.
    assert!(house.asks(id, "get tea").starts_with("- body tea 200000 "));
    assert_eq!(house.rest(id), tea[..2 * 65536]);
    assert!(!house.is_there(id));
    // Before anything was said, it is an error like any other.
    let id = house.guest();
    house.disk.fail(Step::Open, 0, Errno::IO.raw_os_error());
    assert!(house.asks(id, "get tea").starts_with("! disk: the server's disk refused (opening: "));
    house.disk.fail(Step::Look, 0, Errno::IO.raw_os_error());
    assert!(house.asks(id, "list").starts_with("! disk: the server's disk refused (listing: "));
    assert_eq!(house.asks(id, "PING"), "PONG");
}

/// The kernel's own refusal, in the middle of a piece, on the real server.
#[test]
fn a_limit_on_the_size_of_files_leaves_no_half_file_and_no_dead_server() {
    if !needs("prlimit") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let flags = ["--no-history", "--files", folder.path().to_str().unwrap()];
    let start = Start::serve(&flags).under(&["prlimit", "--fsize=100000:100000"]);
    let server = start.listen("files=127.0.0.1:0").go();
    let (tea, mut client) = (content(6, 300_000), server.client(0));
    client.line();
    client.send(format!("offer tea {} {}\n", tea.len(), digest(&tea)).as_bytes());
    assert_eq!(client.line(), "- send tea 0");
    client.send(&tea);
    let mut line = client.line();
    while line.starts_with("- have ") {
        line = client.line();
    }
    assert_eq!(line, "! disk-full: there is no room for it on the server's disk; nothing of it was kept");
    client.ask(b"PING\n", b"PONG\n");
    let names = |path: &str| fs::read_dir(folder.path().join(path)).unwrap().count();
    assert_eq!((names("."), names(".parts")), (2, 0), "more than the folder of parts and the list of owners is left");
    // What fits is taken as before.
    client.send(format!("offer milk 90000 {}\n", digest(&tea[..90_000])).as_bytes());
    assert_eq!(client.line(), "- send milk 0");
    client.send(&tea[..90_000]);
    line = client.line();
    while line.starts_with("- have ") {
        line = client.line();
    }
    assert!(line.starts_with("- stored milk 90000 "), "{line}");
}

#[test]
fn a_list_of_owners_that_cannot_be_written_anew_keeps_nobody_from_starting() {
    let mut house = House::new();
    let id = house.user(1000);
    house.offers(id, "tea", b"tea");
    house.says(id, b"tea");
    assert!(house.outcome(id).starts_with("- stored tea"));
    // The last line was being written when the power went, and now the disk refuses: another thing has the place.
    let mut owners = fs::read(house.path(".owners")).unwrap();
    owners.extend_from_slice(b"milk us");
    fs::write(house.path(".owners"), owners).unwrap();
    fs::create_dir(house.path(".owners.new")).unwrap();
    let mut house = house.again(Settings::default(), Guard::default());
    let id = house.user(1000);
    assert_eq!(house.asks(id, "quota"), "- quota 3 2147483648");
    // Nothing is stored whose owner can't be noted.
    house.offers(id, "milk", b"milk");
    house.says(id, b"milk");
    assert!(house.outcome(id).starts_with("! disk: "));
    assert_eq!(house.files(), ["tea"]);
    fs::remove_dir(house.path(".owners.new")).unwrap();
    house.offers(id, "milk", b"milk");
    house.says(id, b"milk");
    assert!(house.outcome(id).starts_with("- stored milk"));
    let mut house = house.again(Settings::default(), Guard::default());
    let id = house.user(1000);
    assert_eq!(house.asks(id, "quota"), "- quota 7 2147483648");
}
