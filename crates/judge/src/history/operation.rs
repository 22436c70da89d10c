use std::borrow::Cow;

/// What one client asked of one resource, and what came of it.
///
/// Times are microseconds on one clock that all clients share. `tag` and `value` are compared for equality and nothing
/// else: a tag stands for one value only (a strong validator; RFC 9110, section 8.8.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation<'a> {
    pub actor: Cow<'a, str>,
    /// Which resource. What is done to one says nothing of another.
    pub key: Cow<'a, str>,
    pub kind: Kind,
    pub begun: u64,
    /// `None` if it was never answered.
    pub ended: Option<u64>,
    pub outcome: Outcome,
    /// The tag that a compare-and-set or a delete demanded.
    pub base: Option<Cow<'a, str>>,
    /// The value that a compare-and-set or a delete demanded, where there are no tags.
    pub expected: Option<Cow<'a, str>>,
    /// What was read, or was to be written: a nonce, a digest.
    pub value: Option<Cow<'a, str>>,
    /// The tag of what was read or, once written, of what was written.
    pub tag: Option<Cow<'a, str>>,
    /// A read found nothing there.
    pub absent: bool,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Read,
    /// Whatever was there.
    Write,
    /// Only over `base`, or over `expected`.
    CompareAndSet,
    /// Only where nothing is.
    Create,
    /// Whatever was there, or only `base`, or only `expected`.
    Delete,
}

/// What its client knows of its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// It was done.
    Ok,
    /// It was answered that nothing was done.
    Refused,
    /// It may have been done, or may yet be.
    Unknown,
}

impl Kind {
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("read", Self::Read),
        ("write", Self::Write),
        ("compare-and-set", Self::CompareAndSet),
        ("create", Self::Create),
        ("delete", Self::Delete),
    ];

    /// The name in a history.
    pub fn name(self) -> &'static str {
        name_of(&Self::ALL, self)
    }
}

impl Outcome {
    pub(crate) const ALL: [(&'static str, Self); 3] = [
        ("ok", Self::Ok),
        ("refused", Self::Refused),
        ("unknown", Self::Unknown),
    ];

    /// The name in a history.
    pub fn name(self) -> &'static str {
        name_of(&Self::ALL, self)
    }
}

fn name_of<T: PartialEq>(all: &[(&'static str, T)], which: T) -> &'static str {
    let found = all.iter().find(|(_, one)| *one == which);
    found.map_or("", |(name, _)| name)
}

impl Operation<'_> {
    /// The operation with texts of its own, which borrows nothing.
    pub fn into_owned(self) -> Operation<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Operation {
            actor: Cow::Owned(self.actor.into_owned()),
            key: Cow::Owned(self.key.into_owned()),
            base: own(self.base),
            expected: own(self.expected),
            value: own(self.value),
            tag: own(self.tag),
            ..self
        }
    }
}
