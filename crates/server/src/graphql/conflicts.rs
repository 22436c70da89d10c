use detente_core::json::{Object, Value, object};
use detente_graphql::{Object as Fields, Resolved, Step};
use detente_service::{LogPlace, What};
use detente_store::{Conflicts, LoggedConflict, OutcomeFilter, PageLimit};

use super::arguments::Arguments;
use super::asked::Asked;
use super::node::PageInfo;
use crate::conflict_log::{describe, report};
use crate::explanation::Refused;
use crate::site::Site;

impl Asked {
    /// Refused writes, the newest first.
    pub(super) async fn conflicts(
        &self,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let text = |name: &str| arguments.text(name).map(str::to_owned);
        let wanted = Conflicts {
            space: Some(self.space.clone()),
            collection: text("collection"),
            documents: text("document").map(|id| vec![id]),
            by: text("by"),
            kind: text("kind"),
            agent: text("agent"),
            not_agent: text("notAgent"),
            outcome: outcome(arguments),
            since: arguments.time("since")?,
            until: arguments.time("until")?,
            before: arguments.after()?,
            limit: PageLimit::rows(arguments.first()),
            of_each: None,
        };
        let has_previous = wanted.before.is_some();
        let page = self.app.service.conflicts(&self.principal, wanted).await?;
        let rows = page.items.iter().map(|it| record(it, &self.site));
        Ok(Resolved::object(Page {
            rows: rows.collect(),
            next: page.next.map(|next| next.to_string()),
            has_previous,
        }))
    }

    /// One of them.
    pub(super) async fn conflict(
        &self,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let place = self.log_place(arguments);
        let detail = match self.app.service.conflict(&self.principal, &place).await {
            Ok(detail) => detail,
            Err(explanation) if matches!(explanation.what, What::NoConflict) => {
                return Ok(Resolved::Null);
            }
            Err(explanation) => return Err(explanation.into()),
        };
        let conflict = record(&detail.conflict, &self.site);
        let mut report = report(detail, &self.site)?;
        let mut fields = object([("conflict", conflict)]);
        for name in ["edit", "base", "current", "conflicts"] {
            if let Some(value) = report.swap_remove(name) {
                fields.insert(name.to_owned(), value);
            }
        }
        Ok(Value::Object(fields).into())
    }

    pub(super) fn log_place(&self, arguments: Arguments<'_>) -> LogPlace {
        LogPlace {
            space: self.space.clone(),
            id: arguments.text("id").unwrap_or_default().to_owned(),
        }
    }
}

/// What became of the conflicts that are wanted.
pub(super) fn outcome(arguments: Arguments<'_>) -> Option<OutcomeFilter> {
    match arguments.text("outcome")? {
        "OPEN" => Some(OutcomeFilter::Open),
        "RESOLVED" => Some(OutcomeFilter::Resolved),
        _ => Some(OutcomeFilter::Dismissed),
    }
}

/// The fields of a `Conflict`.
pub(super) fn record(conflict: &LoggedConflict, site: &Site) -> Value {
    let mut fields = camel(describe(conflict, site));
    if let Some(Value::String(outcome)) = fields.get_mut("outcome") {
        outcome.make_ascii_uppercase();
    }
    Value::Object(fields)
}

/// Members of REST by the names that they have here.
pub(super) fn camel(members: Object) -> Object {
    let name = |name: String| {
        let mut words = name.split('_');
        let mut camel = words.next().unwrap_or_default().to_owned();
        for word in words {
            let (first, rest) = word.split_at(1.min(word.len()));
            camel.push_str(&first.to_ascii_uppercase());
            camel.push_str(rest);
        }
        camel
    };
    let members = members.into_iter();
    members.map(|(key, value)| (name(key), value)).collect()
}

/// A `ConflictPage`.
struct Page {
    rows: Vec<Value>,
    /// Where the list goes on behind the last one.
    next: Option<String>,
    has_previous: bool,
}

impl Fields for Page {
    fn type_name(&self) -> &str {
        "ConflictPage"
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        match step.name() {
            "nodes" => Resolved::List(self.rows.iter().map(Resolved::from).collect()),
            "pageInfo" => Resolved::object(PageInfo {
                has_next: self.next.is_some(),
                has_previous: self.has_previous,
                start: None,
                end: self.next.clone(),
            }),
            _ => Resolved::Null,
        }
    }
}
