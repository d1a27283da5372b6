//! Who has which name.

use std::collections::HashMap;

use super::Name;

/// Names and their holders. A name is taken when another is the same or looks the same, so each is entered under what
/// it is and, where that differs, under what it looks like. Holds people, or rooms. Never iterated: its order would
/// differ from run to run.
#[derive(Debug, Clone)]
pub struct Roll<T> {
    holders: HashMap<Box<str>, T>,
}

impl<T> Default for Roll<T> {
    fn default() -> Self {
        Self { holders: HashMap::new() }
    }
}

impl<T: Copy + PartialEq> Roll<T> {
    /// Whose name this is, in any case.
    #[must_use]
    pub fn find(&self, name: &Name) -> Option<T> {
        self.holders.get(name.key()).copied()
    }

    /// Who stands in the way of `who` taking this name. One's own old name never does.
    #[must_use]
    pub fn rival(&self, name: &Name, who: T) -> Option<T> {
        let holders = [name.key(), name.look()].map(|key| self.holders.get(key).copied());
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
        self.holders.insert(name.key().into(), who);
        if name.look() != name.key() {
            self.holders.insert(name.look().into(), who);
        }
        Ok(())
    }

    /// Takes the name from `who`, if it is theirs.
    pub fn release(&mut self, name: &Name, who: T) {
        for key in [name.key(), name.look()] {
            if self.holders.get(key) == Some(&who) {
                self.holders.remove(key);
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
