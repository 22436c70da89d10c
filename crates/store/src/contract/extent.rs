use detente_core::Moment;

/// How much a collection of a space holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    pub collection: String,
    /// Those that are deleted do not count.
    pub documents: u64,
    /// The time of its newest version, which may be a deletion.
    pub changed_at: Moment,
}
