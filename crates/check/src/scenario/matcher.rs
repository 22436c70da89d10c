use regex::Regex;
use serde_json::Value;

use super::count::Count;
use super::filter::length;
use super::mistake::{Position, Source, suggestion};
use super::section::Section;
use super::template::{Lookup, Shape, Template, Unfilled, plain};
use super::tree::{Node, Tree};
use super::value::{Comparison, contains, same, short, type_names};

/// What a value is to be: all of its tests hold.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    tests: Vec<Test>,
}

#[derive(Clone, Debug)]
enum Test {
    Is(Shape),
    IsNot(Shape),
    OneOf(Vec<Shape>),
    /// Somewhere in it, unless the pattern is anchored.
    Matches(Regex),
    /// A part of a text, an element of a list, a member's name.
    Contains(Shape),
    Compare(Comparison, Shape),
    Present,
    Absent,
    Type(&'static str),
    Length(Count),
}

const TYPES: [&str; 7] = [
    "null", "boolean", "integer", "number", "string", "array", "object",
];

pub(super) const WORDS: [&str; 12] = [
    "is", "not", "one_of", "matches", "contains", "gt", "gte", "lt", "lte", "present", "absent",
    "type",
];

impl Matcher {
    /// A value stands for itself; a mapping has tests.
    pub(super) fn read(source: &Source<'_>, name: &str, node: &Node) -> Self {
        let Tree::Map(_) = node.tree else {
            let test = Test::Is(Shape::read(source, node));
            return Self { tests: vec![test] };
        };
        let Some(section) = Section::new(source, name, node) else {
            return Self { tests: Vec::new() };
        };
        let tests = Self::tests(&section);
        for (found, position, _) in section.members() {
            if !WORDS.contains(&found.as_str()) && found != "length" {
                let known = WORDS.into_iter().chain(["length"]);
                let hint = suggestion(&found, known);
                let message = format!(
                    "{name}: unknown test {found}{hint}; to compare with an object, write {{is: …}}"
                );
                source.mistake(position, message);
            }
        }
        if tests.is_empty() && section.members().next().is_none() {
            let message =
                format!("{name} has no test; to compare with an object, write {{is: {{}}}}");
            source.mistake(node.position, message);
        }
        Self { tests }
    }

    fn tests(section: &Section<'_>) -> Vec<Test> {
        let shape = |key| {
            section
                .get(key)
                .map(|node| Shape::read(section.source, node))
        };
        let mut tests = Vec::new();
        tests.extend(shape("is").map(Test::Is));
        tests.extend(shape("not").map(Test::IsNot));
        if section.has("one_of") {
            let items = section.list("one_of").iter();
            let items = items.map(|item| Shape::read(section.source, item));
            tests.push(Test::OneOf(items.collect()));
        }
        if let Some((text, position)) = section.text("matches") {
            tests.extend(pattern(section.source, text, position).map(Test::Matches));
        }
        tests.extend(shape("contains").map(Test::Contains));
        for (key, comparison) in [
            ("gt", Comparison::Gt),
            ("gte", Comparison::Gte),
            ("lt", Comparison::Lt),
            ("lte", Comparison::Lte),
        ] {
            tests.extend(shape(key).map(|shape| Test::Compare(comparison, shape)));
        }
        for (key, yes, no) in [
            ("present", Test::Present, Test::Absent),
            ("absent", Test::Absent, Test::Present),
        ] {
            match section.get(key).map(|node| (node, &node.tree)) {
                Some((_, Tree::Bool(is))) => tests.push(if *is { yes } else { no }),
                Some((node, _)) => section.wrong(key, node, "true or false"),
                None => {}
            }
        }
        let types = TYPES.map(|name| (name, name));
        tests.extend(section.word("type", &types).map(Test::Type));
        if let Some(node) = section.get("length") {
            tests.extend(Count::read(section.source, "length", node).map(Test::Length));
        }
        tests
    }

