use std::fmt;

use crate::json::{MAX_DEPTH, Object, Pointer, PointerError, Value};

/// A change to a document, as PATCH carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Patch {
    /// A JSON Merge Patch (RFC 7396).
    Merge(Value),
    /// A JSON Patch (RFC 6902).
    Json(JsonPatch),
}

/// A JSON Patch (RFC 6902): operations that apply in order, all or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonPatch(Vec<Operation>);

/// One operation (RFC 6902, section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Add { path: Pointer, value: Value },
    Remove { path: Pointer },
    Replace { path: Pointer, value: Value },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: Value },
}

/// Why a value is not a JSON Patch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPatch {
    #[error("a JSON Patch must be an array of operations (RFC 6902, section 3)")]
    NoArray,
    #[error("operation {index} must be an object")]
    NoObject { index: usize },
    #[error("operation {index}: `{member}` is missing or has the wrong type")]
    Member { index: usize, member: &'static str },
    #[error(
        "operation {index}: `op` must be add, remove, replace, move, copy or test, not {name:?}"
    )]
    Unknown { index: usize, name: String },
    #[error("operation {index}: `{member}`: {source}")]
    Pointer {
        index: usize,
        member: &'static str,
        source: PointerError,
    },
}

/// Why a patch does not apply to a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchFailure {
    #[error("operation {operation}: the value at {path:?} is not the one that `test` expects", path = path.to_string())]
    TestFailed {
        operation: usize,
        path: Pointer,
        expected: Value,
        /// `None` if there is no value.
        actual: Option<Value>,
    },
    #[error("operation {operation}: {path:?} does not exist{gap}{}", Purpose(target), path = path.to_string())]
    NoSuchPath {
        operation: usize,
        path: Pointer,
        gap: Gap,
        /// Where its value was to be moved or copied.
        target: Option<Pointer>,
    },
    #[error("operation {operation}: a value cannot be moved into itself")]
    IntoItself { operation: usize, path: Pointer },
    #[error("operation {operation}: the result would be nested deeper than 128 levels")]
    TooDeep { operation: usize, path: Pointer },
    #[error("operation {operation}: the result would exceed the size limit of a document")]
    TooLarge { operation: usize, path: Pointer },
    #[error("operation {operation}: up to here the patch moves more values than a patch may")]
    TooCostly { operation: usize, path: Pointer },
}

/// Why there is nothing at a place of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Its parent is there, and it is not.
    Itself,
    /// This place on the way is not there either.
    Parent(Pointer),
    /// This place on the way holds a value that has no members.
    Scalar(Pointer),
    /// The array that it would be in has so many items.
    PastEnd { array: Pointer, length: usize },
}

impl Gap {
    fn on_the_way(document: &Value, path: &Pointer) -> Self {
        let (mut value, mut place) = (document, Pointer::root());
        let count = path.tokens().len();
        for (depth, token) in path.tokens().iter().enumerate() {
            let next = match value {
                Value::Object(members) => members.get(token.as_str()),
                Value::Array(items) => match Pointer::index(token) {
                    Some(index) if index >= items.len() => {
                        let length = items.len();
                        return Self::PastEnd {
                            array: place,
                            length,
                        };
                    }
                    index => index.and_then(|index| items.get(index)),
                },
                _ => return Self::Scalar(place),
            };
            place = place.child(token.as_str());
            match next {
                Some(next) => value = next,
                None if depth + 1 < count => return Self::Parent(place),
                None => break,
            }
        }
        Self::Itself
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself => Ok(()),
            Self::Parent(place) => write!(f, ": there is no {:?}", place.to_string()),
            Self::Scalar(place) => write!(
                f,
                ": the value at {:?} is neither an object nor an array",
                place.to_string()
            ),
            Self::PastEnd { array, length } => {
                let items = if *length == 1 { "item" } else { "items" };
                write!(
                    f,
                    ": the array at {:?} has {length} {items}",
                    array.to_string()
                )
            }
        }
    }
}

/// What a missing value was for.
struct Purpose<'a>(&'a Option<Pointer>);

impl fmt::Display for Purpose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(target) => write!(
                f,
                ", so there is nothing to put at {:?}",
                target.to_string()
            ),
            None => Ok(()),
        }
    }
}

