//! `docs/protocol.md` says what the server does: every conversation on it is played, and every error is on its list.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "support/chat.rs"]
mod people;
#[path = "support/mod.rs"]
mod support;

#[path = "protocol/play.rs"]
mod play;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page() -> String {
    fs::read_to_string(root().join("docs/protocol.md")).unwrap()
}

/// A conversation on the page: the words behind the fence, where it stands, its lines.
struct Block {
    title: String,
    line: usize,
    lines: Vec<String>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(title)) => open = Some(Block { title: title.to_owned(), line: number + 2, lines: Vec::new() }),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    found
}

#[test]
fn every_conversation_on_the_page_goes_as_it_is_written() {
    let page = page();
    let blocks = blocks(&page);
    assert!(blocks.len() > 25, "only {} conversations", blocks.len());
    for Block { title, line, lines } in &blocks {
        play::play(title, *line, lines);
    }
}

#[test]
#[should_panic(expected = "line 8: heard \"#lobby <alice> hello\" instead of \"#lobby <alice> hallo\"")]
fn a_line_that_differs_is_found() {
    let lines = ["C1> hello", "C2< #lobby <alice> hallo"].map(str::to_owned);
    play::play("chat alice bob", 7, &lines);
}

#[test]
#[should_panic(expected = "line 8: C2 has heard more: [\"#lobby <alice> hello\"]")]
fn a_line_that_is_left_out_is_found() {
    play::play("chat alice bob", 7, &["C1> hello".to_owned()]);
}

/// The codes on the page's list.
fn listed(page: &str) -> BTreeSet<String> {
    let (_, rest) = page.split_once("\n## Errors\n").expect("the page has a list of errors");
    let section = rest.split("\n## ").next().unwrap();
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned)).collect()
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// Codes as the code writes them: words in quotes behind one of these.
fn written(text: &str) -> BTreeSet<String> {
    let starts = [
        "complain(cx, person, \"",
        "complain(cx, id, \"",
        "complain(cx, holder, \"",
        "throw_out(cx, other, \"",
        "complain(cx, owed.person, \"",
        "=> (\"",
        "complaint(\"",
        "Complaint::new(\"",
        "Self::new(\"",
        "person,\n                \"",
        "cx,\n            person,\n            \"",
        "=> \"",
        "b\"! ",
        "\"! ",
    ];
    let mut found = BTreeSet::new();
    for start in starts {
        for rest in text.split(start).skip(1) {
            let code: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || matches!(c, '-' | '8')).collect();
            let ends = rest[code.len()..].starts_with(['"', ':']);
            if ends && !code.is_empty() {
                found.insert(code);
            }
        }
    }
    found
}

#[test]
fn every_error_that_the_server_knows_is_on_the_list_and_no_other() {
    let listed = listed(&page());
    assert!(listed.len() > 25, "{listed:?}");
    let mut texts = Vec::new();
    sources(&root().join("src/services/chat"), &mut texts);
    let others = ["src/net/admission.rs", "src/net/penalties.rs", "src/daemon/admin.rs"];
    for file in ["src/hub/service.rs"].into_iter().chain(others) {
        texts.push(fs::read_to_string(root().join(file)).unwrap());
    }
    let written: BTreeSet<String> = texts.iter().flat_map(|text| written(text)).collect();
    let invented: Vec<_> = listed.difference(&written).collect();
    assert!(invented.is_empty(), "the server knows nothing of {invented:?}");
    // Everything else in those places is a word of another kind.
    let others = ["left", "quit", "flood", "disconnect", "gap", "pause", "resume", "history", "silent", "ping", "pong"];
    for code in written.difference(&listed).filter(|code| !others.contains(&code.as_str())) {
        assert!(!is_a_code(&texts, code), "{code} is not on the list");
    }
}

#[test]
fn every_error_of_files_and_run_is_on_their_lists_and_no_other() {
    for (service, heading) in [("files", "### Errors of files"), ("run", "### Errors of run")] {
        let page = page();
        let (_, section) = page.split_once(&format!("\n{heading}\n")).unwrap();
        let table = section.split("\n## ").next().unwrap();
        let cells = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let listed: BTreeSet<String> =
            cells.flat_map(|cell| cell.split(", ")).map(|code| code.trim_matches('`').to_owned()).collect();
        let mut texts: Vec<String> = ["line.rs", "accounts/desk.rs", "accounts/visitors.rs"]
            .map(|file| fs::read_to_string(root().join("src/services").join(file)).unwrap())
            .into();
        sources(&root().join("src/services").join(service), &mut texts);
        let code = |rest: &str| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned);
        let of = |text: &String, start: &str| text.split(start).skip(1).filter_map(code).collect::<Vec<_>>();
        let written: BTreeSet<String> =
            texts.iter().flat_map(|text| [of(text, "Wrong::new("), of(text, "Self::new(")].concat()).collect();
        assert_eq!(listed, written, "{service}");
    }
}

/// Is this word given to somebody as an error?
fn is_a_code(texts: &[String], code: &str) -> bool {
    let quoted = format!("\"{code}\"");
    let near = |text: &String, at: usize| {
        let before = &text[text.floor_char_boundary(at.saturating_sub(60))..at];
        before.contains("complain") || before.contains("Complaint::new")
    };
    texts.iter().any(|text| text.match_indices(&quoted).any(|(at, _)| near(text, at)))
}

#[test]
fn every_command_has_its_place_on_the_page() {
    let page = page();
    for help in parlor::services::chat::COMMANDS {
        let word = format!("/{}", help.name);
        let titles = page.lines().filter(|line| line.starts_with("### "));
        let mut words = titles.flat_map(|title| title.split([' ', ',']));
        assert!(words.any(|other| other == word), "no section for {word}");
    }
}
