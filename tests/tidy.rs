//! The house's own rules: floors, sizes, names, and that the plan in `docs/architecture.md` is the house that stands.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::redundant_closure,
    reason = "the project's own files end as they are written here"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file with this ending below a folder, in order.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is part of the project") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{ending} file below {folder}: this test would hold nothing");
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("the project's files are text")
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).expect("it is inside").display().to_string()
}

/// A file without its comments.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// What a room may import: rooms of this crate, and packages.
struct Floor {
    room: &'static str,
    rooms: &'static [&'static str],
    packages: &'static [&'static str],
}

const FLOORS: [Floor; 8] = [
    Floor { room: "hub", rooms: &["hub"], packages: &["std", "slab", "memchr"] },
    Floor { room: "log", rooms: &["log"], packages: &["std", "crc32c", "rustix"] },
    Floor {
        room: "services",
        rooms: &["hub", "log", "services"],
        packages: &[
            "std",
            "argon2",
            "log",
            "rustix",
            "slab",
            "serde",
            "serde_json",
            "sha2",
            "smallvec",
            "unicode_normalization",
            "unicode_security",
        ],
    },
    Floor {
        room: "net",
        rooms: &["hub", "net"],
        packages: &[
            "std",
            "mio",
            "socket2",
            "rustix",
            "libc",
            "log",
            "signal_hook",
            "signal_hook_mio",
            "rustls",
            "rustls_native_certs",
            "sha2",
        ],
    },
    Floor {
        room: "daemon",
        rooms: &["hub", "log", "services", "net", "daemon"],
        packages: &["std", "log", "rustix", "clap", "serde", "toml"],
    },
    // Of the services, clients use what must be the same on both sides: what is harmless to show, how long a text may be.
    Floor {
        room: "client",
        rooms: &["hub", "services", "client"],
        packages: &[
            "std",
            "rustix",
            "serde",
            "serde_json",
            "sha2",
            "toml",
            "signal_hook",
            "jiff",
            "unicode_segmentation",
            "unicode_width",
            "toml",
        ],
    },
    Floor {
        room: "load",
        rooms: &["hub", "net", "load"],
        packages: &["std", "mio", "slab", "memchr", "serde", "serde_json", "hdrhistogram"],
    },
    Floor {
        room: "cli",
        rooms: &["hub", "log", "services", "net", "daemon", "client", "load", "cli", "calendar"],
        packages: &["std", "log", "clap", "clap_complete", "clap_mangen", "rustix"],
    },
];

/// Every package that the manifest names.
fn packages() -> Vec<String> {
    let manifest = read(&root().join("Cargo.toml"));
    let section = manifest.split("[dependencies]").nth(1).expect("there are dependencies");
    let lines = section.lines().take_while(|line| !line.starts_with('[')).filter(|line| line.contains('='));
    let names = lines.map(|line| line.split_whitespace().next().expect("it has a name").replace('-', "_"));
    names.chain(["std".to_owned()]).collect()
}

/// What a file of a room imports against the floors.
fn breaches(floor: &Floor, text: &str) -> Vec<String> {
    let code = code(text);
    let rooms = code.split("crate::").skip(1).map(|rest| first_word(rest));
    let strangers = rooms.filter(|room| !floor.rooms.contains(&room.as_str()));
    let packages = packages().into_iter().filter(|package| !floor.packages.contains(&package.as_str()));
    let used = packages.filter(|package| names_package(&code, package));
    strangers.chain(used).collect()
}

fn names_package(code: &str, package: &str) -> bool {
    let path = format!("{package}::");
    code.match_indices(&path)
        .any(|(at, _)| !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':'))
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

#[test]
fn no_room_imports_from_a_floor_above_it() {
    let mut found = Vec::new();
    for floor in &FLOORS {
        for path in files(&format!("src/{}", floor.room), "rs") {
            for stranger in breaches(floor, &read(&path)) {
                found.push(format!("{} imports {stranger}", name(&path)));
            }
        }
    }
    assert!(found.is_empty(), "against the floors: {found:#?}");
}

