use std::sync::Arc;

use detente_core::Stored;

use super::entry::{CONTENT, without_content};
use crate::explanation::{Divergence, Explanation, Way, What};

impl Explanation {
    /// In terms of files, if it is about one: contents are not repeated in it, and what the versions say of
    /// them is not joined member by member.
    pub(crate) fn of_files(mut self) -> Self {
        if !self.key.as_ref().is_some_and(|key| key.is_of_files()) {
            return self;
        }
        self.ways.retain(|way| !matches!(way, Way::Merge { .. }));
        let bare = |divergence: Box<Divergence>| Box::new(divergence.of_files());
        self.what = match self.what {
            What::Stale(it, answer) => What::Stale(bare(it), answer),
            What::PreconditionFailed(it, field) => What::PreconditionFailed(bare(it), field),
            What::Unmergeable(it, answer) => What::Unmergeable(bare(it), answer),
            What::Deleted(it) => What::Deleted(bare(it)),
            What::BaseGone(it) => What::BaseGone(bare(it)),
            other => other,
        };
        self
    }
}

impl Divergence {
    fn of_files(mut self) -> Self {
        let is_content = |name: &String| name == CONTENT;
        self.base = self.base.map(bare);
        self.current = self.current.map(bare);
        self.clashes
            .retain(|it| it.path.to_string() != format!("/{CONTENT}"));
        self.fields.retain(|it| !is_content(it));
        for change in &mut self.since {
            if let Some(fields) = &mut change.fields {
                fields.retain(|it| !is_content(it));
            }
        }
        self.agreements
            .retain(|it| it.to_string() != format!("/{CONTENT}"));
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
