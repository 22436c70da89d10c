use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, anyhow};
use clap::Args;
use detente_check::client::Volley;
use detente_check::{Exchange, Request, Response};
use http::{HeaderName, HeaderValue, Method, header};

use super::Failure;
use super::check::{Wire, address, client, read, run};

#[derive(Debug, Args)]
pub(super) struct Race {
    /// Where to send the requests
    url: String,
    /// How many requests to send
    #[arg(short = 'n', long = "count", value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// The method [default: GET, or POST if there is a body]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    method: Option<Method>,
    /// The body; @FILE reads it from a file. `{{index}}` in it is the number of the request, from 1
    #[arg(short = 'd', long = "data", value_name = "TEXT | @FILE")]
    data: Option<String>,
    #[command(flatten)]
    wire: Wire,
}

impl Race {
    pub(super) fn run(self) -> Result<(), Failure> {
        let url = address(&self.url).map_err(Failure::Usage)?;
        let body = self.body().map_err(Failure::Usage)?;
        let method = self.method.clone().unwrap_or(match body {
            Some(_) => Method::POST,
            None => Method::GET,
        });
        let client = client(&self.wire)?;
        let sends = (1..=self.count)
            .map(|index| {
                let mut request = Request::new(method.clone(), url.clone());
                if let Some(body) = &body {
                    request.body = body.replace("{{index}}", &index.to_string()).into();
                    request = with_type(request, &self.wire);
                }
                (client.actor(&format!("client {index}")), request)
            })
            .collect();
        let volley = run(client.volley(sends))?;
        print!("{}", told(&volley));
        let is_answered = |exchange: &Exchange| exchange.response().is_some();
        match volley.exchanges.iter().any(is_answered) {
            true => Ok(()),
            false => Err(Failure::Start(anyhow!(
                "{url} answered none of the requests"
            ))),
        }
    }

    fn body(&self) -> anyhow::Result<Option<String>> {
        match self.data.as_deref() {
            None => Ok(None),
            Some(data) => match data.strip_prefix('@') {
                None => Ok(Some(data.to_owned())),
                Some(file) => String::from_utf8(read(Path::new(file))?)
                    .with_context(|| format!("{file} is not UTF-8 text"))
                    .map(Some),
            },
        }
    }
}

/// Adds `Content-Type: application/json`, unless a header field gives another type.
fn with_type(request: Request, wire: &Wire) -> Request {
    let name: HeaderName = header::CONTENT_TYPE;
    if wire.has(&name) {
        return request;
    }
    request.with(name, HeaderValue::from_static("application/json"))
}

/// How many requests got which status, with the tags and locations of the answers, and whether they overlapped.
fn told(volley: &Volley) -> String {
    let mut kinds: BTreeMap<String, Vec<&Exchange>> = BTreeMap::new();
    for exchange in &volley.exchanges {
        let kind = match exchange.status() {
            Some(status) => status.to_string(),
            None => "no answer".into(),
        };
        kinds.entry(kind).or_default().push(exchange);
    }
    let mut text = format!(
        "{} requests left within {} µs; {}\n",
        volley.exchanges.len(),
        volley.spread.as_micros(),
        if volley.overlapped() {
            "all were under way at once"
        } else {
            "not all were under way at once: some were answered before others had left"
        }
    );
    for (kind, exchanges) in kinds {
        text.push_str(&format!("\n{:5} × {kind}\n", exchanges.len()));
        let answers: Vec<_> = exchanges.iter().filter_map(|it| it.response()).collect();
        for name in ["etag", "location", "retry-after"] {
            let values = answers
                .iter()
                .filter_map(|it| Some(it.header(name)?.to_owned()));
            for line in lines(values, answers.len()) {
                text.push_str(&format!("        {name}: {line}\n"));
            }
        }
        if let Some(line) = body(&answers) {
            text.push_str(&format!("        {line}\n"));
        }
    }
    text
}

/// How many different values are shown at most.
const MOST_SHOWN: usize = 4;

/// Each value once, with the number of answers that have it, if not all do.
fn lines(values: impl Iterator<Item = String>, answers: usize) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for value in values {
        match counts.iter_mut().find(|(it, _)| *it == value) {
            Some((_, count)) => *count += 1,
            None => counts.push((value, 1)),
        }
    }
    let more = counts.len().saturating_sub(MOST_SHOWN);
    let shown = counts.into_iter().take(MOST_SHOWN);
    let mut lines: Vec<_> = shown
        .map(|(value, count)| match count == answers {
            true => value,
            false => format!("{value} ({count} of {answers})"),
        })
        .collect();
    if more > 0 {
        lines.push(format!("… and {more} other values"));
    }
    lines
}

/// The body of all answers, or of the first that has one.
fn body(answers: &[&Response]) -> Option<String> {
    let bodies: BTreeSet<_> = answers.iter().map(|it| &it.body).collect();
    let first = answers.iter().find(|it| !it.body.is_empty())?;
    let line = short(&first.body);
    Some(match bodies.len() {
        1 => line,
        different => format!("{line} (one of {different} different bodies)"),
    })
}

/// A body as one line, cut off where it is long.
fn short(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let line: String = body.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answers_share_is_told_once_and_what_differs_with_its_count() {
        let cases: [(&[&str], usize, &[&str]); 4] = [
            // (values, answers, lines)
            (&[], 2, &[]),
            (&["a", "a"], 2, &["a"]),
            (&["a", "b", "a"], 4, &["a (2 of 4)", "b (1 of 4)"]),
            (
                &["a", "b", "c", "d", "e", "f"],
                6,
                &[
                    "a (1 of 6)",
                    "b (1 of 6)",
                    "c (1 of 6)",
                    "d (1 of 6)",
                    "… and 2 other values",
                ],
            ),
        ];
        for (values, answers, expected) in cases {
            let told = lines(values.iter().map(|it| (*it).to_owned()), answers);
            assert_eq!(told, expected, "{values:?}");
        }
    }
}
