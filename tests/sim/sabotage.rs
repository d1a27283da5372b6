//! Mistakes that are made on purpose, to prove that the checks find them.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sabotage {
    #[default]
    None,
    /// A read loses a byte.
    SwallowedByte,
    /// A write brings a byte twice.
    RepeatedByte,
    /// A Unix-like stream claims that a short read proves it dry.
    LyingStream,
    /// The event of an end does not say so, as if read-closed were not looked at.
    HushedEnd,
    /// Some edges are never told.
    LostEdge,
    /// The driver drops what `take_woken` names.
    LostWakening,
    /// The driver never looks at deadlines.
    NoExpire,
    /// The driver forgets `turn_end` now and then.
    LostTurnEnd,
    /// The driver loses a job's answer.
    LostAnswer,
    /// A service answers twice.
    DoubleAnswer,
    /// A service forgets to take a hold back.
    LostRelease,
}
