use bytes::Bytes;
use serde_json::Value;

use crate::client::Actor;
use crate::lab::{Condition, Halt, Lab, Nonce, Reading, Shape, members};
use crate::model::Request;
use url::Url;

/// Lines of a body that is large enough to be written in several steps.
const LINES: usize = 4096;

/// Where a body can carry its nonce more than once, so that a mixture of two can be told.
pub(super) enum Wide {
    /// JSON Pointers of members that take any text; two or more.
    Members(Vec<String>),
    Lines,
}

impl Wide {
    /// Learns with one client which members keep what is written; `None` if there are not two.
    pub(super) async fn learn(lab: &Lab, actor: &Actor) -> Result<Option<Self>, Halt> {
        let form = &lab.habits().form;
        let (template, at, seen_at) = match &form.shape {
            Shape::Opaque => return Ok(Some(Self::Lines)),
            Shape::Xml { .. } => return Ok(None),
            Shape::Json {
                template,
                at,
                seen_at,
                ..
            } => (template, at, seen_at),
        };
        if at != seen_at {
            return Ok(None);
        }
        // One after the other: a single one that may not be written would spoil all.
        let mut kept = vec![at.clone()];
        for (pointer, kind) in members(template, lab.subject()) {
            // The order of an array may be the server's: it may hold a set.
            let is_item = pointer
                .rsplit('/')
                .next()
                .is_some_and(|last| last.parse::<usize>().is_ok());
            if kept.contains(&pointer) || kept.len() == 4 || is_item {
                continue;
            }
            let nonce = lab.nonce();
            let base = lab.read().await?;
            let condition = lab.from(&base).and(Condition {
                members: vec![(pointer.clone(), kind.value(&nonce))],
                ..Condition::none()
            });
            let attempt = lab.attempt(actor, &condition).await?;
            if attempt.is_applied()
                && lab
                    .read_until(&attempt.nonce)
                    .await?
                    .member(&pointer)
                    .is_some_and(|value| nonce.is(&value))
                && matches!(kind, crate::lab::Kind::Text)
            {
                kept.push(pointer);
            }
        }
        let takes_text =
            matches!(&form.shape, Shape::Json { kind, .. } if *kind == crate::lab::Kind::Text);
        Ok((kept.len() > 1 && takes_text).then_some(Self::Members(kept)))
    }

    pub(super) fn request(
        &self,
        lab: &Lab,
        place: &Url,
        nonce: &Nonce,
        condition: &Condition,
    ) -> Request {
        let form = &lab.habits().form;
        let body: Bytes = match self {
            Self::Members(pointers) => form.with_members(
                pointers
                    .iter()
                    .map(|pointer| (pointer.clone(), nonce.as_text()))
                    .chain(condition.members.iter().cloned()),
            ),
            Self::Lines => format!("{}\n", nonce.text()).repeat(LINES).into(),
        };
        form.carrying(place, body, condition)
    }

    /// What a representation says in each of its places.
    fn marks(&self, reading: &Reading) -> Vec<Value> {
        match self {
            Self::Members(pointers) => pointers
                .iter()
                .map(|pointer| reading.member(pointer).unwrap_or(Value::Null))
                .collect(),
            Self::Lines => String::from_utf8_lossy(reading.body())
                .lines()
                .map(Value::from)
                .collect(),
        }
    }

    /// The one thing that it says in all its places; `None` if it is a mixture, or cut.
    pub(super) fn mark(&self, reading: &Reading) -> Option<Value> {
        let marks = self.marks(reading);
        let (first, rest) = marks.split_first()?;
        let is_whole = match self {
            Self::Members(_) => true,
            Self::Lines => marks.len() == LINES,
        };
        (is_whole && rest.iter().all(|mark| mark == first)).then(|| first.clone())
    }

    /// Whether a representation holds parts of several of these writes, or a part of one.
    pub(super) fn is_torn(&self, reading: &Reading, written: &[Nonce]) -> bool {
        let marks = self.marks(reading);
        let is_ours = |mark: &Value| written.iter().any(|nonce| nonce.is(mark));
        let ours: Vec<_> = marks.iter().filter(|mark| is_ours(mark)).collect();
        let is_cut = matches!(self, Self::Lines) && marks.len() != LINES;
        ours.windows(2).any(|pair| pair[0] != pair[1])
            || (is_cut && !ours.is_empty() && ours.len() == marks.len())
    }
}
