use std::fmt;

use serde_json::{Map, Value};

use super::filter::{Argument, Filter};
use super::mistake::{Position, Source};
use super::section::tell_repeated;
use super::tree::{Node, Tree};

/// A text with `{{…}}` in it, filled in when it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    /// As it is written.
    text: String,
    parts: Vec<Part>,
    position: Position,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Expression(Expression),
}

/// `{{name}}`, `{{name | filter}}`, `{{"text" | filter}}`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expression {
    pub(super) operand: Operand,
    pub(super) filters: Vec<Filter>,
    pub(super) position: Position,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Literal(Value),
    /// `etag`; `alice.etag`; `env.HOME`; `order.lines.0`.
    Path(Vec<String>),
}

/// A JSON value with templates in the place of strings.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Fixed(Value),
    Text(Template),
    List(Vec<Shape>),
    Map(Vec<(Template, Shape)>),
}

/// Why something could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfilled {
    #[error("{{{{{0}}}}} has no value")]
    Unset(String),
    #[error("{{{{… | {filter}}}}}: {reason}")]
    Filter {
        filter: &'static str,
        reason: String,
    },
    #[error("it would be larger than {MAX_FILLED} bytes")]
    TooLarge,
}

/// How large a value may become that is filled in: each of a few variables may double the one before.
const MAX_FILLED: usize = 1 << 24;

/// What a path stands for, now.
pub(super) type Lookup<'a> = &'a dyn Fn(&[String]) -> Option<Value>;

impl Template {
    /// A text without anything to fill in.
    pub(super) fn plain(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            parts: vec![Part::Text(text.to_owned())],
            position: Position::default(),
        }
    }

    pub(super) fn read(source: &Source<'_>, text: &str, position: Position) -> Self {
        Self {
            text: text.to_owned(),
            parts: Self::parts(source, text, position),
            position,
        }
    }

    fn parts(source: &Source<'_>, text: &str, position: Position) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            let inside = &rest[start + 2..];
            let Some(end) = closing(inside) else {
                source.mistake(source.within(position, "{{"), "{{ without }}");
                return parts;
            };
            let at = source.within(position, &rest[start..start + end + 4]);
            match Expression::parse(&inside[..end], at) {
                Ok(expression) => parts.push(Part::Expression(expression)),
                Err(message) => source.mistake(at, message),
            }
            rest = &inside[end + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        parts
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    pub(super) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression(expression) => Some(expression),
            Part::Text(_) => None,
        })
    }

    /// The text; values that are not strings as JSON.
    pub(super) fn fill(&self, lookup: Lookup<'_>) -> Result<String, Unfilled> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Expression(expression) => text.push_str(&plain(expression.value(lookup)?)),
            }
            if text.len() > MAX_FILLED {
                return Err(Unfilled::TooLarge);
            }
        }
        Ok(text)
    }

    /// As [`Template::fill`]; a template that is nothing but one `{{…}}` keeps the type of its value.
    pub(super) fn value(&self, lookup: Lookup<'_>) -> Result<Value, Unfilled> {
        match self.parts.as_slice() {
            [Part::Expression(expression)] => expression.value(lookup),
            _ => self.fill(lookup).map(Value::String),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How much a value holds, in bytes or so.
fn weight(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(members) => members
                .iter()
                .map(|(name, it)| name.len() + weight(it))
                .sum(),
            _ => 0,
        }
}

/// A string as it is, anything else as JSON.
pub(super) fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Where `}}` is, outside of quotes.
fn closing(inside: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in inside.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '}' if !quoted && inside[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

impl Expression {
    fn parse(text: &str, position: Position) -> Result<Self, String> {
        let mut stages = split(text).into_iter();
        let operand = stages.next().unwrap_or_default();
        let filters = stages.map(|stage| Filter::parse(&stage));
        Ok(Self {
            operand: Operand::parse(operand.trim())?,
            filters: filters.collect::<Result<_, _>>()?,
            position,
        })
    }

    fn value(&self, lookup: Lookup<'_>) -> Result<Value, Unfilled> {
        let get = |operand: &Operand| match operand {
            Operand::Literal(value) => Ok(value.clone()),
            Operand::Path(path) => lookup(path).ok_or_else(|| Unfilled::Unset(path.join("."))),
        };
        let mut value = get(&self.operand)?;
        for filter in &self.filters {
            let arguments = filter.arguments.iter().map(|it| get(&it.0));
            let arguments: Vec<_> = arguments.collect::<Result<_, _>>()?;
            value = filter.apply(value, &arguments)?;
            if matches!(&value, Value::String(text) if text.len() > MAX_FILLED) {
                return Err(Unfilled::TooLarge);
            }
        }
        Ok(value)
    }

    /// Every variable that it needs.
    pub(super) fn paths(&self) -> impl Iterator<Item = &[String]> {
        let arguments = self.filters.iter().flat_map(|filter| &filter.arguments);
        let operands = std::iter::once(&self.operand).chain(arguments.map(|it| &it.0));
        operands.filter_map(|operand| match operand {
            Operand::Path(path) => Some(path.as_slice()),
            Operand::Literal(_) => None,
        })
    }
}

/// The stages of `operand | filter | filter`, apart at each `|` outside of quotes.
fn split(text: &str) -> Vec<String> {
    let mut stages = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        quoted ^= c == '"';
        match stages.last_mut() {
            Some(stage) if c != '|' || quoted => stage.push(c),
            _ => stages.push(String::new()),
        }
    }
    stages
}

impl Operand {
    /// A string in quotes, a number, or a path.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('"') || text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let value = serde_json::from_str(text);
            return value
                .map(Self::Literal)
                .map_err(|_| format!("{text} is not a string in quotes and not a number"));
        }
        let is_name = |name: &str| {
            let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            !name.is_empty() && name.chars().all(is_part)
        };
        let path: Vec<_> = text.split('.').map(str::to_owned).collect();
        if path.iter().all(|name| is_name(name)) {
            Ok(Self::Path(path))
        } else {
            Err(format!(
                "{{{{{text}}}}} is not a variable: write {{{{name}}}}, {{{{actor.name}}}} or {{{{env.NAME}}}}"
            ))
        }
    }
}

