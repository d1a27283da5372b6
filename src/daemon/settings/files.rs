//! What can be chosen about the file service.

use std::path::PathBuf;

use super::values::{Bytes, Span, whole};
use crate::services::files;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct FileArgs {
    /// Folder of the file service [default: files, in the folder of the history]
    #[arg(long = "files", value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The largest file that can be put
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(files::Settings::default().file))]
    limit_file: Bytes,
    /// All files, and parts of files, together
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(files::Settings::default().total))]
    limit_files: Bytes,
    /// Those of one owner: an account, a user of this machine on a Unix socket, a certificate
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(files::Settings::default().each))]
    limit_files_each: Bytes,
    /// Those of all guests together
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(files::Settings::default().guests))]
    limit_files_guests: Bytes,
    /// Files that one owner may put at once; all guests together are one
    #[arg(long, value_name = "N", default_value_t = files::Settings::default().uploads_each, value_parser = whole::<usize>)]
    limit_uploads_each: usize,
    /// How long a part of a file waits for its rest
    #[arg(long, value_name = "TIME", default_value_t = Span(files::Settings::default().keep))]
    limit_part_age: Span,
}

impl FileArgs {
    /// Where files are kept, if there is such a place.
    pub(super) fn folder(&self, data: Option<PathBuf>) -> Option<PathBuf> {
        self.folder.clone().or_else(|| Some(data?.join("files")))
    }

    pub(super) fn limits(&self) -> files::Settings {
        files::Settings {
            file: self.limit_file.0,
            total: self.limit_files.0,
            each: self.limit_files_each.0,
            guests: self.limit_files_guests.0,
            uploads_each: self.limit_uploads_each,
            keep: self.limit_part_age.0,
        }
    }

    pub(super) fn contradictions(&self, found: &mut Vec<(&'static str, String)>) {
        if self.limit_file.0 > self.limit_files.0 {
            let why = format!("no file can be larger than all of limits.files: expected at most {}", self.limit_files);
            found.push(("limit-file", why));
        }
        if self.limit_uploads_each == 0 {
            found.push(("limit-uploads-each", "nobody could put anything: expected at least 1".to_owned()));
        }
    }
}
