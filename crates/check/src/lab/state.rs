use std::collections::BTreeSet;

use serde_json::Value;

use super::Reading;
use crate::model::leaves;

/// Members that move by themselves, or with every write: they say nothing of what was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mask {
    /// JSON Pointers.
    moving: BTreeSet<String>,
}

impl Mask {
    /// Adds the members in which two readings differ.
    pub(crate) fn learn(&mut self, one: &Reading, other: &Reading) {
        let (Some(one), Some(other)) = (&one.document, &other.document) else {
            return;
        };
        let (one, other) = (leaves(one), leaves(other));
        for (from, to) in [(&one, &other), (&other, &one)] {
            for (pointer, value) in from {
                if !to.contains(&(pointer.clone(), value)) {
                    self.moving.insert(pointer.clone());
                }
            }
        }
    }

    pub(crate) fn forget(&mut self, pointer: &str) {
        self.moving.remove(pointer);
    }

    pub(crate) fn hides(&self, pointer: &str) -> bool {
        self.moving.contains(pointer)
    }

    /// Whether two readings show the same state.
    pub(crate) fn is_same(&self, one: &Reading, other: &Reading) -> bool {
        if one.is_there() != other.is_there() {
            return false;
        }
        match (&one.document, &other.document) {
            (Some(one), Some(other)) => self.seen(one) == self.seen(other),
            _ => one.body() == other.body(),
        }
    }

    /// JSON Pointers of the members in which two readings differ.
    pub(crate) fn difference(&self, one: &Reading, other: &Reading) -> Vec<String> {
        let mut moved = Self::default();
        moved.learn(one, other);
        moved.moving.difference(&self.moving).cloned().collect()
    }

    /// What is left of a document, in an order that does not depend on that of its members.
    fn seen(&self, document: &Value) -> Vec<(String, String)> {
        let mut seen: Vec<_> = leaves(document)
            .into_iter()
            .filter(|(pointer, _)| !self.hides(pointer))
            .map(|(pointer, value)| (pointer, value.to_string()))
            .collect();
        seen.sort();
        seen
    }
}