impl PatchFailure {
    /// The same, of the value that was to be put there.
    fn on_the_way_to(self, to: &Pointer) -> Self {
        match self {
            Self::NoSuchPath {
                operation,
                path,
                gap,
                ..
            } => Self::NoSuchPath {
                operation,
                path,
                gap,
                target: Some(to.clone()),
            },
            other => other,
        }
    }

    /// The operation that failed, counted from 0, and its path.
    pub fn place(&self) -> (usize, &Pointer) {
        match self {
            Self::TestFailed {
                operation, path, ..
            }
            | Self::NoSuchPath {
                operation, path, ..
            }
            | Self::IntoItself { operation, path }
            | Self::TooDeep { operation, path }
            | Self::TooLarge { operation, path }
            | Self::TooCostly { operation, path } => (*operation, path),
        }
    }
}

impl Patch {
    /// Returns the patched document. `max_bytes` limits the total size of what is copied.
    ///
    /// # Errors
    ///
    /// [`PatchFailure`] names the first operation that does not apply. A merge patch always
    /// applies.
    pub fn apply(&self, target: &Value, max_bytes: usize) -> Result<Value, PatchFailure> {
        match self {
            Self::Merge(patch) => Ok(merge_patch(Some(target), patch)),
            Self::Json(patch) => patch.apply(target, max_bytes),
        }
    }

    /// Whether the patch has a `test` operation, which makes a request conditional.
    pub fn has_test(&self) -> bool {
        let is_test = |operation: &Operation| matches!(operation, Operation::Test { .. });
        matches!(self, Self::Json(patch) if patch.0.iter().any(is_test))
    }
}

/// `MergePatch(target, patch)` of RFC 7396, section 2.
pub fn merge_patch(target: Option<&Value>, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut members = match target {
        Some(Value::Object(members)) => members.clone(),
        _ => Object::new(),
    };
    // All at once: to remove members one by one moves what is behind each.
    if patch.values().any(|value| *value == Value::Null) {
        members.retain(|name, _| patch.get(name) != Some(&Value::Null));
    }
    for (name, value) in patch.iter().filter(|(_, value)| **value != Value::Null) {
        let merged = merge_patch(members.get(name), value);
        members.insert(name.clone(), merged);
    }
    Value::Object(members)
}

impl JsonPatch {
    /// Reads a JSON Patch.
    ///
    /// # Errors
    ///
    /// [`MalformedPatch`] names the operation, counted from 0, and the member that is wrong.
    pub fn from_value(value: &Value) -> Result<Self, MalformedPatch> {
        let Value::Array(operations) = value else {
            return Err(MalformedPatch::NoArray);
        };
        let read = |(index, operation)| Members::of(index, operation)?.operation();
        operations
            .iter()
            .enumerate()
            .map(read)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The operations, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.0
    }

    /// Like [`Patch::apply`].
    ///
    /// # Errors
    ///
    /// [`PatchFailure`] names the first operation that does not apply.
    pub fn apply(&self, target: &Value, max_bytes: usize) -> Result<Value, PatchFailure> {
        let mut application = Application {
            document: target.clone(),
            index: 0,
            budget: max_bytes,
            effort: MAX_EFFORT,
        };
        for (index, operation) in self.0.iter().enumerate() {
            application.index = index;
            application.perform(operation)?;
        }
        Ok(application.document)
    }
}

/// The members of one operation, while they are read.
struct Members<'a> {
    index: usize,
    members: &'a Object,
}

impl<'a> Members<'a> {
    fn of(index: usize, value: &'a Value) -> Result<Self, MalformedPatch> {
        let members = value
            .as_object()
            .ok_or(MalformedPatch::NoObject { index })?;
        Ok(Self { index, members })
    }

    fn operation(&self) -> Result<Operation, MalformedPatch> {
        let name = self.text("op")?;
        let path = self.pointer("path")?;
        Ok(match name {
            "add" => Operation::Add {
                path,
                value: self.value()?,
            },
            "remove" => Operation::Remove { path },
            "replace" => Operation::Replace {
                path,
                value: self.value()?,
            },
            "move" => Operation::Move {
                from: self.pointer("from")?,
                path,
            },
            "copy" => Operation::Copy {
                from: self.pointer("from")?,
                path,
            },
            "test" => Operation::Test {
                path,
                value: self.value()?,
            },
            _ => {
                return Err(MalformedPatch::Unknown {
                    index: self.index,
                    name: name.to_owned(),
                });
            }
        })
    }

