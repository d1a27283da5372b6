//! What is to be said: kept until its receipt has come, and said again under the same id after a broken line.

use std::collections::VecDeque;
use std::fmt::Write as _;

/// What may be on its way without a receipt. More would make nothing faster, and a server that paces us would read
/// them later anyway.
pub(super) const OUTSTANDING: usize = 64;

/// What may wait, typed while the line was down. Nobody types more.
const WAITING: usize = 1000;

/// Something to be sent, in its place among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// To be receipted.
    Saying(Saying),
    /// A line that is obeyed and not receipted. Sent at most once.
    Command(String),
}

/// Something said to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// Told by the server in its receipt.
    pub id: String,
    /// Where.
    pub room: String,
    /// What.
    pub text: String,
    /// Done rather than said.
    pub action: bool,
}

impl Saying {
    /// As the server takes it: one object on one line.
    fn line(&self) -> String {
        let quoted = |text: &str| serde_json::to_string(text).expect("every string can be quoted");
        let verb = if self.action { "me" } else { "say" };
        let (text, room, id) = (quoted(&self.text), quoted(&self.room), quoted(&self.id));
        format!("{{\"{verb}\":{text},\"room\":{room},\"id\":{id}}}")
    }
}

/// What is to be said, in order.
#[derive(Debug)]
pub struct Outgoing {
    /// What our ids begin with, so that they are no other program's.
    prefix: String,
    count: u64,
    waiting: VecDeque<Item>,
    /// Said on this connection, without a receipt yet.
    sent: VecDeque<Saying>,
}

impl Outgoing {
    /// Nothing yet; `chance` makes the ids our own.
    #[must_use]
    pub fn new(chance: [u8; 8]) -> Self {
        let mut prefix = String::new();
        for byte in chance {
            write!(prefix, "{byte:02x}").expect("a string takes everything");
        }
        Self { prefix, count: 0, waiting: VecDeque::new(), sent: VecDeque::new() }
    }

    /// Takes something to be said; answers its id.
    pub fn say(&mut self, room: &str, text: &str, action: bool) -> String {
        self.count += 1;
        let id = format!("{}-{}", self.prefix, self.count);
        let saying = Saying { id: id.clone(), room: room.to_owned(), text: text.to_owned(), action };
        self.waiting.push_back(Item::Saying(saying));
        id
    }

    /// Takes a command, to be sent after what was said before.
    pub fn command(&mut self, line: &str) {
        self.waiting.push_back(Item::Command(line.to_owned()));
    }

    /// Takes what may be sent now.
    pub fn take(&mut self) -> Option<String> {
        match self.waiting.front()? {
            Item::Saying(_) if self.sent.len() >= OUTSTANDING => return None,
            _ => {}
        }
        match self.waiting.pop_front()? {
            Item::Command(line) => Some(line),
            Item::Saying(saying) => {
                let line = saying.line();
                self.sent.push_back(saying);
                Some(line)
            }
        }
    }

    /// A receipt came. Receipts come in order, so what was said before it on this connection and has none was refused:
    /// that is answered.
    pub fn received(&mut self, id: &str) -> Vec<Saying> {
        let Some(at) = self.sent.iter().position(|saying| saying.id == id) else { return Vec::new() };
        let mut done: Vec<Saying> = self.sent.drain(..=at).collect();
        done.pop();
        done
    }

