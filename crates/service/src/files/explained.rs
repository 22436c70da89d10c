use std::sync::Arc;

use detente_core::Stored;
use detente_core::json::Pointer;

use super::entry::{CONTENT, without_content};
use crate::explanation::{Divergence, Explanation, Way};

impl Explanation {
    /// In terms of files, if it is about one: contents are not repeated in it, and what the versions say of
    /// them is not joined member by member.
    pub(crate) fn of_files(mut self) -> Self {
        if !self.key.as_ref().is_some_and(|key| key.is_of_files()) {
            return self;
        }
        self.ways.retain(|way| !matches!(way, Way::Merge { .. }));
        self.what = self.what.with_divergence(Divergence::of_files);
        self
    }
}

impl Divergence {
    fn of_files(mut self) -> Self {
        let is_content = |path: &Pointer| path.to_string() == format!("/{CONTENT}");
        self.base = self.base.map(bare);
        self.current = self.current.map(bare);
        self.clashes.retain(|it| !is_content(&it.path));
        self.fields.retain(|it| it != CONTENT);
        for change in &mut self.since {
            if let Some(fields) = &mut change.fields {
                fields.retain(|it| it != CONTENT);
            }
        }
        self.agreements.retain(|it| !is_content(it));
        self.is_mergeable = false;
        self.merged = None;
        self
    }
}

fn bare(stored: Arc<Stored>) -> Arc<Stored> {
    if stored.body.is_empty() {
        return stored;
    }
    Arc::new(Stored {
        body: without_content(&stored.body),
        ..(*stored).clone()
    })
}
