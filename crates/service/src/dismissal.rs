use std::sync::Arc;

use detente_core::{Moment, Once, Receipt};
use detente_store::{
    Conflicts, OutcomeFilter, PageLimit, SettleConflict, SettledAs, Transacted, Transaction,
};

use crate::explanation::What;
use crate::service::not_written;
use crate::{Action, OnceKey, Outcome, Place, Principal, Service};

/// How many conflicts are read at a time: each comes with its edit.
const PAGE: usize = 100;

/// How often the conflicts are looked up anew because somebody settled one of them meanwhile.
const PATIENCE: usize = 8;

/// Who dismisses what nobody settled in its time.
const RETENTION: &str = "retention";

/// How many conflicts a dismissal of all that match may take in one step.
const STEP: usize = 1000;

/// Why somebody dismisses conflicts, in their own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(Arc<str>);

impl Reason {
    /// The longest, in characters.
    pub const MAX: usize = 1000;

    /// `None` if it is empty, too long, or has a control character that is neither a line's end nor a tab.
    pub fn new(text: &str) -> Option<Self> {
        let is_wrong = |it: char| it.is_control() && !matches!(it, '\n' | '\t');
        let is_short = (1..=Self::MAX).contains(&text.chars().count());
        (is_short && !text.contains(is_wrong)).then(|| Self(text.into()))
    }

    /// The reason, as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_text(self) -> Arc<str> {
        self.0
    }
}

/// What a dismissal by filter left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dismissed {
    pub count: usize,
    /// Whether there are open ones that match and were not dismissed.
    pub has_more: bool,
    pub is_replayed: bool,
}

impl Service {
    /// Dismisses the open conflicts that match, the newest first, as many as the limit says, all in
    /// one step. `sent` is by what `once` recognizes the request, but for the reason.
    ///
    /// # Errors
    ///
    /// Those of the store, and what a principal may not do. Nothing was dismissed.
    pub async fn dismiss_all(
        &self,
        principal: &Principal,
        wanted: Conflicts,
        reason: Option<Reason>,
        once: Option<OnceKey<'_>>,
        sent: &str,
    ) -> Outcome<Dismissed> {
        let space = wanted.space.as_deref().unwrap_or_default();
        principal.must(Action::Resolve, Place::Space(space))?;
        let sent = match &reason {
            Some(reason) => format!("{sent}\n{}", reason.as_str()),
            None => sent.to_owned(),
        };
        let once = once.map(|key| key.once(&principal.name, sent.as_bytes()));
        // Held until there is an answer.
        let _turn = self.enter(once.as_ref())?;
        self.dismiss_open(Some(principal), &wanted, reason, once)
            .await
    }

