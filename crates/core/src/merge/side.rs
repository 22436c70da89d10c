use std::borrow::Cow;

use crate::json::{Object, Value};

/// Base, ours and theirs at one place.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub(super) base: Option<&'a Value>,
    pub(super) ours: Option<&'a Value>,
    pub(super) theirs: Option<&'a Value>,
}

/// The members of the three; base has none if it is absent.
#[derive(Clone, Copy)]
pub(super) struct Objects<'a> {
    pub(super) base: Option<&'a Object>,
    pub(super) ours: &'a Object,
    pub(super) theirs: &'a Object,
}

/// Which of the sides are equal.
#[derive(Clone, Copy)]
pub(super) struct Alike {
    pub(super) ours_base: bool,
    pub(super) theirs_base: bool,
    pub(super) ours_theirs: bool,
}

/// The result at a place. It is borrowed as long as nothing had to be joined.
pub(super) struct Joined<'a> {
    pub(super) value: Option<Cow<'a, Value>>,
    pub(super) alike: Alike,
    /// Whether it certainly equals ours, in everything below.
    pub(super) is_ours: bool,
    pub(super) is_theirs: bool,
}

impl<'a> Sides<'a> {
    pub(super) fn alike(self) -> Alike {
        let ours_base = self.ours == self.base;
        let theirs_base = self.theirs == self.base;
        let ours_theirs = match (ours_base, theirs_base) {
            (true, is_equal) | (is_equal, true) => is_equal,
            _ => self.ours == self.theirs,
        };
        Alike {
            ours_base,
            theirs_base,
            ours_theirs,
        }
    }

    /// `None` unless both sides are objects, and base is one or absent.
    pub(super) fn objects(self) -> Option<Objects<'a>> {
        let base = match self.base {
            None => None,
            Some(base) => Some(base.as_object()?),
        };
        Some(Objects {
            base,
            ours: self.ours?.as_object()?,
            theirs: self.theirs?.as_object()?,
        })
    }
}

impl Alike {
    /// Whether at most one side changed the value, or both changed it in the same way.
    pub(super) fn is_settled(self) -> bool {
        self.ours_base || self.theirs_base || self.ours_theirs
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            ours_base: self.ours_base && other.ours_base,
            theirs_base: self.theirs_base && other.theirs_base,
            ours_theirs: self.ours_theirs && other.ours_theirs,
        }
    }
}

impl<'a> Joined<'a> {
    pub(super) fn ours(sides: Sides<'a>, alike: Alike) -> Self {
        Self {
            value: sides.ours.map(Cow::Borrowed),
            alike,
            is_ours: true,
            is_theirs: alike.ours_theirs,
        }
    }

    pub(super) fn theirs(sides: Sides<'a>, alike: Alike) -> Self {
        Self {
            value: sides.theirs.map(Cow::Borrowed),
            alike,
            is_ours: alike.ours_theirs,
            is_theirs: true,
        }
    }

    /// A value that may be neither of the two.
    pub(super) fn of(value: Option<Cow<'a, Value>>, sides: Sides<'a>, alike: Alike) -> Self {
        Self {
            is_ours: value.as_deref() == sides.ours,
            is_theirs: value.as_deref() == sides.theirs,
            value,
            alike,
        }
    }
}