    fn lacks(&self, member: &'static str) -> MalformedPatch {
        let index = self.index;
        MalformedPatch::Member { index, member }
    }

    fn text(&self, member: &'static str) -> Result<&'a str, MalformedPatch> {
        let text = self.members.get(member).and_then(Value::as_str);
        text.ok_or_else(|| self.lacks(member))
    }

    fn value(&self) -> Result<Value, MalformedPatch> {
        self.members
            .get("value")
            .cloned()
            .ok_or_else(|| self.lacks("value"))
    }

    fn pointer(&self, member: &'static str) -> Result<Pointer, MalformedPatch> {
        let index = self.index;
        let wrap = |source| MalformedPatch::Pointer {
            index,
            member,
            source,
        };
        self.text(member)?.parse().map_err(wrap)
    }
}

/// A JSON Patch while it is applied to a copy of a document.
struct Application {
    document: Value,
    index: usize,
    /// How many more bytes may be copied: repeated `copy` doubles, so a short patch could produce
    /// terabytes.
    budget: usize,
    /// How many more values may be moved or looked at.
    effort: usize,
}

/// How many values a patch may move or look at: whatever is inserted or removed moves all that is
/// behind it, and many short operations on a long array would take minutes.
const MAX_EFFORT: usize = 4_000_000;

type Step<T = ()> = Result<T, PatchFailure>;

impl Application {
    fn perform(&mut self, operation: &Operation) -> Step {
        match operation {
            Operation::Add { path, value } => self.add(path, value.clone()),
            Operation::Remove { path } => self.remove(path).map(drop),
            Operation::Replace { path, value } => self.replace(path, value.clone()),
            Operation::Move { from, path } => self.relocate(from, path),
            Operation::Copy { from, path } => self.copy(from, path),
            Operation::Test { path, value } => self.test(path, value),
        }
    }

    fn no_such(&self, path: &Pointer) -> PatchFailure {
        PatchFailure::NoSuchPath {
            operation: self.index,
            path: path.clone(),
            gap: Gap::on_the_way(&self.document, path),
            target: None,
        }
    }

    fn at(&mut self, path: &Pointer) -> Step<&mut Value> {
        if self.document.at(path).is_none() {
            return Err(self.no_such(path));
        }
        let mut tokens = path.tokens().iter();
        let found = tokens.try_fold(&mut self.document, |value, token| match value {
            Value::Object(members) => members.get_mut(token.as_str()),
            Value::Array(items) => items.get_mut(Pointer::index(token)?),
            _ => None,
        });
        Ok(found.expect("it was there a moment ago"))
    }

    fn spend(&mut self, count: usize, path: &Pointer) -> Step {
        let left = self.effort.checked_sub(count);
        self.effort = left.ok_or_else(|| PatchFailure::TooCostly {
            operation: self.index,
            path: path.clone(),
        })?;
        Ok(())
    }

    /// Pays for what moves when the last token of a path is inserted or removed.
    fn spend_on(&mut self, path: &Pointer) -> Step {
        let Some((parent, last)) = path.split_last() else {
            return Ok(());
        };
        let behind = match self.document.at(&parent) {
            Some(Value::Object(members)) => {
                let index = members.get_index_of(last);
                index.map_or(0, |index| members.len() - index)
            }
            Some(Value::Array(items)) => {
                let index = Pointer::index(last).unwrap_or(items.len());
                items.len().saturating_sub(index)
            }
            _ => 0,
        };
        self.spend(behind, path)
    }

    fn check_depth(&mut self, path: &Pointer, value: &Value) -> Step {
        self.spend(value.count(), path)?;
        if path.tokens().len() + value.depth() > MAX_DEPTH {
            return Err(PatchFailure::TooDeep {
                operation: self.index,
                path: path.clone(),
            });
        }
        Ok(())
    }

