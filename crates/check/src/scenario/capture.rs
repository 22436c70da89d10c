use detente_core::json::Pointer;
use http::HeaderName;
use regex::Regex;
use serde_json::Value;

use super::matcher::pattern;
use super::mistake::{Source, suggestion};
use super::section::Section;
use super::step::{VARIABLE, is_variable};
use super::template::plain;
use super::tree::{Node, Tree};
use crate::model::Response;

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

pub(super) fn captures(section: &Section<'_>) -> Vec<Capture> {
    let Some(section) = section.section("capture") else {
        return Vec::new();
    };
    let mut captures = Vec::new();
    for (name, position, node) in section.members() {
        if !is_variable(&name) {
            section.mistake(
                position,
                format!("{name:?} cannot be a variable: {VARIABLE}"),
            );
        }
        captures.extend(Capture::read(section.source, name, node));
    }
    captures
}

impl Capture {
    /// `header ETag`, `body /stock`, `body`, `text`, `status`; with a pattern as a mapping.
    fn read(source: &Source<'_>, name: String, node: &Node) -> Option<Self> {
        let Tree::Map(_) = node.tree else {
            let from = Origin::parse(node.as_text().unwrap_or_default());
            if let Err(message) = &from {
                source.mistake(node.position, message.clone());
            }
            // It is told already; what is captured is known all the same.
            return Some(Self {
                name,
                from: from.unwrap_or(Origin::Text),
                matches: None,
            });
        };
        let section = Section::new(source, format!("capture of {name}"), node)?;
        let from = section.text("from");
        if from.is_none() && !section.has("from") {
            section.lacks("from");
        }
        let from = from.and_then(|(text, position)| {
            let from = Origin::parse(text);
            from.map_err(|message| section.mistake(position, message))
                .ok()
        });
        let matches = section.text("matches");
        let matches = matches.and_then(|(text, position)| pattern(source, text, position));
        section.finish();
        Some(Self {
            name,
            from: from.unwrap_or(Origin::Text),
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
                    "a capture must be `header NAME`, `body /pointer`, `body`, `text` or `status`, not {text:?}{hint}"
                ))
            }
        }
    }
}

impl Capture {
    /// What it takes from an answer; why it cannot, if there is nothing to take.
    pub(super) fn take(&self, response: &Response) -> Result<Value, String> {
        let found = self
            .from
            .take(response)
            .ok_or_else(|| self.from.absence())?;
        let Some(pattern) = &self.matches else {
            return Ok(found);
        };
        let text = plain(found);
        let groups = pattern.captures(&text);
        let groups = groups.ok_or_else(|| format!("{text:?} does not match /{pattern}/"))?;
        let part = groups.get(1).or_else(|| groups.get(0));
        Ok(part.map_or("", |part| part.as_str()).into())
    }
}

impl Origin {
    fn take(&self, response: &Response) -> Option<Value> {
        match self {
            Self::Status => Some(response.status.as_u16().into()),
            Self::Header(name) => response.header(name.as_str()).map(Value::from),
            Self::Body(pointer) => response.json()?.pointer(&pointer.to_string()).cloned(),
            Self::Text => Some(String::from_utf8_lossy(&response.body).into()),
        }
    }

    fn absence(&self) -> String {
        match self {
            Self::Status | Self::Text => "there is no answer".to_owned(),
            Self::Header(name) => format!("the answer has no header {name}"),
            Self::Body(pointer) => {
                format!(
                    "the body of the answer has no {pointer:?}",
                    pointer = pointer.to_string()
                )
            }
        }
    }
}
