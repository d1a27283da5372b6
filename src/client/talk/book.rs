//! The address book: who is where.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};

use serde::Deserialize;

use crate::services::chat::{Alphabet, Name};

/// People in a book. Each address has a connection of its own for as long as the program runs.
const PEOPLE: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    people: BTreeMap<String, String>,
}

/// Somebody in the book.
#[derive(Debug, Clone)]
pub struct Person {
    /// The name as it stands in the book.
    pub name: Name,
    /// Where they are.
    pub address: SocketAddr,
}

/// Everybody in the book, in the order of their names. Several may share an address, as in the documents.
#[derive(Debug, Clone)]
pub struct Book(Vec<Person>);

impl Book {
    /// Reads a book. Blocks while names of machines are looked up.
    ///
    /// # Errors
    /// What is wrong, in a line for the one who wrote it.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        if file.people.len() > PEOPLE {
            return Err(format!("more than {PEOPLE} people"));
        }
        let mut people: Vec<Person> = Vec::new();
        for (name, address) in &file.people {
            let complaint = |error: &dyn std::fmt::Display| format!("{name:?}: {error}");
            let known = Name::new(name, Alphabet::OneScript).map_err(|wrong| complaint(&wrong.text))?;
            if people.iter().any(|person| person.name.key() == known.key()) {
                return Err(complaint(&"stands in the book twice"));
            }
            let mut found = address.to_socket_addrs().map_err(|error| complaint(&format!("{address:?}: {error}")))?;
            let address = found.next().ok_or_else(|| complaint(&"has no address"))?;
            people.push(Person { name: known, address });
        }
        Ok(Self(people))
    }

    /// Everybody.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.0
    }

    /// The one of this name, in whatever case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Person> {
        let wanted = Name::new(name, Alphabet::OneScript).ok()?;
        self.0.iter().find(|person| person.name.key() == wanted.key())
    }

    /// Does somebody of this name live at this address?
    #[must_use]
    pub fn places(&self, name: &str, address: SocketAddr) -> bool {
        let Ok(name) = Name::new(name, Alphabet::OneScript) else { return false };
        self.0.iter().any(|person| person.address == address && person.name.key() == name.key())
    }
}
