use detente_service::{Policy, Undeclared};
use serde_json::{Value, json};

use super::label::labels;
use super::subject::Subject;
use crate::operations::COLLECTION_NAME;
use crate::settings::Settings;
use crate::site::Site;

/// The parts of a server that its description depends on.
pub(super) struct Api<'a> {
    policy: &'a Policy,
    settings: &'a Settings,
    pub(super) site: &'a Site,
    /// The subjects of the paths of collections.
    pub(super) subjects: Vec<Subject<'a>>,
    /// The subject of all other paths.
    pub(super) whole: Subject<'a>,
}

impl<'a> Api<'a> {
    pub(super) fn of(policy: &'a Policy, settings: &'a Settings, site: &'a Site) -> Self {
        let labels = labels(policy.collections.keys().map(String::as_str));
        let declared = policy.collections.iter().zip(labels);
        let mut subjects: Vec<_> = declared
            .map(|((name, collection), label)| Subject::declared(name, label, collection))
            .collect();
        if let Undeclared::Allow(collection) = &policy.undeclared {
            subjects.push(Subject::undeclared(collection));
        }
        Self {
            policy,
            settings,
            site,
            whole: Subject::whole(&subjects),
            subjects,
        }
    }

    /// What the paths are relative to.
    pub(super) fn url(&self) -> &str {
        match self.site.base() {
            "" => "/",
            base => base,
        }
    }

    pub(super) fn wants_tokens(&self) -> bool {
        !self.settings.gate.is_open()
    }

    pub(super) fn limits_rates(&self) -> bool {
        !self.settings.rates.are_none()
    }

    /// The largest body of a request, in bytes.
    pub(super) fn body_bytes(&self) -> usize {
        self.settings.limits.body_bytes
    }

    pub(super) fn tags(&self) -> Vec<Value> {
        let subjects = self.subjects.iter().chain([&self.whole]);
        subjects
            .map(|it| json!({"name": it.tag(), "description": it.description()}))
            .collect()
    }

    /// A name that no declared collection has.
    pub(super) fn undeclared_name(&self) -> String {
        let is_free = |name: &String| !self.policy.collections.contains_key(name);
        let numbered = (2..).map(|number| format!("documents-{number}"));
        std::iter::once("documents".to_owned())
            .chain(numbered)
            .find(is_free)
            .unwrap_or_default()
    }

    /// A pattern for the names of collections.
    pub(super) fn collection_pattern(&self) -> String {
        let names: Option<Vec<_>> = self.subjects.iter().map(Subject::name).collect();
        match names {
            Some(names) if !names.is_empty() => format!("({})", names.join("|")),
            _ => COLLECTION_NAME.to_owned(),
        }
    }
}
