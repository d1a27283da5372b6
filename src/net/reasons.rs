//! Why a connection is gone, in words.

use std::fmt;

use crate::hub::Reason;

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => write!(out, "closed"),
            Self::Ended => write!(out, "left"),
            Self::Fault(fault) => write!(out, "{}", fault.code()),
            Self::Lost(kind) => write!(out, "{kind}"),
            Self::Unreachable(kind) => write!(out, "unreachable: {kind}"),
            Self::Stalled => write!(out, "stopped reading"),
            Self::Stopping => write!(out, "the server stops"),
        }
    }
}
