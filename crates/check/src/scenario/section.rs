use std::cell::RefCell;
use std::time::Duration;

use super::mistake::{Position, Source, suggestion};
use super::tree::{Node, Tree};

/// Members that set variables, or in which much else stands: a typing error in such a name is one mistake, and what
/// is in it is read as it was meant. No other member's name is near to one of them.
const READ_THOUGH_MISSPELT: [&str; 9] = [
    "base", "vars", "actors", "login", "setup", "steps", "race", "send", "capture",
];

/// One mapping of the file. What is asked for is known; what nobody asked for is a mistake.
pub(super) struct Section<'a> {
    pub(super) source: &'a Source<'a>,
    /// As it is told in messages: `race`, `expect of the race`.
    pub(super) name: String,
    pub(super) position: Position,
    members: &'a [(Node, Node)],
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// `None`, and a mistake, if `node` is no mapping.
    pub(super) fn new(
        source: &'a Source<'a>,
        name: impl Into<String>,
        node: &'a Node,
    ) -> Option<Self> {
        let name = name.into();
        let Tree::Map(members) = &node.tree else {
            let message = format!("{name} must be a mapping, not {}", node.kind());
            source.mistake(node.position, message);
            return None;
        };
        tell_repeated(source, members);
        Some(Self {
            source,
            name,
            position: node.position,
            members,
            known: RefCell::default(),
        })
    }

    pub(super) fn mistake(&self, position: Position, message: impl Into<String>) {
        self.source.mistake(position, message);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    fn find(&self, key: &str) -> Option<&'a (Node, Node)> {
        let mut members = self.members.iter();
        let found = members.find(|(name, _)| name.as_text() == Some(key));
        found.or_else(|| self.misspelt(key))
    }

    /// The member that is `key` misspelt, where much would be told wrongly if it were not read.
    fn misspelt(&self, key: &str) -> Option<&'a (Node, Node)> {
        let is_near = |(name, _): &&(Node, Node)| {
            let hint = suggestion(&name.to_name(), READ_THOUGH_MISSPELT);
            !hint.is_empty() && hint == suggestion(&name.to_name(), [key])
        };
        match READ_THOUGH_MISSPELT.contains(&key) {
            true => self.members.iter().find(is_near),
            false => None,
        }
    }

    pub(super) fn get(&self, key: &'static str) -> Option<&'a Node> {
        self.known.borrow_mut().push(key);
        Some(&self.find(key)?.1)
    }

    /// Where a member's name stands.
    pub(super) fn position_of(&self, key: &str) -> Position {
        self.find(key)
            .map_or(self.position, |(name, _)| name.position)
    }

    pub(super) fn wrong(&self, key: &str, node: &Node, wanted: &str) {
        let message = format!("{key} must be {wanted}, not {}", node.kind());
        self.mistake(node.position, message);
    }

    /// A mistake, unless something there looks like `key` misspelt: that is told anyway.
    pub(super) fn lacks(&self, key: &str) {
        let is_near = |(name, _): &(Node, Node)| !suggestion(&name.to_name(), [key]).is_empty();
        if self.members.iter().any(is_near) {
            return;
        }
        self.mistake(self.position, format!("{} needs {key}", self.name));
    }

    pub(super) fn text(&self, key: &'static str) -> Option<(&'a str, Position)> {
        let node = self.get(key)?;
        let text = node.as_text();
        if text.is_none() {
            self.wrong(key, node, "a string");
        }
        text.map(|text| (text, node.position))
    }

    /// A whole number of at least `least`.
    pub(super) fn number(&self, key: &'static str, least: u32) -> Option<u32> {
        let node = self.get(key)?;
        let number = whole(node).filter(|number| *number >= least);
        if number.is_none() {
            self.wrong(key, node, &format!("a whole number of at least {least}"));
        }
        number
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let (found, position) = self.text(key)?;
        let word = words.iter().find(|(word, _)| *word == found);
        if word.is_none() {
            let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let hint = suggestion(found, names.iter().copied());
            let message = format!("{key} must be {}, not {found:?}{hint}", names.join(" or "));
            self.mistake(position, message);
        }
        word.map(|(_, value)| *value)
    }

    /// A time such as `200ms`, `2s` or `1m`.
    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        let node = self.get(key)?;
        let found = node.as_text().and_then(duration);
        if found.is_none() {
            self.wrong(key, node, "a time such as 200ms, 2s or 1m");
        }
        found
    }

    pub(super) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        Section::new(self.source, key, self.get(key)?)
    }

    /// The elements of a list.
    pub(super) fn list(&self, key: &'static str) -> &'a [Node] {
        let Some(node) = self.get(key) else {
            return &[];
        };
        match &node.tree {
            Tree::List(items) => items,
            _ => {
                self.wrong(key, node, "a list");
                &[]
            }
        }
    }

    /// The members, for a section whose names are data.
    pub(super) fn members(&self) -> impl Iterator<Item = (String, Position, &'a Node)> + use<'a> {
        let members = self.members.iter();
        members.map(|(name, value)| (name.to_name(), name.position, value))
    }

    /// Tells what is there but was never asked for.
    pub(super) fn finish(&self) {
        let known = self.known.borrow();
        for (name, _) in self.members {
            let found = name.to_name();
            if !known.contains(&found.as_str()) {
                let hint = suggestion(&found, known.iter().copied());
                let message = format!("{} has no member {found}{hint}", self.name);
                self.mistake(name.position, message);
            }
        }
    }
}

pub(super) fn whole(node: &Node) -> Option<u32> {
    match &node.tree {
        Tree::Number(number) => number.as_u64().and_then(|it| u32::try_from(it).ok()),
        _ => None,
    }
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

pub(super) fn tell_repeated(source: &Source<'_>, members: &[(Node, Node)]) {
    for (at, (name, _)) in members.iter().enumerate() {
        if matches!(name.tree, Tree::Map(_) | Tree::List(_)) {
            let message = "a name must be a string; a {{variable}} needs quotes around it in YAML";
            source.mistake(name.position, message);
        }
        let found = name.to_name();
        if members[..at]
            .iter()
            .any(|(before, _)| before.to_name() == found)
        {
            source.mistake(name.position, format!("{found} is given twice"));
        }
    }
}