    /// A header field: `present`, `absent`, `/a pattern/`, the value itself, or tests.
    pub(super) fn read_field(source: &Source<'_>, name: &str, node: &Node) -> Self {
        let Some(text) = node.as_text() else {
            let mut matcher = Self::read(source, name, node);
            // A field's value is text, also where the file has a number.
            for test in &mut matcher.tests {
                if let Test::Is(Shape::Fixed(value)) = test {
                    *value = plain(value.take()).into();
                }
            }
            return matcher;
        };
        let between = text.strip_prefix('/').and_then(|it| it.strip_suffix('/'));
        let test = match (text, between) {
            ("present", _) => Some(Test::Present),
            ("absent", _) => Some(Test::Absent),
            (_, Some(inner)) => pattern(source, inner, node.position).map(Test::Matches),
            _ => Some(Test::Is(Shape::Text(Template::read(
                source,
                text,
                node.position,
            )))),
        };
        Self {
            tests: test.into_iter().collect(),
        }
    }

    pub(super) fn templates(&self) -> Vec<&Template> {
        let shapes = self.tests.iter().flat_map(|test| match test {
            Test::Is(it) | Test::IsNot(it) | Test::Contains(it) | Test::Compare(_, it) => vec![it],
            Test::OneOf(items) => items.iter().collect(),
            _ => Vec::new(),
        });
        shapes.flat_map(Shape::templates).collect()
    }

