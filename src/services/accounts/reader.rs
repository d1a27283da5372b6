//! Accounts read again while people are here. A service without connections, whoever else asks for accounts.

use std::io;

use super::{Accounts, Book, load};
use crate::hub::{ConnId, Cx, Done, JobId, Lane, News, Service};

/// Reads accounts again when it is told to.
#[derive(Debug)]
pub struct Reader {
    accounts: Accounts,
    reading: Option<JobId>,
}

impl Reader {
    /// Of these.
    #[must_use]
    pub fn new(accounts: Accounts) -> Self {
        Self { accounts, reading: None }
    }
}

impl Service for Reader {
    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        if news != News::Reload {
            return;
        }
        let path = self.accounts.path().to_owned();
        match cx.job(Lane::Any, move || load(&path)) {
            Ok(job) => self.reading = Some(job),
            Err(_) => log::error!("the accounts stay as they are: too much is going on to read them again"),
        }
    }

    fn done(&mut self, _cx: &mut Cx<'_>, job: JobId, result: Done) {
        // Told twice in a row, it is the later reading that counts.
        if self.reading.take_if(|reading| *reading == job).is_none() {
            return;
        }
        match result.ok().and_then(|read| read.downcast::<io::Result<Book>>().ok()).map(|read| *read) {
            Some(Ok(book)) => {
                log::info!("{} accounts in {}", book.len(), self.accounts.path().display());
                self.accounts.replace(book);
            }
            Some(Err(error)) => {
                log::error!("the accounts stay as they were: {}: {error}", self.accounts.path().display());
            }
            None => log::error!("the accounts stay as they were: reading them failed"),
        }
    }
}
