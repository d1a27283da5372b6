//! Accounts read again while people are here. A service without connections, whoever else asks for accounts.

use std::io;
use std::path::PathBuf;

use super::{Accounts, Book, doubts, load};
use crate::hub::{ConnId, Cx, Done, JobId, Lane, Service};
use crate::services::{Handover, whole_file};

/// What a helper read: the accounts, and what is doubtful about their file.
type Read = io::Result<(Book, Vec<String>)>;

/// Reads accounts again when it is said where they are now.
#[derive(Debug)]
pub struct Reader {
    accounts: Accounts,
    wanted: Handover<Option<PathBuf>>,
    reading: Option<(JobId, PathBuf)>,
}

impl Reader {
    /// Of these. Where to read is put into `wanted`: a file, or nothing for where they are by now.
    #[must_use]
    pub fn new(accounts: Accounts, wanted: &Handover<Option<PathBuf>>) -> Self {
        Self { accounts, wanted: wanted.clone(), reading: None }
    }
}

impl Service for Reader {
    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        let Some(wanted) = self.wanted.take() else { return };
        let path = wanted.unwrap_or_else(|| self.accounts.path());
        let read = path.clone();
        let job = cx.job(Lane::Any, move || {
            whole_file::readable_again(&read).and_then(|()| load(&read)).map(|book| {
                let doubts = doubts(&read, &book);
                (book, doubts)
            })
        });
        match job {
            Ok(job) => self.reading = Some((job, path)),
            Err(_) => log::error!("the accounts stay as they are: too much is going on to read them again"),
        }
    }

    fn done(&mut self, _cx: &mut Cx<'_>, job: JobId, result: Done) {
        // Told twice in a row, it is the later reading that counts.
        let Some((_, path)) = self.reading.take_if(|(reading, _)| *reading == job) else { return };
        match result.ok().and_then(|read| read.downcast::<Read>().ok()).map(|read| *read) {
            Some(Ok((book, doubts))) => {
                log::info!("{} accounts in {}", book.len(), path.display());
                for doubt in doubts {
                    log::warn!("{doubt}");
                }
                self.accounts.replace(path, book);
            }
            Some(Err(error)) => log::error!("the accounts stay as they were: {}: {error}", path.display()),
            None => log::error!("the accounts stay as they were: reading them failed"),
        }
    }
}
