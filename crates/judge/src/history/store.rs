use std::borrow::Cow;
use std::io::BufRead;

use crate::history::mistake::{Mistake, ReadError};
use crate::history::names::{Name, Names};
use crate::history::operation::Operation;
use crate::history::reader::Reader;
use crate::history::resource::{Resource, Resources};
use crate::history::step::{NEVER, Step};

/// A history in memory: some 70 bytes an operation, and each name once.
///
/// Operations may come in any order. Each is known by its place, from 0.
#[derive(Clone, Debug, Default)]
pub struct History {
    names: Names,
    resources: Resources,
}

impl History {
    /// A history without operations.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads all of a text.
    ///
    /// # Errors
    ///
    /// All mistakes of all lines, up to a hundred.
    pub fn read(source: impl BufRead) -> Result<Self, ReadError> {
        let mut reader = Reader::new(source);
        let mut history = Self::new();
        let mut mistakes: Vec<Mistake> = Vec::new();
        while mistakes.len() < MANY {
            match reader.read() {
                Ok(Some(operation)) => history.push(&operation),
                Ok(None) => break,
                Err(ReadError::Mistakes(more)) => mistakes.extend(more),
                Err(error) => return Err(error),
            }
        }
        if mistakes.is_empty() {
            Ok(history)
        } else {
            Err(ReadError::Mistakes(mistakes))
        }
    }

    /// Adds an operation at the end.
    pub fn push(&mut self, operation: &Operation<'_>) {
        let names = &mut self.names;
        let mut intern =
            |text: &Option<Cow<'_, str>>| text.as_deref().map(|text| names.intern(text));
        let (base, expected) = (intern(&operation.base), intern(&operation.expected));
        let (value, tag) = (intern(&operation.value), intern(&operation.tag));
        let step = Step {
            begun: operation.begun,
            ended: operation.ended.unwrap_or(NEVER),
            actor: self.names.intern(&operation.actor),
            key: self.names.intern(&operation.key),
            base,
            expected,
            value,
            tag,
            kind: operation.kind,
            outcome: operation.outcome,
            absent: operation.absent,
        };
        self.resources.push(step);
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there are no operations.
    pub fn is_empty(&self) -> bool {
        self.resources.len() == 0
    }

    /// The operation at a place.
    pub fn get(&self, place: usize) -> Option<Operation<'_>> {
        (place < self.len()).then(|| self.operation(self.step(place)))
    }

    /// In the order in which they were pushed.
    pub fn iter(&self) -> impl Iterator<Item = Operation<'_>> {
        (0..self.len()).map(|place| self.operation(self.step(place)))
    }

    fn operation(&self, step: &Step) -> Operation<'_> {
        let text = |name: Name| Cow::Borrowed(self.names.text(name));
        Operation {
            actor: text(step.actor),
            key: text(step.key),
            kind: step.kind,
            begun: step.begun,
            ended: (step.ended != NEVER).then_some(step.ended),
            outcome: step.outcome,
            base: step.base.map(text),
            expected: step.expected.map(text),
            value: step.value.map(text),
            tag: step.tag.map(text),
            absent: step.absent,
        }
    }

    pub(crate) fn step(&self, place: usize) -> &Step {
        self.resources.step(place)
    }

    /// In the order in which they first occur.
    pub(crate) fn resources(&self) -> &[Resource] {
        self.resources.all()
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }
}

impl<'a> FromIterator<Operation<'a>> for History {
    fn from_iter<I: IntoIterator<Item = Operation<'a>>>(operations: I) -> Self {
        let mut history = Self::new();
        for operation in operations {
            history.push(&operation);
        }
        history
    }
}

/// How many mistakes are reported at most: enough to see what is wrong.
const MANY: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::history::operation::{Kind, Outcome};
    use crate::history::write;

    fn text() -> impl Strategy<Value = Cow<'static, str>> {
        ".{0,6}".prop_map(Cow::Owned)
    }

    /// Reads alone: of them, any values make sense.
    fn reads() -> impl Strategy<Value = Vec<Operation<'static>>> {
        let read = (text(), text(), any::<u32>(), any::<u32>(), text(), text()).prop_map(
            |(actor, key, begun, took, value, tag)| Operation {
                actor,
                key,
                kind: Kind::Read,
                begun: begun.into(),
                ended: Some(u64::from(begun) + u64::from(took)),
                outcome: Outcome::Ok,
                base: None,
                expected: None,
                value: Some(value),
                tag: Some(tag),
                absent: false,
            },
        );
        prop::collection::vec(read, 0..8)
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(operations in reads()) {
            let mut lines = Vec::new();
            for operation in &operations {
                write(operation, &mut lines).unwrap();
            }
            let history = History::read(lines.as_slice()).unwrap();
            prop_assert_eq!(history.iter().collect::<Vec<_>>(), operations);
        }
    }
}
