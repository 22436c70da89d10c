//! Many clients write one document, and the server merges.

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::contender::{PAUSE, seed};
use crate::arguments::{Entrant, Plan};
use crate::driver::{self, DocumentClient, Edit, STRATEGIES, Sample, SharedClient, Work, audit};
use crate::results::{Finding, Report, Row, Spread, Target, Unit};
use crate::servers::{Launch, Server};

/// One kind of edit, by all clients in the same document.
struct Contention {
    edit: Edit,
    clients: Vec<SharedClient>,
    samples: Vec<Sample>,
}

/// Loads one server in turn with writes of documents that each client has for itself, and with writes of one document.
///
/// # Errors
///
/// When the server or a connection fails, or an edit is missing from an answer; a document that is not exact at the end,
/// or an answer that is not 200, is a failure in the report.
pub(super) async fn run(plan: &Plan, launch: &Launch, report: &mut Report) -> Result<()> {
    for entrant in plan.detentes() {
        run_one(entrant, plan, launch, report).await?;
    }
    Ok(())
}

async fn run_one(
    Entrant { name, kind }: &Entrant,
    plan: &Plan,
    launch: &Launch,
    report: &mut Report,
) -> Result<()> {
    let scratch = launch.scratch()?;
    scratch.configure(STRATEGIES)?;
    let server = launch.start(kind, &scratch).await?;
    let processes = [server.process];
    let mut apart = open_apart(plan, &server, name).await?;
    let mut apart_samples = Vec::new();
    let mut contentions = Vec::new();
    for edit in Edit::ALL {
        contentions.push(Contention {
            edit,
            clients: SharedClient::open_all(server.address, plan.clients(), edit).await?,
            samples: Vec::new(),
        });
    }
    for turn in 1..=plan.runs() {
        let sample;
        (sample, apart) = driver::run(apart, &processes, plan.pace()).await?;
        show(turn, plan, name, "own documents", &sample);
        apart_samples.push(sample);
        sleep(PAUSE).await;
        for it in &mut contentions {
            let clients = std::mem::take(&mut it.clients);
            let (sample, clients) = driver::run(clients, &processes, plan.pace())
                .await
                .with_context(|| format!("{} broke off; {}", it.edit.name(), scratch.log_tail()))?;
            show(turn, plan, name, it.edit.name(), &sample);
            it.clients = clients;
            it.samples.push(sample);
            sleep(PAUSE).await;
        }
    }
    let uncontended = add_row("own documents", name, apart_samples, &server, report)?;
    for mut it in contentions {
        judge(&mut it, name, report).await?;
        let rates = add_row(it.edit.name(), name, it.samples, &server, report)?;
        report.add_finding(Finding {
            name: format!(
                "contended, {name}: {}, {} merging clients in one document to each in its own",
                it.edit.name(),
                plan.clients()
            ),
            value: Spread::of_ratios(&rates, &uncontended).context("nothing was answered")?,
            unit: Unit::Ratio,
            target: Some(Target::AtLeast(0.75)),
        });
    }
    Ok(())
}

/// As many clients as share the one document, each with documents of its own.
async fn open_apart(plan: &Plan, server: &Server, name: &str) -> Result<Vec<DocumentClient>> {
    let of = plan.clients();
    let mut clients = Vec::with_capacity(of);
    for number in 0..of {
        let site = server.site(false);
        clients.push(DocumentClient::open(site, number, of, plan.docs).await?);
    }
    let mut clients = seed(clients, plan.docs, name).await?;
    for client in &mut clients {
        client.set_work(Work::PutInTurn);
    }
    Ok(clients)
}

fn show(turn: usize, plan: &Plan, name: &str, what: &str, sample: &Sample) {
    let (runs, rate) = (plan.runs(), sample.rate);
    eprintln!("contended {name}, {what}, run {turn} of {runs}: {rate:.0}/s");
}

/// Adds the row, and tells its rates.
fn add_row(
    what: &str,
    name: &str,
    samples: Vec<Sample>,
    server: &Server,
    report: &mut Report,
) -> Result<Vec<f64>> {
    let row = Row {
        case: format!("contended: {what}"),
        server: name.to_owned(),
        samples,
        memory: server.process.memory()?,
    };
    let rates = row.rates();
    report.add_row(row);
    Ok(rates)
}