#[test]
fn an_import_against_the_floors_is_found() {
    let hub = &FLOORS[0];
    assert!(breaches(hub, "use std::mem;\nuse super::link;\nuse slab::Slab; // not mio::Poll").is_empty());
    assert_eq!(breaches(hub, "use crate::net::Reactor;"), ["net"]);
    assert_eq!(breaches(hub, "let poll = mio::Poll::new();"), ["mio"]);
}

#[test]
fn every_room_has_a_floor() {
    let rooms: BTreeSet<String> = files("src", "rs")
        .iter()
        .filter_map(|path| name(path).split('/').nth(1).map(ToOwned::to_owned))
        .filter(|room| !room.ends_with(".rs"))
        .collect();
    let planned: BTreeSet<String> = FLOORS.iter().map(|floor| floor.room.to_owned()).collect();
    assert_eq!(rooms, planned);
}

#[test]
fn the_loop_fits_in_250_lines() {
    let lines = read(&root().join("src/net/reactor.rs")).lines().count();
    assert!(lines <= 250, "src/net/reactor.rs has {lines} lines");
}

/// What a student reads: at most 2,500 lines of code. Comments and blank lines are not counted, for they are there to
/// make it shorter.
#[test]
fn what_a_student_reads_is_an_evenings_reading() {
    let mut reading = files("src/hub", "rs");
    reading.extend(
        ["net/reactor.rs", "net/pump.rs", "net/listen.rs", "services/echo.rs", "services/chat/rooms.rs"]
            .map(|file| root().join("src").join(file)),
    );
    let lines: usize =
        reading.iter().map(|path| code(&read(path)).lines().filter(|line| !line.trim().is_empty()).count()).sum();
    assert!(lines <= 2500, "{lines} lines of code");
    for path in reading {
        assert!(!read(&path).contains("cfg(feature"), "{} reads differently with other features", name(&path));
    }
}

/// The functions of a file with their lengths. Relies on rustfmt: a function ends where a brace closes at its indent.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let words = line.trim_start();
        let is_function = words.starts_with("fn ") || words.contains(" fn ") && words.starts_with("pub");
        if !is_function {
            continue;
        }
        let indent = &line[..line.len() - words.len()];
        let is_end = |line: &&str| line.strip_prefix(indent).is_some_and(|rest| rest.starts_with('}'));
        if let Some(length) = lines[start..].iter().position(is_end) {
            found.push((words.to_owned(), length + 1));
        }
    }
    found
}

