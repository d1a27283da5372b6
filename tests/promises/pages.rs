//! The pages and these tests say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The tests of one file that have the number of a row in their name.
fn tests(file: &str) -> BTreeSet<String> {
    let text = read(Path::new("tests").join(file));
    let after_mark = text.split("#[test]\nfn ").skip(1).map(|rest| rest.split('(').next().unwrap());
    after_mark.filter(|name| is_numbered(name)).map(str::to_owned).collect()
}

fn is_numbered(name: &str) -> bool {
    let number = name.strip_prefix('d').and_then(|rest| rest.split_once('_'));
    number.is_some_and(|(number, _)| number.parse::<u8>().is_ok())
}

/// The tests that a page names between backticks: words with an underscore and a row's number before it.
fn named(page: &str) -> BTreeSet<String> {
    let text = read(Path::new("docs").join(page));
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter(|span| is_numbered(span)).map(str::to_owned).collect()
}

#[test]
fn every_test_of_a_promise_is_named_on_the_page_and_the_page_names_no_other() {
    let written = all([tests("promises/tcp.rs"), tests("promises/udp.rs"), tests("datagrams/listening.rs")]);
    assert!(written.len() > 15, "this would hold nothing: {written:#?}");
    assert_eq!(named("promises.md"), written);
    let mut written = all(["coming", "half_open", "going", "pages"].map(|file| tests(&format!("promises/{file}.rs"))));
    written.extend(tests("serve/families.rs").into_iter().filter(|name| name.starts_with("d24_")));
    assert_eq!(named("connections.md"), written);
}

fn all<const N: usize>(sets: [BTreeSet<String>; N]) -> BTreeSet<String> {
    sets.into_iter().flatten().collect()
}

/// Where cargo puts examples: beside the folder of this test.
pub(crate) fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    this.parent().unwrap().parent().unwrap().join("examples").join(name)
}

#[test]
fn d26_the_endings_and_piles_on_the_page_are_what_the_kernel_makes_of_them() {
    let program = example("endings");
    let output = Command::new(&program).output().unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo test` builds it, `cargo test --test promises` does not", program.display())
    });
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let page = read("docs/connections.md");
    assert!(
        page.contains(&format!("```\n$ cargo run --example endings\n{printed}```\n")),
        "the page shows something else than:\n{printed}"
    );
}
