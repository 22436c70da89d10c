use detente_core::Seq;

use super::Time;

/// Where a turn stands: what is decided in it goes on from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ground {
    /// The seq that the next version takes. They follow each other without a gap.
    pub next_seq: Seq,
    /// The largest fencing number that was ever given out; 0 if none was.
    pub fencing: u64,
    /// The time of the turn. Clocks may be set back; this is not, while the store is open.
    pub time: Time,
}