    fn add(&mut self, path: &Pointer, value: Value) -> Step {
        self.check_depth(path, &value)?;
        let Some((parent, last)) = path.split_last() else {
            self.document = value;
            return Ok(());
        };
        self.spend_on(path)?;
        let is_added = match self.at(&parent) {
            Ok(Value::Object(members)) => {
                members.insert(last.to_owned(), value);
                true
            }
            Ok(Value::Array(items)) => {
                let index = match last {
                    "-" => Some(items.len()),
                    last => Pointer::index(last).filter(|index| *index <= items.len()),
                };
                if let Some(index) = index {
                    items.insert(index, value);
                }
                index.is_some()
            }
            _ => false,
        };
        match is_added {
            true => Ok(()),
            false => Err(self.no_such(path)),
        }
    }

    fn remove(&mut self, path: &Pointer) -> Step<Value> {
        let Some((parent, last)) = path.split_last() else {
            return Ok(std::mem::replace(&mut self.document, Value::Null));
        };
        self.spend_on(path)?;
        let removed = match self.at(&parent) {
            Ok(Value::Object(members)) => members.shift_remove(last),
            Ok(Value::Array(items)) => Pointer::index(last)
                .filter(|index| *index < items.len())
                .map(|index| items.remove(index)),
            _ => None,
        };
        removed.ok_or_else(|| self.no_such(path))
    }

    fn replace(&mut self, path: &Pointer, value: Value) -> Step {
        self.check_depth(path, &value)?;
        *self.at(path)? = value;
        Ok(())
    }

    fn relocate(&mut self, from: &Pointer, path: &Pointer) -> Step {
        if path != from && path.starts_with(from) {
            return Err(PatchFailure::IntoItself {
                operation: self.index,
                path: path.clone(),
            });
        }
        let value = self.remove(from).map_err(|it| it.on_the_way_to(path))?;
        self.add(path, value)
    }

    fn copy(&mut self, from: &Pointer, path: &Pointer) -> Step {
        let value = self.at(from).map_err(|it| it.on_the_way_to(path))?.clone();
        let left = self.budget.checked_sub(value.weight());
        self.budget = left.ok_or_else(|| PatchFailure::TooLarge {
            operation: self.index,
            path: path.clone(),
        })?;
        self.add(path, value)
    }

