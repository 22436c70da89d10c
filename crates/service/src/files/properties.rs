use std::collections::BTreeMap;

use bytes::Bytes;
use detente_core::json::{Value, object};
use detente_core::{Key, ROOT, Stored};

use super::FileTerms;
use super::entry::facts_of;
use super::tree::ATTEMPTS;
use crate::explanation::{Explanation, What};
use crate::{Done, Edited, Outcome, Principal, Service};

/// What clients keep about a file, by names of their own; texts that mean nothing to this server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(pub BTreeMap<String, String>);

/// The member that has them.
pub(super) const PROPERTIES: &str = "properties";

/// How long the names and values of a file may be together, in bytes.
const MOST: usize = 64 * 1024;

impl Properties {
    /// Those of a version.
    pub fn of(stored: &Stored) -> Self {
        let facts = facts_of(stored);
        facts.as_ref().map(Self::read).unwrap_or_default()
    }

    pub(super) fn read(document: &Value) -> Self {
        let Some(Value::Object(members)) = document.get(PROPERTIES) else {
            return Self::default();
        };
        let texts = members.iter().filter_map(|(name, value)| {
            let text = value.as_str()?.to_owned();
            Some((name.to_string(), text))
        });
        Self(texts.collect())
    }

    fn size(&self) -> usize {
        self.0
            .iter()
            .map(|(name, text)| name.len() + text.len())
            .sum()
    }

    /// As a member of an entry; `None` if there are none.
    pub(super) fn member(&self) -> Option<Value> {
        if self.0.is_empty() {
            return None;
        }
        let members = self.0.iter();
        let members = members.map(|(name, text)| (name.as_str().into(), text.as_str().into()));
        Some(Value::Object(members.collect()))
    }

    /// A version with these instead of its own.
    fn put_into(&self, stored: &Stored) -> Option<Bytes> {
        let Some(Value::Object(members)) = stored.document() else {
            return None;
        };
        let others = members.into_iter().filter(|(name, _)| name != PROPERTIES);
        let mut members: detente_core::json::Object = others.collect();
        if let Some(own) = self.member() {
            members.extend(object([(PROPERTIES, own)]));
        }
        Some(Value::Object(members).to_text().into())
    }
}

impl Service {
    /// Sets properties of a file or a folder, or takes them away, all in one step.
    ///
    /// # Errors
    ///
    /// Why none was changed: [`What::TooManyProperties`] if they are too long together.
    pub async fn set_properties(
        &self,
        principal: &Principal,
        key: &Key,
        terms: &FileTerms,
        changes: &[(String, Option<String>)],
    ) -> Outcome<Done> {
        for _ in 0..ATTEMPTS {
            let mut seen = self.look(key).await?;
            self.admit(terms, &mut [&mut seen])?;
            let stored = match &seen.target.stored {
                Some(stored) => stored,
                None if key.id() == ROOT => {
                    self.make_root(principal, key.space()).await?;
                    continue;
                }
                None => return Err(Explanation::of(What::Missing, key)),
            };
            let mut properties = Properties::of(stored);
            for (name, text) in changes {
                match text {
                    Some(text) => properties.0.insert(name.clone(), text.clone()),
                    None => properties.0.remove(name),
                };
            }
            if properties.size() > MOST {
                return Err(Explanation::of(
                    What::TooManyProperties { limit: MOST },
                    key,
                ));
            }
            let text = properties.put_into(stored);
            let text = text.ok_or_else(|| What::failed("an entry is no object"))?;
            let pinned = self.pin(&seen, terms).await?;
            let conditions = pinned.conditions.clone();
            let ask = terms.ask(key, Edited::Document(text), conditions, "PROPPATCH");
            let changes = [(&seen, false)];
            let written = self.write_at(principal, &changes, vec![ask], terms, None);
            match written.await {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => {}
                Err(it) if pinned.is_behind(&it) => {}
                Err(explanation) => return Err(explanation.log(self).await),
            }
        }
        Err(What::Busy.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::entry;

    #[test]
    fn properties_are_read_as_they_are_written() {
        let texts = [("{a}b", "<b xmlns=\"a\"/>"), ("{}c", "\u{1F600}")];
        let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let properties = Properties(texts.into());
        let folder = entry::folder(&properties);
        let document = detente_core::json::parse(&folder).unwrap();
        assert_eq!(Properties::read(&document), properties);
        let bare = entry::folder(&Properties::default());
        assert_eq!(bare, r#"{"kind":"folder"}"#);
    }
}
