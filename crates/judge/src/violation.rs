/// Operations on one resource that cannot all have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub kind: ViolationKind,
    pub key: String,
    /// Places in the history, in the order of `begun`. They contradict each other; without any one of them, the rest does not.
    pub witness: Vec<usize>,
    /// Who did what, and why it cannot have been.
    pub explanation: String,
}

/// How a history could not have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ViolationKind {
    /// Two writes replaced one version: one of them is lost.
    LostUpdate,
    /// Two creations, and nothing between them was deleted.
    CreatedTwice,
    /// A write was accepted over a version that never was.
    UnknownBase,
    /// Something was read that nobody wrote.
    Unwritten,
    /// A write whose refusal was answered was read.
    RefusedYetApplied,
    /// A tag was given to two versions.
    TagReused,
    /// A tag and a value were read together that belong to different versions.
    Torn,
    /// A read saw a version that had been replaced before it began.
    StaleRead,
    /// A read that began after all writes saw something else than the last of them left.
    WrongEnd,
    /// A read saw a version before its write began.
    EarlyRead,
    /// A write replaced a version that had been replaced before it began.
    StaleWrite,
    /// Something came back that had been deleted.
    Resurrected,
    /// No order of the operations explains them all.
    NoOrder,
}

impl ViolationKind {
    /// All kinds, by their names.
    pub const ALL: [(&'static str, Self); 13] = [
        ("lost update", Self::LostUpdate),
        ("created twice", Self::CreatedTwice),
        ("unknown base", Self::UnknownBase),
        ("unwritten", Self::Unwritten),
        ("refused yet applied", Self::RefusedYetApplied),
        ("tag reused", Self::TagReused),
        ("torn", Self::Torn),
        ("stale read", Self::StaleRead),
        ("wrong end", Self::WrongEnd),
        ("early read", Self::EarlyRead),
        ("stale write", Self::StaleWrite),
        ("resurrected", Self::Resurrected),
        ("no order", Self::NoOrder),
    ];

    /// The name in a report.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(name, _)| name)
    }
}