    fn test(&mut self, path: &Pointer, expected: &Value) -> Step {
        let actual = self.document.at(path);
        if actual == Some(expected) {
            return Ok(());
        }
        Err(PatchFailure::TestFailed {
            operation: self.index,
            path: path.clone(),
            expected: expected.clone(),
            actual: actual.cloned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn value(text: &str) -> Value {
        parse(text.as_bytes()).unwrap()
    }

    /// The cases of RFC 7396, appendix A.
    #[test]
    fn merge_patches_of_the_standard() {
        let cases = [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ];
        for (target, patch, result) in cases {
            let merged = merge_patch(Some(&value(target)), &value(patch));
            assert_eq!(merged.to_text(), result, "{target} with {patch}");
        }
    }

    #[test]
    fn json_patches_apply_whole_or_say_where_not() {
        let cases = [
            // (document, patch, result or the operation that fails)
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"add","path":"/a/-","value":2}]"#,
                Ok(r#"{"a":[1,2]}"#),
            ),
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"add","path":"/a/0","value":2}]"#,
                Ok(r#"{"a":[2,1]}"#),
            ),
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"add","path":"/a/2","value":2}]"#,
                Err(0),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"test","path":"/a","value":1.0}]"#,
                Ok(r#"{"a":1}"#),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"remove","path":"/a"},{"op":"test","path":"/a","value":1}]"#,
                Err(1),
            ),
            (
                r#"{"a":{"b":1}}"#,
                r#"[{"op":"move","from":"/a","path":"/a/b"}]"#,
                Err(0),
            ),
            (
                r#"{"a":{"b":1}}"#,
                r#"[{"op":"move","from":"/a/b","path":"/c"}]"#,
                Ok(r#"{"a":{},"c":1}"#),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"move","from":"/a","path":"/a"}]"#,
                Ok(r#"{"a":1}"#),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"copy","from":"/b","path":"/c"}]"#,
                Err(0),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"replace","path":"","value":{}}]"#,
                Ok("{}"),
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"replace","path":"/b","value":1}]"#,
                Err(0),
            ),
            (r#"{"a":1.10}"#, "[]", Ok(r#"{"a":1.10}"#)),
        ];
        for (document, patch, expected) in cases {
            let patch = JsonPatch::from_value(&value(patch)).unwrap();
            let result = patch.apply(&value(document), 1000);
            let result = result
                .map(|value| value.to_text())
                .map_err(|failure| failure.place().0);
            assert_eq!(
                result,
                expected.map(str::to_owned),
                "{document} with {patch:?}"
            );
        }
    }

    #[test]
    fn a_patch_cannot_grow_without_bound() {
        let double = r#"{"op":"copy","from":"","path":"/a"}"#;
        let patch = format!("[{}]", [double; 500].join(","));
        let patch = JsonPatch::from_value(&value(&patch)).unwrap();
        let deep = patch.apply(&value("{}"), usize::MAX).unwrap_err();
        assert!(
            matches!(deep, PatchFailure::TooDeep { operation: 127, .. }),
            "{deep}"
        );
        let wide =
            r#"{"op":"copy","from":"/a","path":"/a/-"},{"op":"copy","from":"/a","path":"/b"}"#;
        let patch = format!("[{}]", [wide; 60].join(","));
        let patch = JsonPatch::from_value(&value(&patch)).unwrap();
        let large = patch
            .apply(&value(r#"{"a":["xxxxxxxx"]}"#), 10_000)
            .unwrap_err();
        assert!(matches!(large, PatchFailure::TooLarge { .. }), "{large}");
    }

    #[test]
    fn malformed_patches_name_the_operation() {
        let cases = [
            ("{}", MalformedPatch::NoArray),
            ("[1]", MalformedPatch::NoObject { index: 0 }),
            (
                r#"[{"path":"/a"}]"#,
                MalformedPatch::Member {
                    index: 0,
                    member: "op",
                },
            ),
            (
                r#"[{"op":"add","path":"/a"}]"#,
                MalformedPatch::Member {
                    index: 0,
                    member: "value",
                },
            ),
            (
                r#"[{"op":"spam","path":"/a"}]"#,
                MalformedPatch::Unknown {
                    index: 0,
                    name: "spam".into(),
                },
            ),
            (
                r#"[{"op":"remove","path":"a"}]"#,
                MalformedPatch::Pointer {
                    index: 0,
                    member: "path",
                    source: PointerError::NoSlash,
                },
            ),
        ];
        for (patch, error) in cases {
            assert_eq!(JsonPatch::from_value(&value(patch)), Err(error), "{patch}");
        }
    }

    #[test]
    fn a_patch_that_does_not_apply_says_what_is_missing() {
        let document = value(r#"{"a":{"n":1},"list":[1,2]}"#);
        let cases = [
            (r#"{"op":"remove","path":"/b"}"#, r#""/b" does not exist"#),
            (
                r#"{"op":"add","path":"/b/c/d","value":1}"#,
                r#""/b/c/d" does not exist: there is no "/b""#,
            ),
            (
                r#"{"op":"replace","path":"/a/n/x","value":1}"#,
                r#""/a/n/x" does not exist: the value at "/a/n" is neither an object nor an array"#,
            ),
            (
                r#"{"op":"add","path":"/list/5","value":1}"#,
                r#""/list/5" does not exist: the array at "/list" has 2 items"#,
            ),
            (
                r#"{"op":"remove","path":"/list/2"}"#,
                r#""/list/2" does not exist: the array at "/list" has 2 items"#,
            ),
            (
                r#"{"op":"copy","from":"/b","path":"/c"}"#,
                r#""/b" does not exist, so there is nothing to put at "/c""#,
            ),
            (
                r#"{"op":"copy","from":"/a","path":"/x/y"}"#,
                r#""/x/y" does not exist: there is no "/x""#,
            ),
            (
                r#"{"op":"move","from":"/a/b","path":"/c"}"#,
                r#""/a/b" does not exist, so there is nothing to put at "/c""#,
            ),
        ];
        for (operation, told) in cases {
            let patch = JsonPatch::from_value(&value(&format!("[{operation}]"))).unwrap();
            let failure = patch.apply(&document, 1000).unwrap_err();
            assert_eq!(failure.to_string(), format!("operation 0: {told}"));
        }
    }
}
