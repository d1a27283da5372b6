//! The chat's language: what lines mean, what names may be, and how everything is said in both forms.

mod commands;
mod forging;
mod forms;
mod names;
mod objects;
mod wrong;

use parlor::hub::Wall;
use parlor::services::chat::{Form, Speech, write};

/// 2026-11-20T18:46:03.120Z
const AT: Wall = Wall::from_millis(1_795_200_363_120);

fn said_in(form: Form, speech: &Speech<'_>) -> String {
    let mut out = Vec::new();
    write(form, speech, &mut out);
    String::from_utf8(out).expect("the server speaks UTF-8")
}

/// What must never come out on a line, whatever went in.
fn is_unsafe(c: char) -> bool {
    let is_control = (c < ' ' && c != '\t') || ('\u{7f}'..='\u{9f}').contains(&c);
    is_control
        || "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}".contains(c)
        || "\u{2066}\u{2067}\u{2068}\u{2069}".contains(c)
}
