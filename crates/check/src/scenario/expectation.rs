use std::time::Duration;

use detente_core::json::Pointer;
use http::{HeaderName, StatusCode};

use super::count::Count;
use super::matcher::Matcher;
use super::mistake::{Source, suggestion};
use super::section::Section;
use super::template::Template;
use super::tree::{Node, Tree};

/// What a step, a race or a whole round is to come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Expect {
    /// Of every answer.
    pub(super) answer: Answer,
    pub(super) winners: Option<Party>,
    pub(super) losers: Option<Party>,
    pub(super) states: Vec<State>,
    pub(super) sum: Option<Sum>,
    /// How many requests were made again, all together.
    pub(super) retries: Option<Count>,
    /// That no accepted write is overwritten by somebody who had not seen it.
    pub(super) no_lost_updates: bool,
}

/// What one answer is to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// Any of them; all are fine if there are none.
    pub(super) statuses: Vec<Statuses>,
    pub(super) headers: Vec<(HeaderName, Matcher)>,
    pub(super) body: Option<Body>,
    pub(super) text: Option<Matcher>,
    pub(super) within: Option<Duration>,
}

/// `409`, or all of `2xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statuses {
    One(u16),
    Class(u16),
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    Empty,
    /// Says what went wrong, and has something to go on with.
    Conflict,
    /// Problem details (RFC 9457).
    Problem,
    Members(Vec<(Pointer, Matcher)>),
}

/// Those who were accepted, or those who were not.
#[derive(Clone, Debug, Default)]
pub(super) struct Party {
    pub(super) count: Option<Count>,
    pub(super) answer: Answer,
}

/// What a resource is to be afterwards, by reading it again.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// `None`: the one that the requests wrote to.
    pub(super) of: Option<Template>,
    pub(super) is: Standing,
    /// Members that are not compared: the server sets them by itself.
    pub(super) except: Vec<Pointer>,
}

#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// What the winner sent; as before, if there was none.
    Winner,
    /// As it was before.
    Unchanged,
    Answer(Answer),
}

/// The sum of one member of several resources.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    pub(super) of: Pointer,
    pub(super) over: Vec<Template>,
    /// `None`: what it was before.
    pub(super) is: Option<Matcher>,
}

impl Expect {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let party = |key| Some(Party::read(section.source, key, section.get(key)?));
        let expect = Self {
            winners: party("winners"),
            losers: party("losers"),
            states: states(section),
            sum: section.section("sum").and_then(|it| Sum::read(&it)),
            retries: section
                .get("retries")
                .and_then(|node| Count::read(section.source, "retries", node)),
            no_lost_updates: no_lost_updates(section),
            answer: Answer::read(section),
        };
        section.finish();
        expect
    }
}

fn no_lost_updates(section: &Section<'_>) -> bool {
    let Some(node) = section.get("lost_updates") else {
        return false;
    };
    let is_none = matches!(&node.tree, Tree::Number(number) if number.as_u64() == Some(0));
    if !is_none {
        section.wrong("lost_updates", node, "0");
    }
    is_none
}

fn states(section: &Section<'_>) -> Vec<State> {
    let Some(node) = section.get("state") else {
        return Vec::new();
    };
    let nodes = match &node.tree {
        Tree::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let states = nodes.iter().map(|node| State::read(section.source, node));
    states.flatten().collect()
}

impl State {
    fn read(source: &Source<'_>, node: &Node) -> Option<Self> {
        if node.as_text().is_some() {
            let is = Standing::read(source, node)?;
            return Some(Self {
                of: None,
                is,
                except: Vec::new(),
            });
        }
        let section = Section::new(source, "state", node)?;
        let of = section.text("of");
        let of = of.map(|(text, position)| Template::read(source, text, position));
        let is = match section.get("is") {
            Some(node) => Standing::read(source, node)?,
            None => {
                let answer = Answer {
                    body: members(source, &section, &["of", "is", "status", "headers", "text"]),
                    ..Answer::read_head(&section)
                };
                return Some(Self {
                    of,
                    is: Standing::Answer(answer),
                    except: Vec::new(),
                });
            }
        };
        let except = except(&section);
        section.finish();
        Some(Self { of, is, except })
    }
}

/// JSON Pointers, beside `is`.
fn except(section: &Section<'_>) -> Vec<Pointer> {
    let mut pointers = Vec::new();
    for node in section.list("except") {
        match node.as_text().map(str::parse) {
            Some(Ok(pointer)) => pointers.push(pointer),
            Some(Err(error)) => section.mistake(node.position, format!("except: {error}")),
            None => section.wrong("except", node, "a list of JSON Pointers"),
        }
    }
    pointers
}

impl Standing {
    fn read(source: &Source<'_>, node: &Node) -> Option<Self> {
        match node.as_text() {
            Some("winner") => Some(Self::Winner),
            Some("unchanged") => Some(Self::Unchanged),
            found => {
                let hint = suggestion(found.unwrap_or_default(), ["winner", "unchanged"]);
                let message =
                    format!("state must be winner, unchanged or {{/member: value}}{hint}");
                source.mistake(node.position, message);
                None
            }
        }
    }
}

impl Sum {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let source = section.source;
        if !section.has("of") {
            section.lacks("of");
        }
        if !section.has("over") {
            section.lacks("over");
        }
        let of = section.text("of").and_then(|(text, position)| {
            let pointer = text.parse();
            pointer
                .map_err(|error| source.mistake(position, format!("of: {error}")))
                .ok()
        });
        let mut over = Vec::new();
        for node in section.list("over") {
            match node.as_text() {
                Some(text) => over.push(Template::read(source, text, node.position)),
                None => section.wrong("over", node, "a list of URLs"),
            }
        }
        let is = section.get("is");
        let is = is.map(|node| Matcher::read(source, "is", node));
        section.finish();
        Some(Self { of: of?, over, is })
    }
}

