//! Why the chat does not read somebody for now. All reasons stand in one list, so that none lifts another.

use crate::hub::Hold;

/// The session that they want to take up is being looked for.
pub(super) const RETURNING: Hold = Hold::own(0);
/// They are owed as many long answers as may wait.
pub(super) const LONG_ANSWERS: Hold = Hold::own(1);
/// They said goodbye, to us, to a room or to who they were.
pub(super) const LEAVING: Hold = Hold::own(2);
/// They wait for as many receipts as may wait.
pub(super) const RECEIPTS: Hold = Hold::own(3);
/// The password that they have shown is being looked at.
pub(in crate::services) const PROVING: Hold = Hold::own(4);
/// Those who hear them take breath.
pub(super) const BREATH: Hold = Hold::own(5);
/// A stranger is owed one answer at a time.
pub(in crate::services) const HUSHED: Hold = Hold::own(6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reason_lifts_another() {
        let all = [RETURNING, LONG_ANSWERS, LEAVING, RECEIPTS, PROVING, BREATH, HUSHED];
        let all = [&all[..], &[Hold::FLOOD, Hold::JOB, Hold::PEER]].concat();
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{one:?} has two meanings");
        }
    }
}
