use crate::{Moment, Seq};

/// A request that must be performed once, however often it is sent (Idempotency-Key).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Once {
    /// A digest of the caller, the method, the path and the key.
    pub scope: [u8; 32],
    /// A digest of what was sent.
    pub payload: [u8; 32],
}

/// The result of a request that must be performed once. Versions never change, so naming them is
/// enough to repeat the first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub once: Once,
    pub at: Moment,
    pub writes: Vec<Written>,
}

/// One write of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub seq: Seq,
    /// Whether the document did not exist before.
    pub created: bool,
}

impl Receipt {
    /// How long a receipt is kept, in milliseconds: a day.
    pub const LIFE_MS: u64 = 24 * 60 * 60 * 1000;

    /// Whether the receipt has not expired yet.
    pub fn is_kept(&self, now: Moment) -> bool {
        now.0 < self.at.0.saturating_add(Self::LIFE_MS)
    }
}
