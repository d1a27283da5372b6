//! Who has which name.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::Name;

/// Names and their holders. A name is taken when another is the same or looks the same, so each is entered under what
/// it is and, where that differs, under what it looks like. Holds people, or rooms. Never iterated: its order would
/// differ from run to run.
///
/// Names are entered as 64-bit digests, not as texts: ten thousand people's names would otherwise stand here a second
/// time. The digests have a random key, so nobody can choose two names with the same one.
#[derive(Debug, Clone)]
pub struct Roll<T> {
    holders: HashMap<Print, T>,
    key: RandomState,
}

/// A name's digest in two halves: with what is held it takes twelve bytes that way, and sixteen in one piece.
type Print = [u32; 2];

impl<T> Default for Roll<T> {
    fn default() -> Self {
        Self { holders: HashMap::new(), key: RandomState::new() }
    }
}

impl<T: Copy + PartialEq> Roll<T> {
    #[expect(clippy::cast_possible_truncation, reason = "these are the two halves")]
    fn print(&self, text: &str) -> Print {
        let whole = self.key.hash_one(text);
        [(whole >> 32) as u32, whole as u32]
    }

    /// Whose name this is, in any case.
    #[must_use]
    pub fn find(&self, name: &Name) -> Option<T> {
        self.holders.get(&self.print(name.key())).copied()
    }

    /// Who stands in the way of `who` taking this name. One's own old name never does.
    #[must_use]
    pub fn rival(&self, name: &Name, who: T) -> Option<T> {
        let holders = [name.key(), name.look()].map(|key| self.holders.get(&self.print(key)).copied());
        holders.into_iter().flatten().find(|&holder| holder != who)
    }

    /// Gives the name to `who`, or says who stands in the way.
    ///
    /// # Errors
    /// The one who has the name, or one that looks like it.
    pub fn claim(&mut self, name: &Name, who: T) -> Result<(), T> {
        if let Some(rival) = self.rival(name, who) {
            return Err(rival);
        }
        self.holders.insert(self.print(name.key()), who);
        if name.look() != name.key() {
            self.holders.insert(self.print(name.look()), who);
        }
        Ok(())
    }

    /// Takes the name from `who`, if it is theirs.
    pub fn release(&mut self, name: &Name, who: T) {
        for key in [name.key(), name.look()] {
            let digest = self.print(key);
            if self.holders.get(&digest) == Some(&who) {
                self.holders.remove(&digest);
            }
        }
    }

    /// Gives `who` the name `new` instead of `old`, also where the two differ only in case, or says who stands in
    /// the way.
    ///
    /// # Errors
    /// The one who has the new name, or one that looks like it.
    pub fn rename(&mut self, old: &Name, new: &Name, who: T) -> Result<(), T> {
        if let Some(rival) = self.rival(new, who) {
            return Err(rival);
        }
        self.release(old, who);
        self.claim(new, who)
    }
}