    /// Dismisses what is still open of the conflicts before a time, in all spaces; how many.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn dismiss_before(&self, until: Moment) -> Outcome<usize> {
        let wanted = Conflicts {
            until: Some(until),
            limit: PageLimit::rows(STEP),
            ..Conflicts::default()
        };
        let mut count = 0;
        loop {
            let dismissed = self.dismiss_open(None, &wanted, None, None).await?;
            count += dismissed.count;
            if !dismissed.has_more {
                return Ok(count);
            }
        }
    }

    /// By a principal, or `None`: because their time has passed.
    async fn dismiss_open(
        &self,
        principal: Option<&Principal>,
        wanted: &Conflicts,
        reason: Option<Reason>,
        once: Option<Once>,
    ) -> Outcome<Dismissed> {
        let by = &principal.map_or_else(|| RETENTION.into(), |it| Arc::clone(&it.name));
        let reason = reason.map(Reason::into_text);
        for _ in 0..PATIENCE {
            let (open, has_more) = self.open(principal, wanted).await?;
            let count = open.len();
            if count == 0 && once.is_none() {
                return Ok(Dismissed::default());
            }
            let dismissal = |(space, id)| SettleConflict {
                space,
                id,
                by: Arc::clone(by),
                outcome: SettledAs::Dismissed,
                reason: reason.clone(),
            };
            let transaction = Transaction {
                once,
                settles: open.into_iter().map(dismissal).collect(),
                ..Transaction::default()
            };
            let transacted = self.writer.transact(transaction).await;
            match transacted.map_err(not_written)? {
                Transacted::Applied(_) => {
                    return Ok(Dismissed {
                        count,
                        has_more,
                        is_replayed: false,
                    });
                }
                Transacted::Replayed(receipt) => {
                    return self.dismissed_at(principal, by, wanted, &receipt).await;
                }
                Transacted::KeyReused => return Err(What::KeyReused.into()),
                // Somebody settled one of them meanwhile, so others are open now.
                Transacted::NotOpen(_) => {}
                _ => return Err(What::failed("a dismissal came to something else").into()),
            }
        }
        Err(What::Busy.into())
    }

    /// The open conflicts of one space that match, as space and id, up to the limit; and whether there
    /// are more, there or in other spaces.
    async fn open(
        &self,
        principal: Option<&Principal>,
        wanted: &Conflicts,
    ) -> Outcome<(Vec<(Arc<str>, String)>, bool)> {
        self.flush().await?;
        let mut page = Conflicts {
            outcome: Some(OutcomeFilter::Open),
            ..wanted.clone()
        };
        let limit = wanted.limit.rows;
        let mut open: Vec<(Arc<str>, String)> = Vec::new();
        let mut are_elsewhere = false;
        loop {
            // One more than are wanted tells whether there are more.
            page.limit = PageLimit::rows((limit + 1 - open.len()).min(PAGE));
            let mut found = self.reading.conflicts(&page).await?;
            if let Some(principal) = principal {
                self.keep_visible(principal, &mut found.items).await?;
                found
                    .items
                    .retain(|it| principal.may(Action::Resolve, &it.key));
            }
            for conflict in found.items {
                let space = conflict.key.space();
                let known = open.first().map(|(known, _)| Arc::clone(known));
                match known {
                    Some(known) if *known != *space => are_elsewhere = true,
                    known => open.push((known.unwrap_or_else(|| space.into()), conflict.id)),
                }
            }
            match found.next {
                Some(next) if open.len() <= limit => page.before = Some(next),
                _ => break,
            }
        }
        let has_more = are_elsewhere || open.len() > limit;
        open.truncate(limit);
        Ok((open, has_more))
    }

    /// What was dismissed under a receipt: all that was settled in the same moment by the same.
    async fn dismissed_at(
        &self,
        principal: Option<&Principal>,
        by: &Arc<str>,
        wanted: &Conflicts,
        receipt: &Receipt,
    ) -> Outcome<Dismissed> {
        self.metrics.replayed();
        let mut page = Conflicts {
            outcome: Some(OutcomeFilter::Dismissed),
            limit: PageLimit::rows(PAGE),
            ..wanted.clone()
        };
        let mut count = 0;
        loop {
            let found = self.reading.conflicts(&page).await?;
            let settled = found.items.iter().filter_map(|it| it.settlement.as_ref());
            count += settled
                .filter(|it| it.at == receipt.at && it.by == *by)
                .count();
            match found.next {
                Some(next) => page.before = Some(next),
                None => break,
            }
        }
        let (open, _) = self.open(principal, wanted).await?;
        Ok(Dismissed {
            count,
            has_more: !open.is_empty(),
            is_replayed: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_text_of_bounded_length_without_control_characters() {
        let longest = "é".repeat(Reason::MAX);
        let too_long = format!("{longest}é");
        let cases = [
            ("It was done by hand.", true),
            ("two\nlines\tand a tab", true),
            (&longest, true),
            (&too_long, false),
            ("", false),
            ("\r\n", false),
            ("a\u{0}b", false),
            ("a\u{7f}b", false),
            ("a\u{85}b", false),
        ];
        for (text, is_one) in cases {
            assert_eq!(Reason::new(text).is_some(), is_one, "{text:?}");
        }
    }
}
