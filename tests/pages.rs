//! The pages say what the code does: their code stands in files, their links lead somewhere, what they name exists.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "pages/first_loop.rs"]
mod first_loop;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages that people read: those in `docs`, and the README once there is one.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.extend(Some(root().join("README.md")).filter(|path| path.exists()));
    pages.sort();
    pages
}

/// The fenced blocks of a page: the word behind the fence, and the lines between the fences.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, text)), None) => text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    found
}

/// A page without its fenced blocks.
fn prose(page: &str) -> String {
    let mut fenced = false;
    let outside = |line: &&str| {
        let is_fence = line.starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    };
    page.lines().filter(outside).collect::<Vec<_>>().join("\n")
}

/// What stands between backticks in the prose of a page, in order.
fn code_spans(page: &str) -> Vec<String> {
    prose(page).split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_piece_of_code_on_the_first_page_stands_in_its_file() {
    let (page, file) = (read("docs/first-loop.md"), format!("\n{}", read("docs/first-loop.rs")));
    let pieces: Vec<_> = blocks(&page).into_iter().filter(|(language, _)| language == "rust").collect();
    assert!(pieces.len() > 5, "the page walks through the file piece by piece");
    for (_, piece) in &pieces {
        assert!(file.contains(&format!("\n{piece}")), "not in docs/first-loop.rs:\n{piece}");
    }
}

#[test]
fn the_first_page_leaves_no_line_of_its_file_out() {
    let shown: String = blocks(&read("docs/first-loop.md")).into_iter().map(|(_, text)| text).collect();
    for line in read("docs/first-loop.rs").lines() {
        assert!(shown.lines().any(|other| other == line), "not in docs/first-loop.md:\n{line}");
    }
}

#[test]
fn the_first_loop_has_at_most_150_lines() {
    let count = read("docs/first-loop.rs").lines().count();
    assert!(count <= 150, "{count} lines");
}

#[test]
fn every_relative_link_leads_to_a_file() {
    for page in pages() {
        let text = prose(&fs::read_to_string(&page).unwrap());
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                let file = page.parent().unwrap().join(target);
                assert!(file.exists(), "{} points to {target}", page.display());
            }
        }
    }
}

/// Every `fn` of the tests, wherever they stand.
fn all_tests(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            all_tests(&entry, into);
        } else if entry.extension().is_some_and(|end| end == "rs") {
            into.push_str(&fs::read_to_string(entry).unwrap());
        }
    }
}

/// Rows of the table whose tests have the row's number in their names.
const NUMBERED: [u8; 24] = [3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 30, 32];

#[test]
fn every_test_that_a_page_names_stands() {
    let mut tests = String::new();
    all_tests(&root().join("tests"), &mut tests);
    let mut found = 0;
    for page in pages() {
        for name in code_spans(&fs::read_to_string(&page).unwrap()) {
            let is_test = name.matches('_').count() >= 4
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte));
            if is_test {
                assert!(tests.contains(&format!("fn {name}(")), "{} names {name}", page.display());
                found += 1;
            }
        }
    }
    assert!(found > 80, "only {found} names: this would hold nothing");
}

#[test]
fn everything_in_the_documents_has_a_page_and_a_test() {
    let mut tests = String::new();
    all_tests(&root().join("tests"), &mut tests);
    let page = read("docs/documents.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| D")).collect();
    assert_eq!(rows.len(), 32);
    for (number, row) in (1_u8..).zip(rows) {
        assert!(row.starts_with(&format!("| D{number} | ")), "in the place of D{number}: {row}");
        let columns: Vec<&str> = row.split(" | ").collect();
        assert!(columns[2].contains(".md"), "no page: {row}");
        let named: Vec<&str> = columns[3].split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test: {row}");
        for test in &named {
            let stands = tests.contains(&format!("fn {test}(")) || root().join(test).is_file();
            assert!(stands, "there is no {test}: {row}");
        }
        let has_number = named.iter().any(|test| test.starts_with(&format!("d{number}_")));
        assert!(has_number || !NUMBERED.contains(&number), "no test of its own: {row}");
    }
}

/// On that page a function belongs to the file that was named last before it.
#[test]
fn every_file_and_function_on_the_journey_exists() {
    let mut file: Option<(String, String)> = None;
    let mut found = 0;
    for span in code_spans(&read("docs/journey.md")) {
        if Path::new(&span).extension().is_some_and(|end| end == "rs") {
            file = Some((span.clone(), read(&span)));
        } else if let Some(function) = span.strip_suffix("()") {
            let name = function.rsplit([':', '.']).next().unwrap();
            let (path, code) = file.as_ref().unwrap_or_else(|| panic!("{span} is named before any file"));
            let defined = [format!("fn {name}("), format!("fn {name}<")];
            assert!(defined.iter().any(|start| code.contains(start)), "{span} is not in {path}");
            found += 1;
        }
    }
    assert!(found > 20, "the page names functions, so that a reader finds them");
}
