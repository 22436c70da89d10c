use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, header};

use super::excerpt::{Excerpt, Made, Repeat, Step};
use crate::model::{Exchange, Protocol, Reply, Report, Unsure};
use crate::report::curl::{self, Variables};

/// Who waited so long waited for a clock that counts in seconds.
const WAITED: Duration = Duration::from_secs(1);
const LONGEST_SECS: u64 = 3;

/// Lines of a POSIX shell: what is read on the way stands in variables, what shows the finding is printed.
pub(super) fn lines(report: &Report, excerpt: &Excerpt<'_>) -> Vec<String> {
    let places: Vec<_> = excerpt
        .made
        .iter()
        .enumerate()
        .map(|(index, made)| OwnResource::of(made, index))
        .collect();
    let names = names(excerpt);
    let mut lines: Vec<_> = places.iter().filter_map(OwnResource::named_anew).collect();
    let mut before: Option<&Exchange> = None;
    for step in &excerpt.steps {
        let exchange = step.exchange;
        let waited = before.map_or(Duration::ZERO, |it| exchange.begun.saturating_sub(it.ended));
        let is_shown_later = excerpt
            .steps
            .iter()
            .any(|it| it.is_evidence && it.exchange.begun >= exchange.begun);
        if waited > WAITED && is_shown_later {
            let seconds = (waited.as_secs() + 1).min(LONGEST_SECS);
            lines.push(format!("sleep {seconds}"));
        }
        before = Some(exchange);
        let line = Line {
            insecure: report.arguments.iter().any(|it| it == "--insecure"),
            step,
            variables: variables(step, &places, &names),
        };
        lines.extend(line.texts(&places, &names));
    }
    lines
}

/// Variables for what answers say that later requests repeat, by exchange and field.
type Names = BTreeMap<(u32, &'static str), String>;

fn names(excerpt: &Excerpt<'_>) -> Names {
    let mut names = Names::new();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let repeats = || excerpt.steps.iter().flat_map(|step| &step.repeats);
    for step in &excerpt.steps {
        for field in ["etag", "last-modified"] {
            let key = (step.exchange.number, field);
            if repeats().any(|it| (it.said_by, it.field) == key) {
                let kind = if field == "etag" { "etag" } else { "date" };
                let count = counts.entry(kind).or_default();
                *count += 1;
                names.insert(key, numbered(kind, *count));
            }
        }
    }
    names
}

fn numbered(name: &str, count: u32) -> String {
    match count {
        1 => name.to_owned(),
        count => format!("{name}{count}"),
    }
}

fn variables(step: &Step<'_>, places: &[OwnResource<'_>], names: &Names) -> Variables {
    let path = step.exchange.request.url.path();
    let name = |repeat: &Repeat| names.get(&(repeat.said_by, repeat.field)).cloned();
    Variables {
        places: places
            .iter()
            .filter(|place| place.path == path)
            .map(|place| (place.text.to_owned(), place.variable.clone()))
            .collect(),
        fields: step
            .repeats
            .iter()
            .filter_map(|repeat| Some((repeat.value.clone(), name(repeat)?)))
            .collect(),
    }
}

/// A resource that the script makes.
struct OwnResource<'a> {
    path: &'a str,
    /// What of its URL the variable stands for.
    text: &'a str,
    variable: String,
    /// Number of the exchange that says where it is; `None` if the URL is ours to choose.
    said_by: Option<u32>,
}

impl<'a> OwnResource<'a> {
    fn of(made: &Made<'a>, index: usize) -> Self {
        let path = made.url.path();
        let count = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        let location = made
            .by
            .response()
            .and_then(|response| response.header("location"))
            .filter(|_| made.by.request.method == Method::POST);
        match location {
            Some(location) => Self {
                path,
                text: location,
                variable: numbered("place", count),
                said_by: Some(made.by.number),
            },
            None => Self {
                path,
                text: path.rsplit('/').next().unwrap_or(path),
                variable: numbered("name", count),
                said_by: None,
            },
        }
    }

    /// A name that nothing had before: one that was deleted may be remembered.
    fn named_anew(&self) -> Option<String> {
        let Self { text, variable, .. } = self;
        self.said_by
            .is_none()
            .then(|| format!("{variable}={text}$(date +%s)"))
    }
}

/// One request of the script.
struct Line<'a> {
    insecure: bool,
    step: &'a Step<'a>,
    variables: Variables,
}

impl Line<'_> {
    /// One line; one more for each further field that has to be read.
    fn texts(&self, places: &[OwnResource<'_>], names: &Names) -> Vec<String> {
        let exchange = self.step.exchange;
        let fields = names
            .iter()
            .filter(|((number, _), _)| *number == exchange.number)
            .map(|((_, field), name)| (*field, name));
        let made = places
            .iter()
            .filter(|place| place.said_by == Some(exchange.number))
            .map(|place| ("location", &place.variable));
        let read: Vec<_> = fields.chain(made).collect();
        if read.is_empty() {
            let start = match self.step.is_evidence {
                // Coded bytes are not for a terminal.
                true if self.is_coded() => "curl -s -o /dev/null -D -",
                true => "curl -si -w '\\n'",
                false => "curl -fsS -o /dev/null",
            };
            return vec![self.text(start)];
        }
        read.into_iter()
            .map(|(field, variable)| {
                let start = format!("curl -s -o /dev/null -w '%header{{{field}}}'");
                let line = format!("{variable}=$({})", self.text(&start));
                match self.step.is_evidence {
                    true => format!("{line}; echo \"{field}: ${variable}\""),
                    false => line,
                }
            })
            .collect()
    }

    fn text(&self, start: &str) -> String {
        let exchange = self.step.exchange;
        let mut start = start.to_owned();
        if exchange.protocol == Protocol::Http2 && exchange.request.url.scheme() == "http" {
            start.push_str(" --http2-prior-knowledge");
        }
        if self.insecure {
            start.push_str(" -k");
        }
        if let Reply::Missing(Unsure::TimedOut(limit)) = &exchange.reply {
            start.push_str(&format!(" -m {}", limit.as_secs_f64().ceil()));
        }
        curl::line(&start, &exchange.request, &self.variables)
    }

    fn is_coded(&self) -> bool {
        let fields = &self.step.exchange.request.headers;
        let coding = fields.get(header::ACCEPT_ENCODING);
        coding.is_some_and(|coding| coding != "identity")
    }
}
