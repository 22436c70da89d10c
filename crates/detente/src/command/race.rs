use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use clap::Args;
use detente_check::client::Volley;
use detente_check::{Exchange, Request};
use http::{HeaderName, HeaderValue, Method, header};

use super::Failure;
use super::check::{Wire, address, client, read, run};

#[derive(Debug, Args)]
pub(super) struct Race {
    /// Where to
    url: String,
    /// How many requests
    #[arg(short = 'n', long = "count", value_name = "N", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// The method [default: GET, or POST with a body]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    method: Option<Method>,
    /// The body; @FILE reads it from a file. `{{index}}` in it counts the requests from 1
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
                    .with_context(|| format!("{file} is no text"))
                    .map(Some),
            },
        }
    }
}

/// JSON unless a field says otherwise.
fn with_type(request: Request, wire: &Wire) -> Request {
    let name: HeaderName = header::CONTENT_TYPE;
    if wire.has(&name) {
        return request;
    }
    request.with(name, HeaderValue::from_static("application/json"))
}

/// How many were answered how, each kind with its first answer; and whether they met.
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
        if let Some(response) = exchanges[0].response() {
            for name in ["etag", "location", "retry-after"] {
                if let Some(value) = response.header(name) {
                    text.push_str(&format!("        {name}: {value}\n"));
                }
            }
            let body = String::from_utf8_lossy(&response.body);
            let line: String = body.split_whitespace().collect::<Vec<_>>().join(" ");
            let short: String = line.chars().take(300).collect();
            if !short.is_empty() {
                text.push_str(&format!("        {short}\n"));
            }
        }
    }
    text
}