impl Party {
    /// How many, or what their answers are to be, or both.
    fn read(source: &Source<'_>, name: &str, node: &Node) -> Self {
        let Tree::Map(_) = node.tree else {
            return Self {
                count: Count::read(source, name, node),
                answer: Answer::default(),
            };
        };
        let Some(section) = Section::new(source, name, node) else {
            return Self::default();
        };
        let party = Self {
            count: Count::read_bounds(&section),
            answer: Answer::read(&section),
        };
        section.finish();
        party
    }
}

impl Answer {
    /// The members that tell of an answer, in a mapping that may have others.
    pub(super) fn read(section: &Section<'_>) -> Self {
        let body = section.get("body");
        Self {
            body: body.and_then(|node| Body::read(section.source, node)),
            within: section.duration("within"),
            ..Self::read_head(section)
        }
    }

    fn read_head(section: &Section<'_>) -> Self {
        let source = section.source;
        let text = section.get("text");
        Self {
            statuses: statuses(section),
            headers: headers(section),
            text: text.map(|node| Matcher::read(source, "text", node)),
            ..Self::default()
        }
    }

    pub(super) fn templates(&self) -> Vec<&Template> {
        let headers = self.headers.iter().map(|(_, matcher)| matcher);
        let members = match &self.body {
            Some(Body::Members(members)) => members.as_slice(),
            _ => &[],
        };
        let members = members.iter().map(|(_, matcher)| matcher);
        let all = headers.chain(members).chain(&self.text);
        all.flat_map(Matcher::templates).collect()
    }
}

fn statuses(section: &Section<'_>) -> Vec<Statuses> {
    let Some(node) = section.get("status") else {
        return Vec::new();
    };
    let nodes = match &node.tree {
        Tree::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut statuses = Vec::new();
    for node in nodes {
        match Statuses::read(node) {
            Some(status) => statuses.push(status),
            None => section.wrong("status", node, "100 to 599, 2xx, or a list of these"),
        }
    }
    statuses
}

fn headers(section: &Section<'_>) -> Vec<(HeaderName, Matcher)> {
    let Some(section) = section.section("headers") else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (name, position, node) in section.members() {
        let matcher = Matcher::read_field(section.source, &name, node);
        match name.parse() {
            Ok(name) => headers.push((name, matcher)),
            Err(_) => section.mistake(
                position,
                format!("{name:?} is not the name of a header field"),
            ),
        }
    }
    headers
}

impl Statuses {
    fn read(node: &Node) -> Option<Self> {
        match &node.tree {
            Tree::Number(number) => {
                let number = number.as_u64().and_then(|it| u16::try_from(it).ok())?;
                (100..600).contains(&number).then_some(Self::One(number))
            }
            Tree::Text(text) => {
                let class = text.strip_suffix("xx")?;
                let class = class.parse().ok().filter(|it| (1..=5).contains(it))?;
                (text.len() == 3).then_some(Self::Class(class))
            }
            _ => None,
        }
    }

    pub(super) fn admits(self, status: StatusCode) -> bool {
        match self {
            Self::One(number) => status.as_u16() == number,
            Self::Class(class) => status.as_u16() / 100 == class,
        }
    }
}

impl std::fmt::Display for Statuses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(number) => write!(f, "{number}"),
            Self::Class(class) => write!(f, "{class}xx"),
        }
    }
}

impl Body {
    fn read(source: &Source<'_>, node: &Node) -> Option<Self> {
        let words = [
            ("empty", Self::Empty),
            ("conflict", Self::Conflict),
            ("problem", Self::Problem),
        ];
        if let Some(text) = node.as_text() {
            let names = words.each_ref().map(|(name, _)| *name);
            let found = words.into_iter().find(|(name, _)| *name == text);
            if found.is_none() {
                let hint = suggestion(text, names);
                let message = format!(
                    "body must be conflict, problem, empty or {{/member: value}}, not {text:?}{hint}"
                );
                source.mistake(node.position, message);
            }
            return found.map(|(_, body)| body);
        }
        let section = Section::new(source, "body", node)?;
        members(source, &section, &[])
    }
}

/// The members of a mapping whose names are JSON Pointers; `None` if there are none.
fn members(source: &Source<'_>, section: &Section<'_>, others: &[&str]) -> Option<Body> {
    let mut members = Vec::new();
    for (name, position, node) in section.members() {
        if others.contains(&name.as_str()) {
            continue;
        }
        let matcher = Matcher::read(source, &name, node);
        match name.parse::<Pointer>() {
            Ok(pointer) => members.push((pointer, matcher)),
            Err(_) => {
                let hint = suggestion(&name, others.iter().copied());
                let hint = match hint.is_empty() {
                    true => format!("; did you mean /{name}?"),
                    false => hint,
                };
                let message = format!(
                    "{} must have JSON Pointers as names, not {name}{hint}",
                    section.name
                );
                section.mistake(position, message);
            }
        }
    }
    (!members.is_empty()).then_some(Body::Members(members))
}
