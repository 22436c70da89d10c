use super::expectation::{Answer, Expect};
use super::mistake::Position;
use super::section::{Section, whole};
use super::step::{Sending, wins};
use super::tree::Tree;

/// Requests that are released together.
#[derive(Clone, Debug)]
pub(super) struct Race {
    pub(super) position: Position,
    pub(super) name: Option<String>,
    pub(super) sends: Vec<(String, Sending)>,
    pub(super) wins: Option<Answer>,
    pub(super) expect: Option<Expect>,
}

impl Race {
    /// `race:` of a mapping, with the `expect:` and the `name:` beside it.
    pub(super) fn read(beside: &Section<'_>) -> Option<Self> {
        let section = beside.section("race")?;
        let race = Self {
            position: section.position,
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
    let named = actors(section);
    // Told already; what they send is read all the same.
    let actors = named
        .clone()
        .unwrap_or_else(|| (0..2).map(numbered).collect());
    let Some(node) = section.get("send") else {
        section.lacks("send");
        return Vec::new();
    };
    match &node.tree {
        Tree::List(nodes) => {
            let each = nodes.iter().enumerate().filter_map(|(at, node)| {
                let send = Section::new(section.source, "send", node)?;
                let send = Sending::read(&send, &[]);
                let own = send.actor.as_ref().map(|(name, _)| name.clone());
                let name = own.or_else(|| actors.get(at).cloned());
                Some((name.unwrap_or_else(|| numbered(at)), send))
            });
            if nodes.len() < 2 {
                section.mistake(section.position, TOO_FEW);
            }
            each.collect()
        }
        _ => {
            let Some(send) = Section::new(section.source, "send", node) else {
                return Vec::new();
            };
            let send = Sending::read(&send, &[]);
            match &named {
                None if !section.has("actors") => section.lacks("actors"),
                Some(names) if names.len() < 2 => section.mistake(section.position, TOO_FEW),
                _ => {}
            }
            let each = actors.iter().map(|name| (name.clone(), send.clone()));
            each.collect()
        }
    }
}

const TOO_FEW: &str = "a race needs at least two actors";

pub(super) fn numbered(at: usize) -> String {
    format!("actor-{}", at + 1)
}

/// Names, or how many; `None` if there are none, or none that can be read.
fn actors(section: &Section<'_>) -> Option<Vec<String>> {
    let node = section.get("actors")?;
    if let Some(count) = whole(node).filter(|count| (2..=1000).contains(count)) {
        return Some((0..count as usize).map(numbered).collect());
    }
    let Tree::List(nodes) = &node.tree else {
        section.wrong("actors", node, "a list of names, or 2 to 1000");
        return None;
    };
    let mut names: Vec<String> = Vec::new();
    let mut is_whole = true;
    for node in nodes {
        is_whole &= node.as_text().is_some();
        match node.as_text() {
            Some(name) if names.iter().any(|it| it == name) => {
                section.mistake(node.position, format!("{name} is listed twice"));
                is_whole = false;
            }
            Some(name) => names.push(name.to_owned()),
            None => section.wrong("actors", node, "a list of names, or 2 to 1000"),
        }
    }
    is_whole.then_some(names)
}
