//! How far apart requests arrive that were released together, by the server's clock.

use anyhow::{Context, Result, ensure};
use detente_check::client::{Client, Settings};
use detente_check::{Protocol, Request};
use url::Url;

use crate::arguments::{Kind, Plan};
use crate::results::{Finding, Report, Spread, Target, Unit};
use crate::servers::Launch;

/// Requests in a volley.
const TOGETHER: usize = 32;
const VOLLEYS: usize = 400;
/// The first volleys open connections, and wake up the server.
const WARM_UP: usize = 20;
const MEDIAN_MICROS: f64 = 100.0;

/// # Errors
///
/// When the server fails, or does not get every request.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    let scratch = launch.scratch()?;
    let server = launch.start(&Kind::Stamps, &scratch).await?;
    let url: Url = format!("http://{}/it", server.address).parse()?;
    for (protocol, name) in [(Protocol::Http1, "HTTP/1.1"), (Protocol::Http2, "HTTP/2")] {
        let (mut medians, mut tails) = (Vec::new(), Vec::new());
        let (mut sweeps, mut together) = (Vec::new(), Vec::new());
        for turn in 1..=plan.runs() {
            let measured = volleys(protocol, &url).await?;
            medians.push(measured.spreads[VOLLEYS / 2]);
            tails.push(measured.spreads[VOLLEYS * 99 / 100]);
            sweeps.push(measured.sweep);
            together.push(measured.together);
            eprintln!("release, {name}, run {turn} of {}", plan.runs());
        }
        let findings = [
            (
                "spread, median",
                medians,
                Unit::Microseconds,
                Some(Target::AtMost(MEDIAN_MICROS)),
            ),
            ("spread, p99", tails, Unit::Microseconds, None),
            (
                "spread, as the client says",
                sweeps,
                Unit::Microseconds,
                None,
            ),
            ("provably together, median", together, Unit::Count, None),
        ];
        for (what, values, unit, target) in findings {
            report.add_finding(Finding {
                name: format!("release: {TOGETHER} on {name}: {what}"),
                value: Spread::of(values).context("nothing was measured")?,
                unit,
                target,
            });
        }
    }
    Ok(())
}

struct Measured {
    /// In µs, sorted.
    spreads: Vec<f64>,
    /// What the client says of it, in µs.
    sweep: f64,
    together: f64,
}

async fn volleys(protocol: Protocol, url: &Url) -> Result<Measured> {
    let client = Client::new(Settings::usual())?;
    let teller = client.actor("teller").with_protocol(Protocol::Http1);
    let actors: Vec<_> = (0..TOGETHER)
        .map(|place| client.actor(&place.to_string()).with_protocol(protocol))
        .collect();
    let mut put = Request::new(axum::http::Method::PUT, url.clone());
    put.body = "last".into();
    let mut spreads = Vec::new();
    let (mut sweeps, mut together) = (Vec::new(), Vec::new());
    for number in 0..WARM_UP + VOLLEYS {
        let sends = actors.iter().map(|actor| (actor.clone(), put.clone()));
        let volley = client.volley(sends.collect()).await?;
        let told = teller.send(Request::get(url.clone())).await?;
        let told = told.response().context("it does not tell")?;
        let text = std::str::from_utf8(&told.body)?;
        let (count, spread) = text.split_once(' ').context("it tells something else")?;
        ensure!(
            count.parse() == Ok(TOGETHER),
            "{count} of {TOGETHER} requests came"
        );
        if number >= WARM_UP {
            spreads.push(spread.parse()?);
            sweeps.push(volley.spread.as_secs_f64() * 1e6);
            together.push(volley.together as f64);
        }
    }
    spreads.sort_by(f64::total_cmp);
    Ok(Measured {
        spreads,
        sweep: Spread::of(sweeps).context("nothing was released")?.median,
        together: Spread::of(together).context("nothing was released")?.median,
    })
}
