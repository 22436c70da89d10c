//! How many requests the tester's client sends for a second of its own processor time.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use axum::http::{HeaderValue, Method, header};
use detente_check::Request;
use detente_check::client::{Actor, Client, Settings};
use tokio::task::JoinSet;
use url::Url;

use crate::arguments::{Kind, Plan};
use crate::driver::Body;
use crate::results::{Finding, Report, Spread, Target, Unit};
use crate::servers::{Launch, Process};

const TARGET: f64 = 40_000.0;

/// # Errors
///
/// When the server fails, or refuses.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    let scratch = launch.scratch()?;
    let server = launch.start(&Kind::Null, &scratch).await?;
    let url: Url = format!("http://{}/api/bench/1", server.address).parse()?;
    let (mut rates, mut elapsed_rates) = (Vec::new(), Vec::new());
    for turn in 1..=plan.runs() {
        let client = Client::new(Settings {
            budget: u32::MAX,
            ..Settings::usual()
        })?;
        let actors: Vec<_> = (0..plan.connections())
            .map(|place| client.actor(&place.to_string()))
            .collect();
        send(&actors, &url, plan.pace().warmup.as_secs_f64()).await?;
        // This process does nothing else meanwhile, so that its time is the client's.
        let this = Process::new(std::process::id());
        let (before, begun) = (this.cpu()?, Instant::now());
        let sent = send(&actors, &url, plan.pace().measured.as_secs_f64()).await?;
        rates.push(sent as f64 / (this.cpu()? - before).as_secs_f64());
        elapsed_rates.push(sent as f64 / begun.elapsed().as_secs_f64());
        eprintln!("generator, run {turn} of {}", plan.runs());
    }
    let findings = [
        (
            "requests per client CPU second",
            rates,
            Some(Target::AtLeast(TARGET)),
        ),
        ("requests/s", elapsed_rates, None),
    ];
    for (what, values, target) in findings {
        report.add_finding(Finding {
            name: format!("generator: {what}"),
            value: Spread::of(values).context("nothing was sent")?,
            unit: Unit::Count,
            target,
        });
    }
    Ok(())
}

/// Each session sends its next request when the last one is answered; how many were sent.
async fn send(actors: &[Actor], url: &Url, seconds: f64) -> Result<u64> {
    let begun = Instant::now();
    let mut put = Request::new(Method::PUT, url.clone())
        .with(header::IF_MATCH, HeaderValue::from_static("\"1-a\""))
        .with(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    put.body = Body::new().of(0, 0).to_vec().into();
    let mut sessions = JoinSet::new();
    for actor in actors {
        let (actor, put) = (actor.clone(), put.clone());
        sessions.spawn(async move {
            let mut sent = 0;
            while begun.elapsed().as_secs_f64() < seconds {
                let exchange = actor.send(put.clone()).await?;
                ensure!(
                    exchange.is_accepted(),
                    "it was answered {:?}",
                    exchange.reply
                );
                sent += 1;
            }
            Ok(sent)
        });
    }
    sessions.join_all().await.into_iter().sum()
}
