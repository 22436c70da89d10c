use std::time::Duration;

use http::{HeaderName, Method};

use super::capture::{Capture, captures};
use super::expectation::{Answer, Expect};
use super::filter::is_quoted;
use super::mistake::{Position, Source, suggestion};
use super::race::Race;
use super::retry::Retry;
use super::section::Section;
use super::template::{Shape, Template};
use super::tree::{Node, Tree};

/// One thing that a scenario does.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(Box<Sending>),
    Race(Box<Race>),
    Wait(Duration),
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    pub(super) position: Position,
    pub(super) name: Option<String>,
    /// Who sends it; `None` is the tester itself, or, in a race, each of its actors.
    pub(super) actor: Option<(String, Position)>,
    pub(super) method: Method,
    pub(super) url: Template,
    pub(super) query: Vec<(Template, Template)>,
    /// `None` takes a field away that would be sent otherwise.
    pub(super) headers: Vec<(HeaderName, Option<Template>)>,
    /// Entity tags, whose quotes are added where they are missing.
    pub(super) if_match: Option<Template>,
    pub(super) if_none_match: Option<Template>,
    pub(super) content: Content,
    pub(super) capture: Vec<Capture>,
    pub(super) retry: Option<Retry>,
    /// How an accepted request is told; by its status if `None`.
    pub(super) wins: Option<Answer>,
    pub(super) expect: Option<Expect>,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    None,
    Json(Shape),
    MergePatch(Shape),
    JsonPatch(Shape),
    Form(Vec<(Template, Template)>),
    Text(Template),
    File(Vec<u8>),
}

/// The methods that can be written as the name of a member.
pub(super) const METHODS: [&str; 18] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "QUERY",
    "COPY",
    "LOCK",
    "MKCOL",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "REPORT",
    "SEARCH",
    "UNLOCK",
];

impl Step {
    pub(super) fn read(source: &Source<'_>, node: &Node) -> Option<Self> {
        let section = Section::new(source, "the step", node)?;
        if section.has("race") {
            let race = Race::read(&section);
            section.finish();
            return Some(Self::Race(Box::new(race?)));
        }
        if section.has("wait") {
            let wait = section.duration("wait");
            section.finish();
            return wait.map(Self::Wait);
        }
        let send = Sending::read(&section, &["race", "wait"]);
        Some(Self::Send(Box::new(send)))
    }

    pub(super) fn read_all(source: &Source<'_>, nodes: &[Node]) -> Vec<Self> {
        let steps = nodes.iter().filter_map(|node| Self::read(source, node));
        steps.collect()
    }
}

impl Sending {
    /// A request as a mapping. `others` are names that could have stood there, for suggestions.
    ///
    /// One without a target is read as well, so that all that is wrong with it, and after it, is told.
    pub(super) fn read(section: &Section<'_>, others: &[&'static str]) -> Self {
        let source = section.source;
        let (method, url) = target(section, others).unwrap_or((Method::GET, Template::plain("")));
        let template = |(text, position)| Template::read(source, text, position);
        let send = Self {
            position: section.position,
            name: section.text("name").map(|(text, _)| text.to_owned()),
            actor: section
                .text("actor")
                .map(|(text, position)| (text.to_owned(), position)),
            method,
            url,
            query: pairs(section, "query"),
            headers: headers(section),
            if_match: tag(section, &["etag", "if_match"]).map(template),
            if_none_match: tag(section, &["if_none_match"]).map(template),
            content: Content::read(section),
            capture: captures(section),
            retry: section.section("retry").map(|it| Retry::read(&it)),
            wins: wins(section),
            expect: section.section("expect").map(|it| Expect::read(&it)),
        };
        section.finish();
        send
    }

    /// Whether it may change something (RFC 9110, section 9.2.1).
    pub(super) fn is_write(&self) -> bool {
        !matches!(
            self.method.as_str(),
            "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY" | "PROPFIND" | "REPORT" | "SEARCH"
        )
    }

    /// `PUT /docs/1`, or its own name.
    pub(super) fn title(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("{} {}", self.method, self.url),
        }
    }
}

/// `PUT: /docs/1`, or `method: PUT` and `url: /docs/1`.
fn target(section: &Section<'_>, others: &[&'static str]) -> Option<(Method, Template)> {
    let source = section.source;
    let mut found = Vec::new();
    for name in METHODS {
        if let Some((text, position)) = section.text(name)
            && let Ok(method) = name.parse::<Method>()
        {
            found.push((section.position_of(name), (method, text, position)));
        }
    }
    if let Some((name, position)) = section.text("method") {
        let url = section.text("url");
        if url.is_none() && !section.has("url") {
            section.lacks("url");
        }
        match name.parse::<Method>() {
            Ok(method) => {
                let (text, at) = url?;
                found.push((section.position_of("method"), (method, text, at)));
            }
            Err(_) => section.mistake(position, format!("{name:?} is not a method")),
        }
    } else {
        section.get("url");
    }
    if let [_, (position, _), ..] = found.as_slice() {
        section.mistake(
            *position,
            "a step holds one request; start the next step with a dash",
        );
    }
    let is_there = |name: &&str| section.has(name);
    let is_misspelt = || {
        let mut names = section.members().map(|(name, _, _)| name);
        let known = || METHODS.iter().chain(others).copied();
        names.any(|name| !FIELDS.contains(&name.as_str()) && !suggestion(&name, known()).is_empty())
    };
    if !METHODS.iter().chain(&["method"]).any(is_there) && !is_misspelt() {
        section.lacks("a method and its URL, such as `PUT: /docs/1`");
    }
    let (_, (method, text, position)) = found.into_iter().next()?;
    Some((method, Template::read(source, text, position)))
}

