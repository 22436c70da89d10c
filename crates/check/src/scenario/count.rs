use std::fmt;

use super::mistake::Source;
use super::section::{Section, whole};
use super::tree::{Node, Tree};

/// How many; without an upper bound if `max` is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) min: u32,
    pub(super) max: Option<u32>,
}

impl Count {
    pub(super) fn exactly(number: u32) -> Self {
        Self {
            min: number,
            max: Some(number),
        }
    }

    /// A whole number, or `{min, max}`, of which one may be missing.
    pub(super) fn read(source: &Source<'_>, name: &str, node: &Node) -> Option<Self> {
        if let Some(number) = whole(node) {
            return Some(Self::exactly(number));
        }
        let Tree::Map(_) = node.tree else {
            let kind = node.kind();
            let message = format!("{name} must be a whole number or {{min, max}}, not {kind}");
            source.mistake(node.position, message);
            return None;
        };
        let section = Section::new(source, name, node)?;
        let count = Self::read_bounds(&section);
        section.finish();
        if count.is_none() {
            section.lacks("min or max");
        }
        count
    }

    /// The members `min` and `max` of a mapping that may have others.
    pub(super) fn read_bounds(section: &Section<'_>) -> Option<Self> {
        let (min, max) = (section.number("min", 0), section.number("max", 0));
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            let message = format!("min is {min}, which is more than max, {max}");
            section.mistake(section.position_of("min"), message);
        }
        let is_there = section.has("min") || section.has("max");
        is_there.then(|| Self {
            min: min.unwrap_or(0),
            max,
        })
    }

    pub(super) fn admits(&self, number: usize) -> bool {
        let above = |max: u32| number > max as usize;
        number >= self.min as usize && !self.max.is_some_and(above)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (min, Some(max)) if min == max => write!(f, "{min}"),
            (0, Some(max)) => write!(f, "at most {max}"),
            (min, Some(max)) => write!(f, "{min} to {max}"),
            (min, None) => write!(f, "at least {min}"),
        }
    }
}