/// Every write is accepted, and the document is what all of them come to.
async fn judge(contention: &mut Contention, server: &str, report: &mut Report) -> Result<()> {
    let name = contention.edit.name();
    let errors = contention.samples.iter().flat_map(|sample| &sample.errors);
    for (status, count) in errors {
        report.add_failure(format!(
            "{server}, {name}: {count} merging writes were answered {status}"
        ));
    }
    let (edits, wrong) = audit(&mut contention.clients).await?;
    report.add_finding(Finding {
        name: format!("contended, {server}: {name}, not exact after {edits} acknowledged edits"),
        value: Spread::one(if wrong.is_some() { 1.0 } else { 0.0 }),
        unit: Unit::Count,
        target: Some(Target::Below(1.0)),
    });
    if let Some(wrong) = wrong {
        report.add_failure(format!("{server}, {wrong}"));
    }
    Ok(())
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
    use detente_core::json::{Value, parse};
    use detente_core::merge::{Choices, Strategies, Strategy, merge};
    use tokio::net::TcpListener;
    use tokio::task::LocalSet;

    use super::*;
    use crate::driver::Pace;
    use crate::servers::Process;

    /// All versions of one document; a lossy toy stores what it is sent.
    #[derive(Clone)]
    struct Toy {
        lossy: bool,
        versions: Arc<Mutex<Vec<Value>>>,
    }

    async fn read(State(toy): State<Toy>) -> Response {
        answer(
            StatusCode::OK,
            "etag",
            &toy.versions.lock().expect("nobody panicked"),
        )
    }

    async fn write(State(toy): State<Toy>, headers: HeaderMap, body: String) -> Response {
        let mut versions = toy.versions.lock().expect("nobody panicked");
        let ours = parse(body.as_bytes()).expect("a document");
        let Some(tag) = headers.get(header::IF_MATCH) else {
            versions.push(ours);
            return answer(StatusCode::CREATED, "etag", &versions);
        };
        let tag = tag.to_str().expect("a tag").trim_matches('"');
        let base: usize = tag.parse().expect("a version");
        let mut strategies = Strategies::default();
        strategies.set(&"/count".parse().expect("a pointer"), Strategy::Counter);
        strategies.set(&"/set".parse().expect("a pointer"), Strategy::Set);
        let sides = (Some(&versions[base - 1]), Some(&ours), versions.last());
        let joined = merge(sides.0, sides.1, sides.2, &strategies, &Choices::new());
        let joined = if toy.lossy {
            Some(ours)
        } else {
            joined.document
        };
        versions.push(joined.expect("a document is left"));
        answer(StatusCode::OK, "merged-etag", &versions)
    }

    fn answer(status: StatusCode, field: &'static str, versions: &[Value]) -> Response {
        let tag = format!("\"{}\"", versions.len());
        let body = versions.last().map_or_else(String::new, Value::to_text);
        (status, [(field, tag)], body).into_response()
    }

    async fn failures(edit: Edit, lossy: bool) -> Result<Vec<String>> {
        let versions = Arc::default();
        let routes = get(read).put(write).with_state(Toy { lossy, versions });
        let app = Router::new().route("/api/bench-shared/{name}", routes);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address: SocketAddr = listener.local_addr()?;
        tokio::spawn(axum::serve(listener, app).into_future());
        let clients = SharedClient::open_all(address, 8, edit).await?;
        let pace = Pace {
            warmup: Duration::from_millis(20),
            measured: Duration::from_millis(100),
        };
        let this = Process::new(std::process::id());
        let (sample, clients) = driver::run(clients, &[this], pace).await?;
        let mut report = Report::new(Vec::new());
        let samples = vec![sample];
        let mut contention = Contention {
            edit,
            clients,
            samples,
        };
        judge(&mut contention, "toy", &mut report).await?;
        Ok(report.failures().to_vec())
    }

    #[tokio::test]
    async fn a_server_that_merges_passes() -> Result<()> {
        for edit in Edit::ALL {
            let failures = LocalSet::new().run_until(failures(edit, false)).await?;
            assert_eq!(failures, [""; 0], "{edit:?}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn one_that_overwrites_is_caught() -> Result<()> {
        for edit in Edit::ALL {
            let failures = LocalSet::new().run_until(failures(edit, true)).await?;
            assert_eq!(failures.len(), 1, "{edit:?}");
        }
        Ok(())
    }
}
