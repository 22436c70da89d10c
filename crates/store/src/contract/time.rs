use detente_core::Moment;

/// What a node takes for the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// What is written is of this time, and what lasts for a while ends by it.
    pub now: Moment,
    /// The clock may be ahead by so much, in milliseconds: what is forgotten because it is old must be
    /// older by this.
    pub doubt_ms: u64,
}

impl Time {
    /// What is too old at this time may be forgotten.
    pub fn aged(self) -> Moment {
        Moment(self.now.0.saturating_sub(self.doubt_ms))
    }
}

/// A time that nobody doubts.
impl From<Moment> for Time {
    fn from(now: Moment) -> Self {
        Self { now, doubt_ms: 0 }
    }
}
