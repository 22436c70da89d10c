//! Many clients, one document: no increment may be lost.

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::contender::PAUSE;
use crate::arguments::{DETENTE, ETCD, Entrant, Plan};
use crate::driver::{self, CounterClient, Pace, Sample, Site};
use crate::results::{Finding, Report, Row, Spread, Target, Unit};
use crate::servers::{Launch, Process, Scratch, Server};

/// # Errors
///
/// When the server or a connection fails; a lost increment is a failure in the report.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    let mut counters = Vec::new();
    for entrant in plan.servers.iter().filter(|it| it.kind.compares()) {
        counters.push(Counter::open(entrant, plan, launch).await?);
    }
    for turn in 1..=plan.runs() {
        for counter in &mut counters {
            counter.load(turn, plan).await?;
            sleep(PAUSE).await;
        }
    }
    for counter in counters {
        counter.finish(report).await?;
    }
    if let Some(value) = report.ratio(CASE, DETENTE, ETCD) {
        report.add_finding(Finding {
            name: format!("{CASE}: {DETENTE} to {ETCD}"),
            value,
            unit: Unit::Ratio,
            target: Some(Target::AtLeast(10.0)),
        });
    }
    Ok(())
}

const CASE: &str = "increment";

/// One server, and the clients of its document.
struct Counter {
    name: String,
    clients: Vec<CounterClient>,
    samples: Vec<Sample>,
    // Dropped in this order: the server ends before its data goes.
    server: Server,
    _scratch: Scratch,
}

impl Counter {
    async fn open(entrant: &Entrant, plan: &Plan, launch: &Launch) -> Result<Counter> {
        let scratch = launch.scratch()?;
        let server = launch.start(&entrant.kind, &scratch).await?;
        Ok(Counter {
            name: entrant.name.clone(),
            clients: open(&server.site(plan.minimal), plan.clients()).await?,
            samples: Vec::new(),
            server,
            _scratch: scratch,
        })
    }

    async fn load(&mut self, turn: usize, plan: &Plan) -> Result<()> {
        let clients = std::mem::take(&mut self.clients);
        let (sample, clients) = count(clients, self.server.process, plan.pace()).await?;
        self.clients = clients;
        let (name, runs, rate) = (&self.name, plan.runs(), sample.rate);
        eprintln!("{CASE} {name}, run {turn} of {runs}: {rate:.0}/s");
        self.samples.push(sample);
        Ok(())
    }

    async fn finish(mut self, report: &mut Report) -> Result<()> {
        let tally = Tally::take(&mut self.clients).await?;
        let (name, clients) = (&self.name, self.clients.len());
        report.add_finding(Finding {
            name: format!("{CASE}, {name}: refusals, {clients} clients on one document"),
            value: Spread::of(self.samples.iter().map(|sample| sample.retries))
                .context("there were no runs")?,
            unit: Unit::PerSuccess,
            target: None,
        });
        tally.judge(name, report);
        report.add_row(Row {
            case: CASE.to_owned(),
            server: self.name,
            samples: self.samples,
            memory: self.server.process.memory()?,
        });
        Ok(())
    }
}

async fn open(site: &Site, clients: usize) -> Result<Vec<CounterClient>> {
    let mut opened = Vec::with_capacity(clients);
    for number in 0..clients {
        opened.push(CounterClient::open(site, number).await?);
    }
    if let Some(first) = opened.first_mut() {
        first.create().await?;
    }
    Ok(opened)
}

async fn count(
    clients: Vec<CounterClient>,
    server: Process,
    pace: Pace,
) -> Result<(Sample, Vec<CounterClient>)> {
    driver::run(clients, &[server], pace)
        .await
        .context("increment broke off")
}

/// What the clients were told, and what the server has.
struct Tally {
    successes: u64,
    counted: u64,
}

impl Tally {
    async fn take(clients: &mut [CounterClient]) -> Result<Tally> {
        let successes = clients.iter().map(CounterClient::successes).sum();
        let first = clients.first_mut().context("there is no client")?;
        Ok(Tally {
            successes,
            counted: first.read().await?,
        })
    }

    /// Exactly one of the counter for each success: less is a lost update, more a write that nobody was told of.
    fn judge(&self, server: &str, report: &mut Report) {
        let Tally { successes, counted } = *self;
        report.add_finding(Finding {
            name: format!("{CASE}, {server}: lost, of {successes} acknowledged"),
            value: Spread::one(successes.saturating_sub(counted) as f64),
            unit: Unit::Count,
            target: Some(Target::Below(1.0)),
        });
        if successes != counted {
            report.add_failure(format!(
                "{server}: {successes} increments were acknowledged, but the counter stands at {counted}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::Router;
    use axum::extract::State;
    use axum::http::{HeaderMap, StatusCode, header};
    use axum::response::{IntoResponse, Response};
    use axum::routing::get;
    use tokio::net::TcpListener;
    use tokio::task::LocalSet;

    use super::*;
    use crate::driver::Dialect;

    /// One document in memory; a lossy one forgets to compare tags.
    #[derive(Clone)]
    struct Toy {
        lossy: bool,
        stored: Arc<Mutex<(u64, String)>>,
    }

    async fn read(State(toy): State<Toy>) -> Response {
        let (version, body) = toy.stored.lock().expect("nobody panicked").clone();
        ([(header::ETAG, format!("\"{version}\""))], body).into_response()
    }

    async fn write(State(toy): State<Toy>, headers: HeaderMap, body: String) -> Response {
        let mut stored = toy.stored.lock().expect("nobody panicked");
        let (version, current) = &mut *stored;
        let tag = format!("\"{version}\"");
        let stale = headers
            .get(header::IF_MATCH)
            .is_some_and(|t| t != tag.as_str());
        if stale && !toy.lossy {
            let problem = format!(r#"{{"current":{current},"current_etag":"\"{version}\""}}"#);
            return (StatusCode::CONFLICT, problem).into_response();
        }
        *version += 1;
        *current = body;
        [(header::ETAG, format!("\"{version}\""))].into_response()
    }

    async fn serve(lossy: bool) -> Result<SocketAddr> {
        let stored = Arc::default();
        let app = Router::new().route(
            "/api/bench-counters/shared",
            get(read).put(write).with_state(Toy { lossy, stored }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(axum::serve(listener, app).into_future());
        Ok(address)
    }

    async fn failures(lossy: bool) -> Result<Vec<String>> {
        let site = Site {
            address: serve(lossy).await?,
            dialect: Dialect::Http,
            space: None,
            minimal: false,
        };
        let mut clients = open(&site, 8).await?;
        let pace = Pace {
            warmup: Duration::from_millis(20),
            measured: Duration::from_millis(100),
        };
        let this = Process::new(std::process::id());
        (_, clients) = count(clients, this, pace).await?;
        let mut report = Report::new(Vec::new());
        let tally = Tally::take(&mut clients).await?;
        tally.judge("toy", &mut report);
        Ok(report.failures().to_vec())
    }

    #[tokio::test]
    async fn an_honest_server_passes_and_a_lossy_one_is_caught() -> Result<()> {
        let passes = LocalSet::new().run_until(failures(false)).await?;
        assert_eq!(passes, [""; 0]);
        let caught = LocalSet::new().run_until(failures(true)).await?;
        assert_eq!(caught.len(), 1);
        Ok(())
    }
}
