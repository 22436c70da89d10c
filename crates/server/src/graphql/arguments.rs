use bytes::Bytes;
use detente_core::json::{Object, Value};
use detente_core::{CollectionKey, Key, Moment};
use detente_graphql::Step;

use crate::parameters::{moment, whole_number};
use crate::problem::Problem;
use crate::resource::bad_name;

/// What a field says: values that have the types of the schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments<'a> {
    values: &'a Object,
    /// The document, where it is still text.
    data: Option<&'a Bytes>,
}

impl<'a> Arguments<'a> {
    pub(super) fn of(step: &'a Step) -> Self {
        Self {
            values: step.arguments(),
            data: step.data(),
        }
    }

    /// Those of an operation of a batch.
    pub(super) fn of_values(values: &'a Object) -> Self {
        Self { values, data: None }
    }

    /// A document or a patch, as text.
    pub(super) fn json(self, name: &str) -> Bytes {
        match (name, self.data) {
            // A slice would keep all of the request that it came with.
            ("data", Some(text)) => Bytes::copy_from_slice(text),
            _ => self.get(name).unwrap_or(&Value::Null).to_text().into(),
        }
    }

    /// `None`: it is not there, or null.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.values.get(name).filter(|value| **value != Value::Null)
    }

    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str()
    }

    /// The document that `id` names.
    pub(super) fn key(self, collection: &CollectionKey) -> Result<Key, Problem> {
        let id = self.name("id")?.unwrap_or_default();
        collection.key(id).map_err(bad_name)
    }

    /// A name. What is wrong with it names it again, so it is looked at first how long it is.
    pub(super) fn name(self, name: &str) -> Result<Option<&'a str>, Problem> {
        const MOST: usize = 1024;
        match self.text(name) {
            Some(text) if text.len() > MOST => Err(mistake(name, "is too long to be a name")),
            text => Ok(text),
        }
    }

    /// How many are wanted. The plan has seen to it that it is a number that may be.
    pub(super) fn first(self) -> usize {
        let first = match self.get("first") {
            Some(Value::Number(number)) => number.as_whole(),
            _ => None,
        };
        first
            .and_then(|first| usize::try_from(first).ok())
            .unwrap_or(1)
    }

    /// Where a list goes on that counts.
    pub(super) fn after(self) -> Result<Option<u64>, Problem> {
        let Some(after) = self.text("after") else {
            return Ok(None);
        };
        let number = whole_number(after).filter(|it| *it <= i64::MAX as u64);
        let wrong = || mistake("after", "must be the cursor of a page");
        number.map(Some).ok_or_else(wrong)
    }

    /// A time.
    pub(super) fn time(self, name: &str) -> Result<Option<Moment>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let time = moment(text);
        let wrong = || mistake(name, "must be a time such as 2026-11-22T10:30:00Z");
        time.map(Some).ok_or_else(wrong)
    }
}

/// A mistake in an argument.
pub(super) fn mistake(name: &str, what: &str) -> Problem {
    Problem::malformed(format!("{name} {what}.")).with("parameter", name)
}