/// The members of a request besides its method.
const FIELDS: [&str; 21] = [
    "name",
    "actor",
    "method",
    "url",
    "query",
    "headers",
    "etag",
    "if_match",
    "if_none_match",
    "json",
    "merge-patch",
    "json-patch",
    "form",
    "text",
    "file",
    "capture",
    "retry",
    "wins",
    "expect",
    "race",
    "wait",
];

fn tag<'a>(section: &Section<'a>, names: &[&'static str]) -> Option<(&'a str, Position)> {
    let found = names.iter().filter_map(|name| section.text(name));
    let found: Vec<_> = found.collect();
    if let [_, (_, position), ..] = found.as_slice() {
        section.mistake(
            *position,
            format!(
                "{} mean the same; write only one of them",
                names.join(" and ")
            ),
        );
    }
    found.into_iter().next()
}

pub(super) fn wins(section: &Section<'_>) -> Option<Answer> {
    let section = section.section("wins")?;
    let answer = Answer::read(&section);
    section.finish();
    Some(answer)
}

pub(super) fn headers(section: &Section<'_>) -> Vec<(HeaderName, Option<Template>)> {
    let Some(section) = section.section("headers") else {
        return Vec::new();
    };
    let source = section.source;
    let mut headers = Vec::new();
    for (name, position, node) in section.members() {
        let value = match &node.tree {
            Tree::Null => None,
            Tree::Text(text) => {
                warn_of_lost_quotes(source, &name, text, node.position);
                Some(Template::read(source, text, node.position))
            }
            Tree::Number(_) | Tree::Bool(_) => {
                let text = node.to_name();
                warn_of_lost_quotes(source, &name, &text, node.position);
                Some(Template::plain(&text))
            }
            _ => {
                section.wrong(&name, node, "a string");
                continue;
            }
        };
        match name.parse() {
            Ok(name) => headers.push((name, value)),
            Err(_) => section.mistake(
                position,
                format!("{name:?} is not the name of a header field"),
            ),
        }
    }
    headers
}

/// In `If-Match: "v1"` the quotes are YAML's, and what is sent is `v1`, which is not a tag.
fn warn_of_lost_quotes(source: &Source<'_>, name: &str, text: &str, position: Position) {
    let member = match name.to_ascii_lowercase().as_str() {
        "if-match" => "etag",
        "if-none-match" => "if_none_match",
        _ => return,
    };
    let is_list = text.split(',').all(is_quoted);
    if !text.contains("{{") && !is_list {
        let message = format!(
            "{name} is sent as {text}, without the quotes of an entity tag: write '\"{text}\"', or use `{member}: {text}` beside headers, which adds the quotes"
        );
        source.warning(position, message);
    }
}

pub(super) fn pairs(section: &Section<'_>, key: &'static str) -> Vec<(Template, Template)> {
    let Some(section) = section.section(key) else {
        return Vec::new();
    };
    let source = section.source;
    let mut pairs = Vec::new();
    for (name, position, node) in section.members() {
        let value = match &node.tree {
            Tree::Text(text) => Template::read(source, text, node.position),
            Tree::Number(_) | Tree::Bool(_) => Template::plain(&node.to_name()),
            _ => {
                section.wrong(&name, node, "a string");
                continue;
            }
        };
        pairs.push((Template::read(source, &name, position), value));
    }
    pairs
}

impl Content {
    fn read(section: &Section<'_>) -> Self {
        let source = section.source;
        let shape = |key| section.get(key).map(|node| Shape::read(source, node));
        let text = section.text("text");
        let found = [
            ("json", shape("json").map(Self::Json)),
            ("merge-patch", shape("merge-patch").map(Self::MergePatch)),
            ("json-patch", shape("json-patch").map(Self::JsonPatch)),
            (
                "form",
                section
                    .has("form")
                    .then(|| Self::Form(pairs(section, "form"))),
            ),
            (
                "text",
                text.map(|(text, position)| Self::Text(Template::read(source, text, position))),
            ),
            ("file", file(section)),
        ];
        // What is asked for is known, whether it is there or not.
        section.get("form");
        let mut found = found
            .into_iter()
            .filter_map(|(name, content)| Some((name, content?)));
        let Some((first, content)) = found.next() else {
            return Self::None;
        };
        if let Some((second, _)) = found.next() {
            let message = format!("a request can have only one body: {first} or {second}");
            section.mistake(section.position_of(second), message);
        }
        content
    }

    pub(super) fn media_type(&self) -> Option<&'static str> {
        match self {
            Self::None | Self::File(_) => None,
            Self::Json(_) => Some("application/json"),
            Self::MergePatch(_) => Some("application/merge-patch+json"),
            Self::JsonPatch(_) => Some("application/json-patch+json"),
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Text(_) => Some("text/plain; charset=utf-8"),
        }
    }
}

/// A file, whose path counts from the folder of the scenario.
fn file(section: &Section<'_>) -> Option<Content> {
    let (path, position) = section.text("file")?;
    let folder = section.source.path.parent().unwrap_or(section.source.path);
    match std::fs::read(folder.join(path)) {
        Ok(bytes) => Some(Content::File(bytes)),
        Err(error) => {
            section.mistake(position, format!("{path} cannot be read: {error}"));
            None
        }
    }
}

pub(super) const VARIABLE: &str = "use letters, digits, _ and -, and none of the predefined names";

/// What is set anyway.
pub(super) const BUILT_IN: [&str; 11] = [
    "actor", "nonce", "uuid", "index", "round", "row", "env", "base", "winners", "losers",
    "retries",
];

pub(super) fn is_variable(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    begins && name.chars().all(is_part) && !BUILT_IN.contains(&name)
}