#[test]
fn functions_have_at_most_70_lines_and_files_at_most_400() {
    let mut long = Vec::new();
    for path in [files("src", "rs"), files("tests", "rs"), files("benches", "rs")].concat() {
        let text = read(&path);
        if text.lines().count() > 400 {
            long.push(format!("{}: {} lines", name(&path), text.lines().count()));
        }
        let functions = functions(&text).into_iter().filter(|(_, length)| *length > 70);
        long.extend(functions.map(|(function, length)| format!("{}: {length} lines: {function}", name(&path))));
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn a_long_function_is_found() {
    let text = format!("impl A {{\n    pub(super) fn long() {{\n{}    }}\n}}\n", "        work();\n".repeat(70));
    assert_eq!(functions(&text), [("pub(super) fn long() {".to_owned(), 72)]);
}

#[test]
fn no_name_says_nothing() {
    const EMPTY: [&str; 6] = ["utils", "common", "misc", "manager", "mgr", "buf2"];
    for path in [files("src", "rs"), files("tests", "rs"), files("benches", "rs")].concat() {
        let stem = path.file_stem().expect("a file has a name").to_string_lossy();
        assert!(
            !EMPTY.contains(&stem.as_ref()) && stem != "util" && stem != "helpers",
            "{} could hold anything",
            name(&path)
        );
        if path.ends_with("tests/tidy.rs") {
            continue;
        }
        let text = code(&read(&path));
        let words = text.split(|character: char| !character.is_alphanumeric());
        for word in words {
            assert!(!EMPTY.contains(&word), "{}: the name {word:?} says nothing", name(&path));
        }
    }
}

#[test]
fn unsafe_code_and_clocks_are_each_in_their_place() {
    for path in files("src", "rs") {
        let (file, text) = (name(&path), code(&read(&path)));
        let unsafe_block = text.contains("unsafe {") || text.contains("unsafe fn") || text.contains("unsafe impl");
        assert!(!unsafe_block || file == "src/net/kernel.rs", "{file} has unsafe code");
        let reads_clock = text.contains("Instant::now") || text.contains("SystemTime::now");
        let may = ["src/net/clock.rs", "src/daemon/logger.rs"].contains(&file.as_str());
        assert!(!reads_clock || may, "{file} reads a clock");
    }
}

#[test]
fn every_unsafe_block_says_why_it_is_safe() {
    let text = read(&root().join("src/net/kernel.rs"));
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("unsafe {")) {
        let reason = lines[..number].iter().rev().take_while(|before| before.trim_start().starts_with("//"));
        assert!(reason.into_iter().any(|before| before.contains("SAFETY:")), "line {}: {line}", number + 1);
    }
}

/// The files that the code map of `docs/architecture.md` names, as paths.
fn mapped(plan: &str) -> BTreeSet<String> {
    let map = plan.split("```").nth(1).expect("the plan begins with the code map");
    let mut folder = String::new();
    let mut found = BTreeSet::new();
    for line in map.lines() {
        let words = line.split_whitespace().take_while(|word| word.starts_with("src/") || word.ends_with(".rs"));
        for word in words {
            match word.strip_prefix("src/") {
                Some(_) if word.ends_with('/') => word.clone_into(&mut folder),
                Some(_) => drop(found.insert(word.to_owned())),
                None => drop(found.insert(format!("{folder}{word}"))),
            }
        }
    }
    found
}

#[test]
fn the_code_map_shows_every_file_and_no_other() {
    let planned = mapped(&read(&root().join("docs/architecture.md")));
    let standing: BTreeSet<String> = files("src", "rs").iter().map(|path| name(path)).collect();
    let missing: Vec<_> =
        standing.difference(&planned).filter(|path| !path.ends_with("/mod.rs") || path.contains("hub")).collect();
    let invented: Vec<_> = planned.difference(&standing).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not on the map: {missing:#?}; not in the house: {invented:#?}");
}

#[test]
fn every_invariant_names_the_tests_that_hold_it() {
    let plan = read(&root().join("docs/architecture.md"));
    let tests: String = files("tests", "rs").iter().map(|path| read(path)).collect();
    let invariants: Vec<&str> = plan.split("\n\n").filter(|paragraph| paragraph.starts_with("Invariant:")).collect();
    assert!(invariants.len() >= 9, "only {} invariants", invariants.len());
    for invariant in invariants {
        let (_, held) = invariant.split_once("Held by").unwrap_or_else(|| panic!("nothing holds: {invariant}"));
        let names: Vec<&str> = held.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "nothing holds: {invariant}");
        for test in names {
            assert!(tests.contains(&format!("fn {test}(")), "there is no test {test}");
        }
    }
}

#[test]
fn every_package_is_recorded_with_its_reason() {
    let manifest = read(&root().join("Cargo.toml"));
    let plan = read(&root().join("docs/architecture.md"));
    let sections = manifest
        .split("\n[")
        .filter(|section| section.starts_with("dependencies]") || section.starts_with("dev-dependencies]"));
    let lines = sections.flat_map(|section| section.lines().filter(|line| line.contains('=')));
    for package in lines.map(|line| line.split_whitespace().next().expect("it has a name")) {
        assert!(plan.contains(&format!("| {package} |")), "docs/architecture.md does not say why {package}");
    }
}
