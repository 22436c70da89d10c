use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use indexmap::IndexMap;
use indexmap::map::{IntoIter, Iter, IterMut};

use super::Value;
use super::parse::FEW;

/// The members of an object, in the order in which they were sent; equality ignores the order.
///
/// They stand behind a pointer: what every value of an array must have room for is then small. An
/// object that never had members has none.
#[derive(Debug, Default)]
pub struct Object(Option<Box<IndexMap<String, Value>>>);

static EMPTY: LazyLock<IndexMap<String, Value>> = LazyLock::new(IndexMap::new);

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// An object with room for so many members.
    pub fn with_capacity(count: usize) -> Self {
        Self((count > 0).then(|| Box::new(IndexMap::with_capacity(count))))
    }
}

impl Clone for Object {
    /// Like the original, as small as it may be: an index reserves room for more members than two.
    fn clone(&self) -> Self {
        let copy = self.0.as_ref().filter(|members| !members.is_empty());
        Self(copy.map(|members| {
            let mut copy = members.clone();
            if copy.len() < FEW {
                copy.shrink_to_fit();
            }
            copy
        }))
    }
}

impl Deref for Object {
    type Target = IndexMap<String, Value>;

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().unwrap_or(&EMPTY)
    }
}

impl DerefMut for Object {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Object {}

impl FromIterator<(String, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        let members: IndexMap<_, _> = members.into_iter().collect();
        Self((!members.is_empty()).then(|| Box::new(members)))
    }
}

impl<const N: usize> From<[(String, Value); N]> for Object {
    fn from(members: [(String, Value); N]) -> Self {
        members.into_iter().collect()
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0
            .map_or_else(IndexMap::new, |members| *members)
            .into_iter()
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a String, &'a Value);
    type IntoIter = Iter<'a, String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Object {
    type Item = (&'a String, &'a mut Value);
    type IntoIter = IterMut<'a, String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
