use std::time::SystemTime;

use super::{har, html, json, junit, tap};
use crate::model::Report;

/// The forms in which a report can be written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Junit,
    Tap,
    Har,
    Html,
    /// JSON Lines that [`detente_judge::history`] reads.
    History,
}

impl Form {
    /// All forms, by their names.
    pub const ALL: [(&'static str, Self); 6] = [
        ("json", Self::Json),
        ("junit", Self::Junit),
        ("tap", Self::Tap),
        ("har", Self::Har),
        ("html", Self::Html),
        ("history", Self::History),
    ];

    /// The form of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(it, _)| *it == name)
            .map(|(_, form)| form)
    }

    /// The report in this form; `begun_at` is when the run began.
    pub fn render(self, report: &Report, begun_at: SystemTime) -> String {
        match self {
            Self::Json => json::json(report),
            Self::Junit => junit::junit(report),
            Self::Tap => tap::tap(report),
            Self::Har => har::har(report, begun_at),
            Self::Html => html::html(report, begun_at),
            Self::History => super::history_lines(report),
        }
    }
}
