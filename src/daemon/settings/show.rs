//! Settings as a file: those in force, and the commented sample.

use std::fmt::Write as _;

use clap::{Arg, ArgAction};

use super::layers::{InForce, command};
use super::sections;
use super::table::{TABLES, key_of, settings, variable};

const HEAD: &str = "\
# The configuration of parlor. Every key is a flag of `parlor serve` too, and an environment variable; flags win over
# variables, variables over this file. What stands here behind # are the defaults.
#
#   parlor check FILE                          is it right?
#   parlor serve --config FILE --print-config  what is in force, and where each value came from
#   kill -HUP                                  reads it again; what can't change while the server runs is named in the log
";

/// The column at which comments on values begin, where these leave room.
const COMMENTS: usize = 48;

/// What is in force, as a file that would say the same.
#[must_use]
pub fn in_force(what: &InForce) -> String {
    let mut out = String::new();
    let mut table = None;
    for origin in in_tables(&what.origins, |origin| &origin.name) {
        begin_table(&mut out, &mut table, &origin.name);
        let key = own_key(&origin.name);
        let line = match &origin.values[..] {
            [] => format!("#{key} ="),
            values => format!("{key} = {}", written(values, origin.is_list)),
        };
        writeln!(out, "{line:<COMMENTS$} # {}", origin.from).expect("a string takes everything");
    }
    for (name, offer) in &what.sections.run {
        let argv: Vec<String> = offer.argv.iter().map(|word| quoted(word)).collect();
        write!(out, "\n[run.{}]\nargv = [{}]\n", quoted(name), argv.join(", ")).expect("a string takes everything");
        for (key, value) in [
            ("time", offer.time.map(|time| time.to_string())),
            ("output", offer.output.map(|output| output.to_string())),
            ("role", offer.role.map(|role| role.to_string())),
        ] {
            if let Some(value) = value {
                writeln!(out, "{key} = {}", quoted(&value)).expect("a string takes everything");
            }
        }
        if !offer.accounts.is_empty() {
            let accounts: Vec<String> = offer.accounts.iter().map(|name| quoted(name)).collect();
            writeln!(out, "accounts = [{}]", accounts.join(", ")).expect("a string takes everything");
        }
    }
    out
}

/// The commented sample.
#[must_use]
pub fn sample() -> String {
    let command = command();
    let mut out = HEAD.to_owned();
    let mut table = None;
    let mut heading = None;
    for arg in in_tables(&settings(&command).collect::<Vec<_>>(), |arg| arg.get_long().unwrap_or_default()) {
        let name = arg.get_long().unwrap_or_default();
        if arg.get_help_heading() != heading && !TABLES.iter().any(|(_, prefix)| name.starts_with(prefix)) {
            heading = arg.get_help_heading();
            let heading = heading.unwrap_or_default();
            write!(out, "\n# {heading}\n").expect("a string takes everything");
        }
        begin_table(&mut out, &mut table, name);
        describe(&mut out, arg);
    }
    out + sections::SAMPLE
}

/// Those in tables come last, or the others would belong to the table before.
fn in_tables<T>(settings: &[T], name: impl Fn(&T) -> &str) -> Vec<&T> {
    let table = |setting: &&T| TABLES.iter().position(|(_, prefix)| name(setting).starts_with(prefix));
    let tables = std::iter::once(None).chain((0..TABLES.len()).map(Some));
    tables.flat_map(|wanted| settings.iter().filter(move |setting| table(setting) == wanted)).collect()
}

fn begin_table(out: &mut String, table: &mut Option<&str>, name: &str) {
    let of = TABLES.iter().find(|(_, prefix)| name.starts_with(prefix)).map(|(table, _)| *table);
    if let Some(of) = of.filter(|_| of != *table) {
        write!(out, "\n[{of}]\n").expect("a string takes everything");
    }
    *table = of;
}

fn own_key(name: &str) -> String {
    let key = key_of(name);
    key.rsplit('.').next().unwrap_or_default().to_owned()
}

fn describe(out: &mut String, arg: &Arg) {
    let name = arg.get_long().unwrap_or_default();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help.split(" [env").next().unwrap_or_default();
    let mut line = String::from("#");
    out.push('\n');
    for word in help.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > 118 {
            writeln!(out, "{line}").expect("a string takes everything");
            "#".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(out, "{line}").expect("a string takes everything");
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let is_list = matches!(arg.get_action(), ArgAction::Append);
    let value = if defaults.is_empty() { String::new() } else { written(&defaults, is_list) };
    let line = format!("#{} = {value}", own_key(name));
    writeln!(out, "{:<COMMENTS$} # --{name}, {}", line.trim_end(), variable(name)).expect("a string takes everything");
}

fn written(values: &[String], is_list: bool) -> String {
    let words: Vec<String> = values.iter().map(|value| bare(value).unwrap_or_else(|| quoted(value))).collect();
    if is_list { format!("[{}]", words.join(", ")) } else { words.concat() }
}

/// Numbers, true and false stand without quotes.
fn bare(value: &str) -> Option<String> {
    let is_number = value.parse::<u64>().is_ok_and(|number| number.to_string() == value);
    (is_number || ["true", "false"].contains(&value)).then(|| value.to_owned())
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            _ if character.is_control() => {
                write!(out, "\\u{:04X}", u32::from(character)).expect("a string takes everything");
            }
            _ => out.push(character),
        }
    }
    out + "\""
}
