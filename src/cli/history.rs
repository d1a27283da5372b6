//! `parlor history`: read, filter and export what was said, without a server or beside one.

use std::ffi::OsStr;
use std::io::{self, BufWriter, ErrorKind, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::Failure;
use super::serve::complain;
use super::since::Since;
use crate::daemon::settings::Layers;
use crate::hub::Wall;
use crate::log::{Reader, Record};
use crate::net::wall;
use crate::services::chat::{Alphabet, Form, Name, Speech, When, write};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this room
    #[arg(value_parser = room_name)]
    room: Option<Name>,
    /// Folder of the history [default: as for serve]
    #[arg(long, value_name = "DIR", env = "PARLOR_DATA")]
    data: Option<PathBuf>,
    /// The server's configuration: where its history is, and how much of it is shown
    #[arg(long, value_name = "FILE", env = "PARLOR_CONFIG")]
    config: Option<PathBuf>,
    /// Only what came after this number, or since this time (2026-11-20, 2026-11-20T18:46:03Z)
    #[arg(long, value_name = "SEQ|TIME")]
    since: Option<Since>,
    /// Only what contains this text
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Lines for people, or objects for programs
    #[arg(long, value_name = "FORM", default_value = "plain")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Plain,
    Json,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    // In one word: a folder's name may begin with a dash.
    let word = |data: &PathBuf| [OsStr::new("--data="), data.as_os_str()].into_iter().collect();
    let words = args.data.iter().map(word).collect();
    let (folder, age) = match (Layers { words, file: args.config.clone() }).read() {
        Ok(in_force) => in_force.settings.kept(),
        Err(wrong) => return Ok(complain(wrong)),
    };
    let folder = folder.ok_or("no folder of a history is known; name it with --data")?;
    let oldest = wall().millis().saturating_sub(age.millis());
    let mut reader = Reader::open(&folder, oldest).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut out = BufWriter::new(stdout().lock());
    let written = export(args, &mut reader, &mut out).and_then(|()| out.flush());
    for damage in reader.damage() {
        super::complain(damage);
    }
    match written {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(format!("{}: {error}", folder.display()).into()),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn room_name(text: &str) -> Result<Name, String> {
    let name = text.strip_prefix('#').unwrap_or(text);
    Name::new(name, Alphabet::OneScript).map_err(|complaint| complaint.text)
}

fn export(args: &Args, reader: &mut Reader, out: &mut impl Write) -> io::Result<()> {
    let form = if args.format == Format::Json { Form::Json } else { Form::Plain };
    let mut line = Vec::new();
    while let Some(record) = reader.next_record()? {
        if wanted(args, &record) {
            line.clear();
            write(form, &speech(&record), &mut line);
            line.push(b'\n');
            out.write_all(&line)?;
        }
    }
    Ok(())
}

fn wanted(args: &Args, record: &Record<'_>) -> bool {
    let is_since = args.since.is_none_or(|since| match since {
        Since::Seq(seq) => record.seq > seq,
        Since::Time(time) => record.at >= time.millis(),
    });
    let has_text = args.grep.as_ref().is_none_or(|text| record.text.contains(text.as_str()));
    let is_room = args
        .room
        .as_ref()
        .is_none_or(|room| Name::new(record.room, Alphabet::OneScript).is_ok_and(|name| name.key() == room.key()));
    is_since && has_text && is_room
}

fn speech<'a>(record: &Record<'a>) -> Speech<'a> {
    Speech::Said {
        room: record.room,
        seq: Some(record.seq),
        at: Wall::from_millis(record.at),
        from: record.from,
        text: record.text,
        action: record.action,
        when: When::Old,
        id: None,
    }
}
