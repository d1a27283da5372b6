//! What a package is made of: man pages, completions, the unit, and how much the core takes along.

use std::path::Path;
use std::process::Command;

use crate::support::Start;

fn generated(words: &[&str]) -> String {
    let finished = Start::parlor(&["generate"]).flags(words).run();
    assert_eq!((finished.code(), finished.stderr.len()), (0, 0), "{finished:#?}");
    finished.stdout
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The flags that a page of help shows.
fn flags(help: &str) -> Vec<String> {
    let words = help.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
    words.map(|word| word.split([' ', '[', '=']).next().unwrap().to_owned()).collect()
}

#[cfg(feature = "generate")]
#[test]
fn man_pages_have_every_command_and_every_flag() {
    let page = generated(&["man"]).replace("\\-", "-");
    assert!(page.contains(".TH parlor 1"), "{page}");
    for command in ["serve", "check", "generate", "probe", "history"] {
        assert!(page.contains(&format!("parlor-{command}(1)")), "no {command} in {page}");
        let page = generated(&["man", command]).replace("\\-", "-");
        assert!(page.contains(&format!(".TH parlor-{command} 1")), "{page}");
        let help = Start::parlor(&[command, "--help"]).run().stdout;
        for flag in flags(&help).iter().filter(|flag| !flag.is_empty()) {
            assert!(page.contains(&format!("--{flag}")), "no {flag} in the page of {command}");
        }
    }
    let finished = Start::parlor(&["generate", "man", "nothing"]).run();
    assert_eq!((finished.code(), &*finished.stderr[0]), (1, "parlor: there is no command nothing"));
}

#[cfg(feature = "generate")]
#[test]
fn shells_can_complete_every_flag() {
    let help = Start::parlor(&["serve", "--help"]).run().stdout;
    let flags = flags(&help);
    assert!(flags.len() > 40, "{flags:?}");
    for shell in ["bash", "zsh"] {
        let text = generated(&["completions", shell]);
        for flag in &flags {
            assert!(text.contains(&format!("--{flag}")), "no {flag} for {shell}");
        }
    }
    let fish = generated(&["completions", "fish"]);
    assert!(flags.iter().all(|flag| fish.contains(&format!("-l {flag} "))));
}

#[test]
fn the_unit_is_as_tight_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("parlor.service");
    std::fs::copy(root().join("docs/parlor.service"), &unit).unwrap();
    let tool = Command::new("systemd-analyze").args(["security", "--offline=yes"]).arg(&unit).output();
    let Ok(output) = tool else {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let verdict = text.lines().find_map(|line| line.split_once("Overall exposure level for parlor.service: "));
    let (_, verdict) = verdict.unwrap_or_else(|| panic!("no verdict: {output:?}"));
    let score: f64 = verdict.split(' ').next().unwrap().parse().unwrap();
    assert!(score <= 1.5, "{text}");
}

/// Every command of the unit is one that the program has.
#[test]
fn the_unit_starts_what_there_is() {
    let unit = std::fs::read_to_string(root().join("docs/parlor.service")).unwrap();
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/parlor ")).unwrap();
    let mut words: Vec<&str> = start.split(' ').collect();
    let config = words.iter().position(|word| word.starts_with("/etc/")).unwrap();
    let sample = root().join("docs/parlor.toml");
    words[config] = sample.to_str().unwrap();
    let finished = Start::parlor(&words).flags(&["--print-config"]).env("STATE_DIRECTORY", "/var/lib/parlor").run();
    assert_eq!(finished.code(), 0, "{finished:#?}");
    assert!(finished.stdout.contains("data = \"/var/lib/parlor\""), "{}", finished.stdout);
}

#[test]
fn the_core_daemon_takes_along_at_most_60_packages() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let words = ["tree", "--locked", "--offline", "--no-default-features", "-e", "normal", "--prefix", "none"];
    let output = Command::new(cargo).args(words).current_dir(root()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).replace(" (*)", "");
    let packages: std::collections::BTreeSet<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert!((10..=60).contains(&packages.len()), "{packages:#?} {output:?}");
}
