use http::header;
use serde_json::Value;

use super::ask::Ask;
use super::defect::Defect;
use super::dialect::{Coding, Dates, Dialect, Revision};
use super::refusal::{By, Refusal, Stale};
use super::store::{Version, View};
use super::tag::{Tag, revision};

/// What a write's preconditions are judged by.
pub(crate) struct Judge<'a> {
    pub(crate) dialect: &'a Dialect,
    pub(crate) defect: Option<Defect>,
    pub(crate) ask: &'a Ask,
    pub(crate) view: &'a View<'a>,
    pub(crate) key: &'a str,
}

impl Judge<'_> {
    /// Decides whether a write to `key` may be applied (RFC 9110, section 13.2.2).
    ///
    /// `claimed` is the version that the body brought.
    ///
    /// # Errors
    ///
    /// [`Refusal::Stale`] if a precondition fails, [`Refusal::ConditionRequired`] if there has to be one.
    pub(crate) fn judge(&self, claimed: Option<&Value>) -> Result<(), Refusal> {
        let current = self.current();
        let if_match = self.ask.header(&header::IF_MATCH);
        // To a server without validators, If-Match means nothing.
        let tagged = if_match.filter(|_| self.dialect.has_validators());
        let date = self.date_sent();
        let absent = self.ask.header(&header::IF_NONE_MATCH);
        if let Some(field) = tagged
            && !self.matches(field, current)
        {
            return Err(self.stale(field));
        }
        if (tagged.is_none() || self.defect == Some(Defect::DateBesideTag))
            && let Some(field) = date
            && !self.is_unmodified(field, current)
        {
            return Err(self.stale(field));
        }
        if let Some(field) = absent
            && self.defect != Some(Defect::Overwrites)
            && current.is_some_and(|current| field.trim() == "*" || self.is_listed(field, current))
        {
            return Err(self.stale(field));
        }
        let by_body = self.judge_claim(claimed, current)?;
        let any = tagged.is_some() || date.is_some() || absent.is_some() || by_body;
        if any || current.is_none() || !self.dialect.required {
            return Ok(());
        }
        // As CouchDB does: what has no revision is in conflict with what has.
        if self.dialect.revision == Revision::Checked("_rev") {
            return Err(self.stale_claim(&Value::Null, current));
        }
        Err(Refusal::ConditionRequired)
    }

    /// Whether the body brought a version, which is the current one.
    fn judge_claim(
        &self,
        claimed: Option<&Value>,
        current: Option<&Version>,
    ) -> Result<bool, Refusal> {
        let (Revision::Checked(_), Some(claimed)) = (self.dialect.revision, claimed) else {
            return Ok(false);
        };
        let shown = current.map(|current| shown_revision(self.dialect, current));
        if shown.as_ref() == Some(claimed) || self.defect == Some(Defect::IgnoresClaim) {
            return Ok(true);
        }
        Err(self.stale_claim(claimed, current))
    }

    fn stale_claim(&self, sent: &Value, current: Option<&Version>) -> Refusal {
        Refusal::Stale(Stale {
            by: By::Body,
            current: current.map(|current| shown_revision(self.dialect, current)),
            sent: sent.clone(),
        })
    }

    fn current(&self) -> Option<&Version> {
        match self.defect {
            // Deleting left the row where it was.
            Some(Defect::Resurrects) => {
                let mut past = self.view.past(self.key).iter();
                past.rfind(|version| version.content.is_some())
            }
            _ => self.view.current(self.key),
        }
    }

    fn date_sent(&self) -> Option<&str> {
        let sent = self.ask.header(&header::IF_UNMODIFIED_SINCE);
        sent.filter(|_| {
            self.dialect.dates != Dates::None && self.defect != Some(Defect::IgnoresDate)
        })
    }

    fn matches(&self, field: &str, current: Option<&Version>) -> bool {
        if field.trim() == "*" {
            return current.is_some() || self.defect == Some(Defect::StarCreates);
        }
        match self.defect {
            Some(Defect::AcceptsAny) => current.is_some(),
            Some(Defect::AcceptsPast) => {
                let mut past = self.view.past(self.key).iter();
                past.any(|version| self.is_listed(field, version))
            }
            Some(Defect::AcceptsUnknown) => {
                let mut past = self.view.past(self.key).iter();
                !past.any(|version| self.is_listed(field, version))
                    || current.is_some_and(|current| self.is_listed(field, current))
            }
            Some(Defect::NoLists) => current
                .and_then(|current| Tag::of(current, self.dialect))
                .is_some_and(|tag| tag.field() == field.trim()),
            _ => current.is_some_and(|current| self.is_listed(field, current)),
        }
    }

    fn is_listed(&self, field: &str, version: &Version) -> bool {
        let Some(tag) = Tag::of(version, self.dialect) else {
            return false;
        };
        if tag.bare {
            return field.split(',').any(|sent| sent.trim() == tag.text);
        }
        let coded = format!("{}-gzip", tag.text);
        Tag::list(field).iter().any(|sent| {
            let same = sent.has_text(&tag.text, self.dialect)
                || self.dialect.coding == Coding::OwnTag && sent.text == coded;
            let strong = match self.defect {
                Some(Defect::WeakMatches) => true,
                Some(Defect::StrongOnly) => !sent.weak,
                // An API of weak tags takes them back, or nobody could write.
                _ => sent.weak == tag.weak,
            };
            same && strong
        })
    }

    fn is_unmodified(&self, field: &str, current: Option<&Version>) -> bool {
        let Ok(sent) = httpdate::parse_http_date(field) else {
            return true;
        };
        current
            .and_then(|current| Tag::date(current, self.dialect))
            .is_some_and(|modified| modified <= sent)
    }

    fn stale(&self, sent: &str) -> Refusal {
        let past = self.view.past(self.key);
        let quoted = match self.defect {
            Some(Defect::QuotesPast) => past.iter().rev().nth(1).or(past.last()),
            _ => self.view.current(self.key),
        };
        let by = if Tag::is_used(self.dialect) {
            By::Tag
        } else {
            By::Date
        };
        let current = quoted.and_then(|version| match by {
            By::Tag => Some(Tag::of(version, self.dialect)?.field()),
            _ => Tag::date(version, self.dialect).map(httpdate::fmt_http_date),
        });
        Refusal::Stale(Stale {
            by,
            current: current.map(Value::from),
            sent: sent.into(),
        })
    }
}

/// The version as a member: a number, or what CouchDB would show.
pub(crate) fn shown_revision(dialect: &Dialect, version: &Version) -> Value {
    match dialect.revision {
        Revision::Shown("_rev") | Revision::Checked("_rev") => revision(version).into(),
        _ => version.number.into(),
    }
}
