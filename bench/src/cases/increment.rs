//! Many clients, one document: no increment may be lost.

use std::net::SocketAddr;

use anyhow::{Context, Result};

use crate::arguments::{DETENTE, Kind, Plan};
use crate::driver::{self, CounterClient, Pace, Sample};
use crate::results::{Finding, Report, Row, Spread, Target, Unit};
use crate::servers::{Launch, Process};

/// # Errors
///
/// When the server or a connection fails; a lost increment is a failure in the report.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    let scratch = launch.scratch()?;
    let server = launch.start(&Kind::Detente, &scratch).await?;
    let mut clients = open(server.address, plan.clients(), plan.minimal).await?;
    let mut samples = Vec::new();
    for turn in 1..=plan.runs() {
        let sample;
        (sample, clients) = count(clients, &server.process, plan.pace()).await?;
        eprintln!(
            "increment, run {turn} of {}: {:.0}/s",
            plan.runs(),
            sample.rate
        );
        samples.push(sample);
    }
    let tally = Tally::take(&mut clients).await?;
    report.add_finding(Finding {
        name: format!(
            "increment: refusals, {} clients on one document",
            plan.clients()
        ),
        value: Spread::of(samples.iter().map(|sample| sample.retries))
            .context("there were no runs")?,
        unit: Unit::PerSuccess,
        target: None,
    });
    report.add_row(Row {
        case: "increment".to_owned(),
        server: DETENTE.to_owned(),
        samples,
        memory: server.process.memory()?,
    });
    tally.judge(report);
    Ok(())
}

async fn open(address: SocketAddr, clients: usize, minimal: bool) -> Result<Vec<CounterClient>> {
    let mut opened = Vec::with_capacity(clients);
    for number in 0..clients {
        opened.push(CounterClient::open(address, number, minimal).await?);
    }
    if let Some(first) = opened.first_mut() {
        first.create().await?;
    }
    Ok(opened)
}

async fn count(
    clients: Vec<CounterClient>,
    server: &Process,
    pace: Pace,
) -> Result<(Sample, Vec<CounterClient>)> {
    driver::run(clients, server, pace)
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
    fn judge(&self, report: &mut Report) {
        let Tally { successes, counted } = *self;
        report.add_finding(Finding {
            name: format!("increment: lost, of {successes} acknowledged"),
            value: Spread::one(successes.saturating_sub(counted) as f64),
            unit: Unit::Count,
            target: Some(Target::Below(1.0)),
        });
        if successes != counted {
            report.add_failure(format!(
                "{successes} increments were acknowledged, but the counter stands at {counted}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
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
        let mut clients = open(serve(lossy).await?, 8, false).await?;
        let pace = Pace {
            warmup: Duration::from_millis(20),
            measured: Duration::from_millis(100),
        };
        let this = Process::new(std::process::id());
        (_, clients) = count(clients, &this, pace).await?;
        let mut report = Report::new(Vec::new());
        Tally::take(&mut clients).await?.judge(&mut report);
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
