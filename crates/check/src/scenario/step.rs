use std::time::Duration;

use detente_core::json::Pointer;
use detente_core::merge::{Strategies, Strategy};
use http::{HeaderName, Method};
use regex::Regex;

use super::expectation::{Answer, Expect};
use super::filter::is_quoted;
use super::matcher::pattern;
use super::mistake::{Place, Source, suggestion};
use super::section::{Section, whole};
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
    pub(super) place: Place,
    pub(super) name: Option<String>,
    /// Who sends it; `None` is the tester itself, or, in a race, each of its actors.
    pub(super) actor: Option<(String, Place)>,
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

/// A variable that is taken from an answer.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    pub(super) name: String,
    pub(super) from: Origin,
    /// Its first group, or all that it matches.
    pub(super) matches: Option<Regex>,
}

#[derive(Clone, Debug)]
pub(super) enum Origin {
    Status,
    Header(HeaderName),
    Body(Pointer),
    Text,
}

/// What is done when a request is refused: read again, apply the edit again, send again.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    pub(super) times: u32,
    /// Statuses.
    pub(super) on: Vec<u16>,
    pub(super) edit: Edit,
    /// What is read again; `None` is the URL of the request.
    pub(super) read: Option<Template>,
    /// Taken from what was read.
    pub(super) capture: Vec<Capture>,
}

/// How an edit is applied to a newer document.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// What the writer changed, as a merge patch.
    Patch,
    /// The request is filled in once more, with what was read.
    Rewrite,
    /// Base, ours and theirs; `prefer` decides where they collide, and without it that is the end.
    Merge {
        prefer: Option<Side>,
        strategies: Strategies,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Ours,
    Theirs,
}

/// Requests that are released together.
#[derive(Clone, Debug)]
pub(super) struct Race {
    pub(super) place: Place,
    pub(super) name: Option<String>,
    pub(super) sends: Vec<(String, Sending)>,
    pub(super) wins: Option<Answer>,
    pub(super) expect: Option<Expect>,
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
        send.map(|send| Self::Send(Box::new(send)))
    }

    pub(super) fn read_all(source: &Source<'_>, nodes: &[Node]) -> Vec<Self> {
        let steps = nodes.iter().filter_map(|node| Self::read(source, node));
        steps.collect()
    }
}