    /// Is this an id of ours?
    #[must_use]
    pub fn is_own(&self, id: &str) -> bool {
        id.strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with('-'))
    }

    /// The id of what was said last on this connection, of what has no receipt.
    #[must_use]
    pub fn last_sent(&self) -> Option<&str> {
        self.sent.back().map(|saying| saying.id.as_str())
    }

    /// No receipt will come for this any more, nor for what was said before it: that is answered.
    pub fn refused(&mut self, id: &str) -> Vec<Saying> {
        let at = self.sent.iter().position(|saying| saying.id == id);
        at.map_or_else(Vec::new, |at| self.sent.drain(..=at).collect())
    }

    /// It was heard in a replay: as good as a receipt, whatever its place. Answers whether it was ours.
    pub fn recognised(&mut self, id: &str) -> bool {
        let before = self.len();
        self.sent.retain(|saying| saying.id != id);
        self.waiting.retain(|item| !matches!(item, Item::Saying(saying) if saying.id == id));
        self.len() < before
    }

    /// The line broke: what has no receipt is sent again before all else.
    pub fn broken(&mut self) {
        while let Some(saying) = self.sent.pop_back() {
            self.waiting.push_front(Item::Saying(saying));
        }
    }

    /// How much is without a receipt, or was not sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sent.len() + self.waiting.len()
    }

    /// Is everything done?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Should nothing more be taken in for now? For who can wait.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= OUTSTANDING
    }

    /// Can nothing more be taken in? For who can't wait.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.waiting.len() >= WAITING
    }

    /// Has something of this room no receipt yet, or was not sent?
    #[must_use]
    pub fn concerns(&self, room: &str) -> bool {
        self.sent.iter().any(|saying| saying.room == room)
    }

    /// The first that has no receipt.
    #[must_use]
    pub fn first(&self) -> Option<&Saying> {
        let waiting = self.waiting.iter().find_map(|item| match item {
            Item::Saying(saying) => Some(saying),
            Item::Command(_) => None,
        });
        self.sent.front().or(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(outgoing: &mut Outgoing) -> Vec<String> {
        std::iter::from_fn(|| outgoing.take()).collect()
    }

    #[test]
    fn what_is_said_goes_as_an_object_with_an_id_of_its_own() {
        let mut outgoing = Outgoing::new([1; 8]);
        outgoing.say("tea", "say \"hi\"\n", false);
        outgoing.say("tea", "waves", true);
        let lines = sent(&mut outgoing);
        assert_eq!(lines[0], r#"{"say":"say \"hi\"\n","room":"tea","id":"0101010101010101-1"}"#);
        assert_eq!(lines[1], r#"{"me":"waves","room":"tea","id":"0101010101010101-2"}"#);
    }

    #[test]
    fn at_most_64_are_on_their_way_and_receipts_make_room() {
        let mut outgoing = Outgoing::new([0; 8]);
        let ids: Vec<String> = (0..100).map(|number| outgoing.say("r", &number.to_string(), false)).collect();
        assert_eq!(sent(&mut outgoing).len(), OUTSTANDING);
        assert!(outgoing.received(&ids[0]).is_empty());
        assert_eq!(sent(&mut outgoing).len(), 1);
        assert_eq!(outgoing.len(), 99);
    }

    #[test]
    fn d14_after_a_broken_line_what_has_no_receipt_is_said_again_in_order_under_the_same_ids() {
        let mut outgoing = Outgoing::new([0; 8]);
        let ids: Vec<String> = (0..4).map(|number| outgoing.say("r", &number.to_string(), false)).collect();
        let before = sent(&mut outgoing);
        outgoing.received(&ids[0]);
        outgoing.say("r", "later", false);
        outgoing.broken();
        let after = sent(&mut outgoing);
        assert_eq!(after[..3], before[1..]);
        assert!(after[3].contains("later"));
    }

    #[test]
    fn what_is_passed_over_by_a_receipt_was_refused() {
        let mut outgoing = Outgoing::new([0; 8]);
        let ids: Vec<String> = ["a", "b", "c"].iter().map(|text| outgoing.say("r", text, false)).collect();
        sent(&mut outgoing);
        let refused = outgoing.received(&ids[1]);
        assert_eq!(refused.iter().map(|saying| saying.text.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(outgoing.first().map(|saying| saying.text.as_str()), Some("c"));
    }

    #[test]
    fn a_command_keeps_its_place_and_is_never_sent_twice() {
        let mut outgoing = Outgoing::new([0; 8]);
        outgoing.say("r", "a", false);
        outgoing.command("/who");
        outgoing.say("r", "b", false);
        let lines = sent(&mut outgoing);
        assert_eq!(lines[1], "/who");
        outgoing.broken();
        assert_eq!(sent(&mut outgoing), [lines[0].clone(), lines[2].clone()]);
    }

    #[test]
    fn what_a_replay_brings_needs_no_receipt() {
        let mut outgoing = Outgoing::new([0; 8]);
        let id = outgoing.say("r", "a", false);
        sent(&mut outgoing);
        outgoing.broken();
        assert!(outgoing.recognised(&id) && !outgoing.recognised(&id));
        assert!(outgoing.is_empty());
    }
}
