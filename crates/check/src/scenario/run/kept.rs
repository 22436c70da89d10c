//! Nobody overwrites what they have not seen.

use std::collections::BTreeSet;

use super::super::edit::{carries, change};
use super::super::fill::json_of;
use super::*;

/// The accepted writes of a round, and who has seen which.
#[derive(Debug, Default)]
pub(super) struct Kept {
    resources: BTreeMap<Url, Resource>,
}

#[derive(Debug)]
struct Resource {
    now: Reading,
    writes: Vec<Written>,
}

#[derive(Debug)]
struct Written {
    by: String,
    /// What it changed, as a merge patch; the whole content where that is not JSON.
    change: Option<Value>,
    result: Reading,
    seen_by: BTreeSet<String>,
}

impl<'a> Runner<'a> {
    /// Whether lost updates are looked for now.
    pub(super) fn watches(&self) -> bool {
        let expect = self.scenario.expect.as_ref();
        self.phase == Phase::Steps && expect.is_some_and(|expect| expect.no_lost_updates)
    }

    /// Reads what is there before the first write to it.
    pub(super) async fn watch(&mut self, url: &Url, actor: Option<&str>) -> Result<(), Halt> {
        if !self.kept.resources.contains_key(url) {
            let (now, _) = self.read(url, actor).await?;
            let writes = Vec::new();
            self.kept
                .resources
                .insert(url.clone(), Resource { now, writes });
        }
        Ok(())
    }

    /// After a request: who saw what, and what it destroyed.
    pub(super) async fn watched(&mut self, it: &Contestant<'a>) -> Result<Option<Failure>, Halt> {
        let url = &it.request.url;
        if it.effect != Effect::Accepted || !self.kept.resources.contains_key(url) {
            return Ok(None);
        }
        if !it.send.is_write() {
            self.kept.see(url, it.name());
            return Ok(None);
        }
        // A POST mostly makes something else, and what it answers for is not this URL.
        if it.request.method == http::Method::POST {
            return Ok(None);
        }
        let (now, exchange) = self.read(url, it.actor).await?;
        let lost = self.kept.write(it, now);
        Ok(lost.map(|(by, what)| {
            self.note("what is stored afterwards", &exchange);
            let name = it.name();
            Failure::critical(format!(
                "{name}'s {} was accepted, although {name} had not seen what {by} had saved: {what} is lost",
                it.send.title()
            ))
        }))
    }
}

impl Kept {
    fn see(&mut self, url: &Url, by: &str) {
        let resource = self.resources.get_mut(url);
        for write in resource.into_iter().flat_map(|it| &mut it.writes) {
            write.seen_by.insert(by.to_owned());
        }
    }

    /// An accepted write, and what is there now. Gives whose write it destroyed unseen, and what of it.
    fn write(&mut self, it: &Contestant<'_>, now: Reading) -> Option<(String, String)> {
        let resource = self.resources.get_mut(&it.request.url)?;
        let name = it.name();
        let unseen = resource
            .writes
            .iter()
            .filter(|write| !write.seen_by.contains(name));
        let lost = unseen.filter(|write| write.is_lost(&now)).last();
        let lost = lost.map(|write| (write.by.clone(), write.told()));
        let written = Written::new(it, &resource.now, &now);
        // Who overwrites something knowingly, or is told of it now, answers for it once.
        resource.writes.retain(|write| !write.is_lost(&now));
        for write in &mut resource.writes {
            write.seen_by.insert(name.to_owned());
        }
        resource.writes.push(written);
        resource.now = now;
        lost
    }
}

impl Written {
    fn new(it: &Contestant<'_>, before: &Reading, now: &Reading) -> Self {
        let sent = json_of(&it.request);
        let change = match (&before.json, &now.json, sent) {
            // What the server adds by itself, such as a version, is nobody's edit.
            (Some(before), Some(now), Some(sent)) => Some(only(&change(before, now), &sent)),
            (None, Some(_), Some(sent)) => Some(sent),
            _ => None,
        };
        Self {
            by: it.name().to_owned(),
            change,
            result: now.clone(),
            seen_by: BTreeSet::from([it.name().to_owned()]),
        }
    }

    fn is_lost(&self, now: &Reading) -> bool {
        match (&self.change, &now.json) {
            (Some(change), Some(now)) => !carries(now, change),
            _ => self.result.differs_from(now, &[]),
        }
    }

    fn told(&self) -> String {
        match &self.change {
            Some(change) => super::super::value::short(change),
            None => "it".to_owned(),
        }
    }
}

/// The members of a merge patch that were sent too.
fn only(patch: &Value, sent: &Value) -> Value {
    let (Value::Object(patch), Value::Object(sent)) = (patch, sent) else {
        return patch.clone();
    };
    let kept = patch
        .iter()
        .filter(|(name, value)| value.is_null() || sent.contains_key(*name));
    let kept = kept.map(|(name, value)| match sent.get(name) {
        Some(sent) => (name.clone(), only(value, sent)),
        None => (name.clone(), value.clone()),
    });
    Value::Object(kept.collect())
}