impl Sending {
    /// A request as a mapping. `others` are names that could have stood there, for suggestions.
    pub(super) fn read(section: &Section<'_>, others: &[&'static str]) -> Option<Self> {
        let source = section.source;
        let target = target(section, others);
        let template = |(text, place)| Template::read(source, text, place);
        let send = |(method, url): (Method, Template)| Self {
            place: section.place,
            name: section.text("name").map(|(text, _)| text.to_owned()),
            actor: section
                .text("actor")
                .map(|(text, place)| (text.to_owned(), place)),
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
        // Everything is read also where the target is missing, so that all mistakes are told.
        let is_there = target.is_some();
        let target = target.unwrap_or((Method::GET, Template::plain("/")));
        let send = send(target);
        section.finish();
        is_there.then_some(send)
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
        if let Some((text, place)) = section.text(name)
            && let Ok(method) = name.parse::<Method>()
        {
            found.push((section.place_of(name), (method, text, place)));
        }
    }
    if let Some((name, place)) = section.text("method") {
        let url = section.text("url");
        if url.is_none() && !section.has("url") {
            section.lacks("url");
        }
        match name.parse::<Method>() {
            Ok(method) => {
                let (text, at) = url?;
                found.push((section.place_of("method"), (method, text, at)));
            }
            Err(_) => section.mistake(place, format!("{name:?} is not a method")),
        }
    } else {
        section.get("url");
    }
    if let [_, (place, _), ..] = found.as_slice() {
        section.mistake(*place, "a step is one request; begin the next with a dash");
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
    let (_, (method, text, place)) = found.into_iter().next()?;
    Some((method, Template::read(source, text, place)))
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

fn tag<'a>(section: &Section<'a>, names: &[&'static str]) -> Option<(&'a str, Place)> {
    let found = names.iter().filter_map(|name| section.text(name));
    let found: Vec<_> = found.collect();
    if let [_, (_, place), ..] = found.as_slice() {
        section.mistake(
            *place,
            format!("{} are the same: write one", names.join(" and ")),
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
    for (name, place, node) in section.members() {
        let value = match &node.tree {
            Tree::Null => None,
            Tree::Text(text) => {
                warn_of_lost_quotes(source, &name, text, node.place);
                Some(Template::read(source, text, node.place))
            }
            Tree::Number(_) | Tree::Bool(_) => {
                let text = node.to_name();
                warn_of_lost_quotes(source, &name, &text, node.place);
                Some(Template::plain(&text))
            }
            _ => {
                section.wrong(&name, node, "a string");
                continue;
            }
        };
        match name.parse() {
            Ok(name) => headers.push((name, value)),
            Err(_) => section.mistake(place, format!("{name:?} is not the name of a header field")),
        }
    }
    headers
}

/// In `If-Match: "v1"` the quotes are YAML's, and what is sent is `v1`, which is not a tag.
fn warn_of_lost_quotes(source: &Source<'_>, name: &str, text: &str, place: Place) {
    let member = match name.to_ascii_lowercase().as_str() {
        "if-match" => "etag",
        "if-none-match" => "if_none_match",
        _ => return,
    };
    let is_list = text.split(',').all(is_quoted);
    if !text.contains("{{") && !is_list {
        let message = format!(
            "{name} is sent as {text}, without the quotes that an entity tag has: \
             write '\"{text}\"', or `{member}: {text}` beside headers, which adds them"
        );
        source.warning(place, message);
    }
}

pub(super) fn pairs(section: &Section<'_>, key: &'static str) -> Vec<(Template, Template)> {
    let Some(section) = section.section(key) else {
        return Vec::new();
    };
    let source = section.source;
    let mut pairs = Vec::new();
    for (name, place, node) in section.members() {
        let value = match &node.tree {
            Tree::Text(text) => Template::read(source, text, node.place),
            Tree::Number(_) | Tree::Bool(_) => Template::plain(&node.to_name()),
            _ => {
                section.wrong(&name, node, "a string");
                continue;
            }
        };
        pairs.push((Template::read(source, &name, place), value));
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
                text.map(|(text, place)| Self::Text(Template::read(source, text, place))),
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
            let message = format!("a request has one body: {first} or {second}");
            section.mistake(section.place_of(second), message);
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
    let (path, place) = section.text("file")?;
    let folder = section.source.path.parent().unwrap_or(section.source.path);
    match std::fs::read(folder.join(path)) {
        Ok(bytes) => Some(Content::File(bytes)),
        Err(error) => {
            section.mistake(place, format!("{path} cannot be read: {error}"));
            None
        }
    }
}

pub(super) fn captures(section: &Section<'_>) -> Vec<Capture> {
    let Some(section) = section.section("capture") else {
        return Vec::new();
    };
    let mut captures = Vec::new();
    for (name, place, node) in section.members() {
        if !is_variable(&name) {
            section.mistake(place, format!("{name:?} cannot be a variable: {VARIABLE}"));
        }
        captures.extend(Capture::read(section.source, name, node));
    }
    captures
}

pub(super) const VARIABLE: &str =
    "letters, digits, _ and -, and not one of the names that are set anyway";

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

impl Capture {
    /// `header ETag`, `body /stock`, `body`, `text`, `status`; with a pattern as a mapping.
    fn read(source: &Source<'_>, name: String, node: &Node) -> Option<Self> {
        let Tree::Map(_) = node.tree else {
            let from = Origin::parse(node.as_text().unwrap_or_default());
            if let Err(message) = &from {
                source.mistake(node.place, message.clone());
            }
            return Some(Self {
                name,
                from: from.ok()?,
                matches: None,
            });
        };
        let section = Section::new(source, format!("capture of {name}"), node)?;
        let from = section.text("from");
        if from.is_none() && !section.has("from") {
            section.lacks("from");
        }
        let from = from.and_then(|(text, place)| {
            let from = Origin::parse(text);
            from.map_err(|message| section.mistake(place, message)).ok()
        });
        let matches = section.text("matches");
        let matches = matches.and_then(|(text, place)| pattern(source, text, place));
        section.finish();
        Some(Self {
            name,
            from: from?,
            matches,
        })
    }
}

impl Origin {
    fn parse(text: &str) -> Result<Self, String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        match (word, rest) {
            ("status", "") => Ok(Self::Status),
            ("text", "") => Ok(Self::Text),
            ("header", name) if !name.is_empty() => name
                .parse()
                .map(Self::Header)
                .map_err(|_| format!("{name:?} is not the name of a header field")),
            ("body", pointer) => pointer
                .parse()
                .map(Self::Body)
                .map_err(|error| format!("body {pointer}: {error}")),
            _ => {
                let hint = suggestion(word, ["status", "text", "header", "body"]);
                Err(format!(
                    "a capture is `header NAME`, `body /pointer`, `body`, `text` or `status`, not {text:?}{hint}"
                ))
            }
        }
    }
}

impl Retry {
    fn read(section: &Section<'_>) -> Self {
        let source = section.source;
        let mut on = Vec::new();
        for node in section.list("on") {
            match whole(node).and_then(|it| u16::try_from(it).ok()) {
                Some(status) if (100..600).contains(&status) => on.push(status),
                _ => section.wrong("on", node, "a list of statuses"),
            }
        }
        if on.is_empty() {
            on = vec![409, 412];
        }
        let capture = captures(section);
        let read = section.text("read");
        let retry = Self {
            times: section.number("times", 1).unwrap_or(5),
            on,
            edit: Edit::read(section, !capture.is_empty()),
            read: read.map(|(text, place)| Template::read(source, text, place)),
            capture,
        };
        section.finish();
        retry
    }
}

impl Edit {
    /// A retry that captures something wants the request filled in again, unless it says otherwise.
    fn read(section: &Section<'_>, captures: bool) -> Self {
        let strategies = strategies(section);
        let merge = |prefer| Self::Merge {
            prefer,
            strategies: strategies.clone(),
        };
        let words = [
            ("patch", 0),
            ("rewrite", 1),
            ("three-way", 2),
            ("ours", 3),
            ("theirs", 4),
        ];
        match section.word("merge", &words) {
            Some(0) => Self::Patch,
            Some(2) => merge(None),
            Some(3) => merge(Some(Side::Ours)),
            Some(4) => merge(Some(Side::Theirs)),
            Some(_) => Self::Rewrite,
            None if captures => Self::Rewrite,
            None => Self::Patch,
        }
    }
}

fn strategies(section: &Section<'_>) -> Strategies {
    let mut strategies = Strategies::default();
    let Some(section) = section.section("strategies") else {
        return strategies;
    };
    let words = [
        Strategy::Set,
        Strategy::Append,
        Strategy::Counter,
        Strategy::Max,
        Strategy::Min,
        Strategy::Text,
        Strategy::Atomic,
    ];
    for (name, place, node) in section.members() {
        let pointer = name.parse::<Pointer>();
        if let Err(error) = &pointer {
            section.mistake(place, format!("{name}: {error}"));
        }
        let found = words.iter().find(|it| node.as_text() == Some(it.name()));
        if found.is_none() {
            let names = words.each_ref().map(Strategy::name);
            section.wrong(&name, node, names.join(", ").as_str());
        }
        if let (Ok(pointer), Some(strategy)) = (pointer, found) {
            strategies.set(&pointer, strategy.clone());
        }
    }
    strategies
}

impl Race {
    /// `race:` of a mapping, with the `expect:` and the `name:` beside it.
    pub(super) fn read(beside: &Section<'_>) -> Option<Self> {
        let section = beside.section("race")?;
        let race = Self {
            place: section.place,
            name: beside.text("name").map(|(text, _)| text.to_owned()),
            sends: sends(&section),
            wins: wins(&section),
            expect: beside.section("expect").map(|it| Expect::read(&it)),
        };
        section.finish();
        Some(race)
    }
}

/// Who sends what: the actors, each with the one request, or each with that of the same place.
fn sends(section: &Section<'_>) -> Vec<(String, Sending)> {
    let actors = actors(section);
    let Some(node) = section.get("send") else {
        section.lacks("send");
        return Vec::new();
    };
    let sends: Vec<(String, Sending)> = match &node.tree {
        Tree::List(nodes) => {
            let each = nodes.iter().enumerate().filter_map(|(at, node)| {
                let send = Section::new(section.source, "send", node)?;
                let send = Sending::read(&send, &[])?;
                let own = send.actor.as_ref().map(|(name, _)| name.clone());
                let name = own.or_else(|| actors.get(at).cloned());
                Some((name.unwrap_or_else(|| numbered(at)), send))
            });
            each.collect()
        }
        _ => {
            let Some(send) = Section::new(section.source, "send", node) else {
                return Vec::new();
            };
            let Some(send) = Sending::read(&send, &[]) else {
                return Vec::new();
            };
            if !section.has("actors") {
                section.lacks("actors");
            }
            let each = actors.iter().map(|name| (name.clone(), send.clone()));
            each.collect()
        }
    };
    if sends.len() < 2 {
        section.mistake(section.place, "a race is between two or more actors");
    }
    sends
}

pub(super) fn numbered(at: usize) -> String {
    format!("actor-{}", at + 1)
}

/// Names, or how many.
fn actors(section: &Section<'_>) -> Vec<String> {
    let Some(node) = section.get("actors") else {
        return Vec::new();
    };
    if let Some(count) = whole(node).filter(|count| (2..=1000).contains(count)) {
        return (0..count as usize).map(numbered).collect();
    }
    let Tree::List(nodes) = &node.tree else {
        section.wrong("actors", node, "a list of names, or 2 to 1000");
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for node in nodes {
        match node.as_text() {
            Some(name) if names.iter().any(|it| it == name) => {
                section.mistake(node.place, format!("{name} is there twice"));
            }
            Some(name) => names.push(name.to_owned()),
            None => section.wrong("actors", node, "a list of names, or 2 to 1000"),
        }
    }
    names
}