impl From<Operand> for Argument {
    fn from(operand: Operand) -> Self {
        Self(operand)
    }
}

impl Shape {
    pub(super) fn read(source: &Source<'_>, node: &Node) -> Self {
        match &node.tree {
            Tree::Text(text) => Self::Text(Template::read(source, text, node.position)),
            Tree::List(items) => {
                Self::List(items.iter().map(|it| Self::read(source, it)).collect())
            }
            Tree::Map(members) => {
                tell_repeated(source, members);
                let member = |(name, value): &(Node, Node)| {
                    let name = Template::read(source, &name.to_name(), name.position);
                    (name, Self::read(source, value))
                };
                Self::Map(members.iter().map(member).collect())
            }
            _ => Self::Fixed(node.to_json()),
        }
    }

    pub(super) fn value(&self, lookup: Lookup<'_>) -> Result<Value, Unfilled> {
        self.made(lookup, &mut 0)
    }

    /// `size` counts what was made so far, in bytes or so.
    fn made(&self, lookup: Lookup<'_>, size: &mut usize) -> Result<Value, Unfilled> {
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::Text(template) => {
                let value = template.value(lookup)?;
                *size += weight(&value);
                match *size > MAX_FILLED {
                    true => Err(Unfilled::TooLarge),
                    false => Ok(value),
                }
            }
            Self::List(items) => items.iter().map(|item| item.made(lookup, size)).collect(),
            Self::Map(members) => {
                let member = |(name, shape): &(Template, Shape)| {
                    Ok((name.fill(lookup)?, shape.made(lookup, size)?))
                };
                let members: Result<Map<_, _>, _> = members.iter().map(member).collect();
                members.map(Value::Object)
            }
        }
    }

    pub(super) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Text(template) => vec![template],
            Self::List(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Map(members) => {
                let mut all = Vec::new();
                for (name, shape) in members {
                    all.push(name);
                    all.extend(shape.templates());
                }
                all
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn fill(text: &str) -> Result<Value, String> {
        let source = Source::new(Path::new("x.yaml"), text);
        let position = Position { line: 1, column: 1 };
        let template = Template::read(&source, text, position);
        source.finish().map_err(|mistakes| mistakes.to_string())?;
        let lookup = |path: &[String]| match path.join(".").as_str() {
            "n" => Some(json!(3)),
            "name" => Some(json!("Zoë & co")),
            "tag" => Some(json!("\"v1\"")),
            "doc.title" => Some(json!("T")),
            "doc" => Some(json!({"title": "T"})),
            _ => None,
        };
        template.value(&lookup).map_err(|error| error.to_string())
    }

    #[test]
    fn what_would_be_too_large_is_not_filled_in() {
        let source = Source::new(Path::new("x.yaml"), "");
        let position = Position { line: 1, column: 1 };
        let half = Value::String("x".repeat(MAX_FILLED / 2 + 1));
        let lookup = |_: &[String]| Some(half.clone());
        let read = |text| Template::read(&source, text, position);
        let shapes = [
            Shape::Text(read("{{half}}{{half}}")),
            Shape::Text(read("{{half | base64 | base64 | base64}}")),
            Shape::List(vec![
                Shape::Text(read("{{half}}")),
                Shape::Text(read("{{half}}")),
            ]),
        ];
        for shape in shapes {
            assert_eq!(shape.value(&lookup), Err(Unfilled::TooLarge), "{shape:?}");
        }
        assert!(Shape::Text(read("{{half}}")).value(&lookup).is_ok());
    }

    #[test]
    fn what_stands_in_braces_is_filled_in() {
        let cases = [
            // (template, value)
            ("plain", json!("plain")),
            ("", json!("")),
            ("{{n}}", json!(3)),
            ("n={{n}}", json!("n=3")),
            ("{{ n }}{{n}}", json!("33")),
            ("{{doc}}", json!({"title": "T"})),
            ("x{{doc}}", json!("x{\"title\":\"T\"}")),
            ("{{doc.title}}", json!("T")),
            ("{{n | plus 2}}", json!(5)),
            ("{{n | minus: n}}", json!(0)),
            ("{{n | plus 0.5}}", json!(3.5)),
            ("{{\"a:b\" | base64}}", json!("YTpi")),
            ("{{\"YTpi\" | base64-decode}}", json!("a:b")),
            ("{{\"a|}}b\" | upper}}", json!("A|}}B")),
            ("{{name | url}}", json!("Zo%C3%AB%20%26%20co")),
            ("{{tag | unquote}}", json!("v1")),
            ("{{tag | unquote | quote}}", json!("\"v1\"")),
            ("{{doc | json}}", json!("{\"title\":\"T\"}")),
            ("{{name | length}}", json!(8)),
        ];
        for (template, value) in cases {
            assert_eq!(fill(template), Ok(value), "{template}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_says_why() {
        let cases = [
            // (template, message)
            ("{{x}}", "{{x}} has no value"),
            ("a {{x", "x.yaml:1:3: {{ without }}"),
            (
                "{{}}",
                "x.yaml:1:1: {{}} is not a variable: write {{name}}, {{actor.name}} or {{env.NAME}}",
            ),
            (
                "é {{n | bas64}}",
                "x.yaml:1:3: unknown filter bas64; did you mean base64?",
            ),
            (
                "{{n | plus}}",
                "x.yaml:1:1: the filter plus takes 1 argument, not 0",
            ),
            (
                "{{name | plus 1}}",
                "{{… | plus}}: \"Zoë & co\" is not a number",
            ),
            (
                "{{\"%\" | base64-decode}}",
                "{{… | base64-decode}}: \"%\" is not base64",
            ),
        ];
        for (template, message) in cases {
            assert_eq!(fill(template), Err(message.to_owned()), "{template}");
        }
    }
}