    /// What is wrong with `found`, which is called `name`; `None` if nothing is.
    pub(super) fn complaint(
        &self,
        name: &str,
        found: Option<&Value>,
        lookup: Lookup<'_>,
    ) -> Result<Option<String>, Unfilled> {
        for test in &self.tests {
            if let Some(wanted) = test.unmet(found, lookup)? {
                let is = found.map_or("absent".to_owned(), short);
                return Ok(Some(format!("{name} must be {wanted}, but is {is}")));
            }
        }
        Ok(None)
    }
}

impl Test {
    /// What it asks for, if `found` is not that.
    fn unmet(&self, found: Option<&Value>, lookup: Lookup<'_>) -> Result<Option<String>, Unfilled> {
        let (holds, wanted) = match self {
            Self::Is(shape) => {
                let value = shape.value(lookup)?;
                (found.is_some_and(|it| same(it, &value)), short(&value))
            }
            Self::IsNot(shape) => {
                let value = shape.value(lookup)?;
                let differs = !found.is_some_and(|it| same(it, &value));
                (differs, format!("anything but {}", short(&value)))
            }
            Self::OneOf(shapes) => {
                let values = shapes.iter().map(|shape| shape.value(lookup));
                let values: Vec<_> = values.collect::<Result<_, _>>()?;
                let holds = found.is_some_and(|it| values.iter().any(|value| same(it, value)));
                (holds, format!("one of {}", short(&Value::Array(values))))
            }
            Self::Matches(pattern) => {
                let text = found.cloned().map(plain);
                let holds = text.is_some_and(|text| pattern.is_match(&text));
                (holds, format!("a match of /{pattern}/"))
            }
            Self::Contains(shape) => {
                let value = shape.value(lookup)?;
                let holds = found.is_some_and(|it| contains(it, &value));
                (holds, format!("something that contains {}", short(&value)))
            }
            Self::Compare(comparison, shape) => {
                let value = shape.value(lookup)?;
                let holds = found.is_some_and(|it| comparison.holds(it, &value));
                (holds, format!("{comparison} {}", short(&value)))
            }
            Self::Present => (found.is_some(), "present".to_owned()),
            Self::Absent => (found.is_none(), "absent".to_owned()),
            Self::Type(name) => {
                let holds = found.is_some_and(|it| type_names(it).contains(name));
                (holds, format!("of the type {name}"))
            }
            Self::Length(count) => {
                let holds = found.is_some_and(|it| count.admits(length(it)));
                (holds, format!("of length {count}"))
            }
        };
        Ok((!holds).then_some(wanted))
    }
}

pub(super) fn pattern(source: &Source<'_>, text: &str, position: Position) -> Option<Regex> {
    match Regex::new(text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default();
            let reason = reason.trim_start_matches("error: ");
            source.mistake(
                position,
                format!("/{text}/ is not a regular expression: {reason}"),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::super::tree;
    use super::*;

    fn complaint(matcher: &str, found: Option<Value>) -> Option<String> {
        let text = format!("x: {matcher}");
        let source = Source::new(Path::new("x.yaml"), &text);
        let documents = tree::documents(&source, &text);
        let section = Section::new(&source, "the test", &documents[0]).unwrap();
        let matcher = Matcher::read(&source, "/x", section.get("x").unwrap());
        source
            .finish()
            .unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let lookup = |_: &[String]| Some(json!(7));
        matcher.complaint("/x", found.as_ref(), &lookup).unwrap()
    }

    #[test]
    fn what_fits_is_passed() {
        let cases = [
            // (matcher, value)
            ("3", json!(3)),
            ("3", json!(3.0)),
            ("'3'", json!("3")),
            ("null", Value::Null),
            ("[1, {a: 2}]", json!([1, {"a": 2.0}])),
            ("{is: {a: 1, b: 2}}", json!({"b": 2, "a": 1})),
            ("{not: 3}", json!(4)),
            ("{one_of: [1, 2]}", json!(2)),
            ("{matches: '^a+$'}", json!("aaa")),
            ("{matches: '^[0-9]+$'}", json!(12)),
            ("{contains: b}", json!("abc")),
            ("{contains: b}", json!(["a", "b"])),
            ("{contains: b}", json!({"b": null})),
            ("{gt: 1, lte: 2}", json!(2)),
            ("{gte: '2026-01-01'}", json!("2026-11-01")),
            ("{lt: '{{n}}'}", json!(6)),
            ("{present: true}", Value::Null),
            ("{type: integer}", json!(1)),
            ("{type: number}", json!(1)),
            ("{length: 2}", json!("äb")),
            ("{length: {min: 1}}", json!([1, 2])),
            ("'{{n}}'", json!(7)),
        ];
        for (matcher, value) in cases {
            assert_eq!(
                complaint(matcher, Some(value.clone())),
                None,
                "{matcher} {value}"
            );
        }
        assert_eq!(complaint("{absent: true}", None), None);
        assert_eq!(complaint("{present: false}", None), None);
        assert_eq!(complaint("{not: 1}", None), None);
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_was_wanted() {
        let cases = [
            // (matcher, value, complaint)
            ("3", Some(json!("3")), "/x must be 3, but is \"3\""),
            ("3", None, "/x must be 3, but is absent"),
            ("null", None, "/x must be null, but is absent"),
            (
                "{not: 3}",
                Some(json!(3)),
                "/x must be anything but 3, but is 3",
            ),
            (
                "{gt: 3}",
                Some(json!(3)),
                "/x must be more than 3, but is 3",
            ),
            (
                "{gt: 3}",
                Some(json!("4")),
                "/x must be more than 3, but is \"4\"",
            ),
            ("{lte: 3}", Some(json!(4)), "/x must be at most 3, but is 4"),
            (
                "{matches: ^a}",
                Some(json!("b")),
                "/x must be a match of /^a/, but is \"b\"",
            ),
            (
                "{absent: true}",
                Some(Value::Null),
                "/x must be absent, but is null",
            ),
            (
                "{type: integer}",
                Some(json!(1.5)),
                "/x must be of the type integer, but is 1.5",
            ),
            (
                "{length: {max: 1}}",
                Some(json!("ab")),
                "/x must be of length at most 1, but is \"ab\"",
            ),
            (
                "{one_of: [1]}",
                Some(json!(2)),
                "/x must be one of [1], but is 2",
            ),
        ];
        for (matcher, value, message) in cases {
            let found = complaint(matcher, value.clone());
            assert_eq!(found.as_deref(), Some(message), "{matcher} {value:?}");
        }
    }
}
