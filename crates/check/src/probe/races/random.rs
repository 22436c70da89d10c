use detente_judge::history::History;
use detente_judge::{Judgement, Method as Means, Rules, Verdict, ViolationKind, judge};
use futures_util::future::try_join_all;
use http::{Method, header};
use serde_json::Value;

use crate::client::Actor;
use crate::lab::{Condition, Guard, Halt, Lab, Reading};
use crate::model::{Exchange, Severity};
use crate::probe::Ruling;
use crate::recorded::from_exchanges;

const CLIENTS: u32 = 8;
/// Resources among which the clients choose.
const RESOURCES: usize = 3;
/// More would say no more, and be a load rather than a test.
const MOST_REQUESTS: u32 = 6_000;

/// D16: clients read, write by compare-and-set, create and delete at random. Could it have been one after the other?
pub(in crate::probe) async fn random(lab: &Lab) -> Result<Ruling, Halt> {
    if let Some(ruling) = super::unruled(lab) {
        return Ok(ruling);
    }
    if lab.habits().guard != Some(Guard::Tag) {
        return Ok(Ruling::skipped(
            "this judges compare-and-set by entity tags, which the API does not have",
        ));
    }
    if lab.habits().ripens {
        return Ok(Ruling::skipped(
            "the tags cannot be used in If-Match for a second after each write, so hardly any write would be \
             accepted",
        ));
    }
    let mut resources = Vec::new();
    while resources.len() < RESOURCES {
        match lab.scratch().await {
            Ok(scratch) => resources.push(Resource {
                may_go: scratch.can_be_made_again().await?,
                lab: scratch,
            }),
            Err(Halt::Cannot(_)) => break,
            Err(stop) => return Err(stop),
        }
    }
    if resources.is_empty() {
        resources.push(Resource {
            may_go: false,
            lab: lab.clone(),
        });
    }
    let mut exchanges = Vec::new();
    // Where each begins: a read that nothing else meets.
    for resource in &resources {
        exchanges.push(resource.lab.read().await?.exchange);
    }
    let clients = lab.writers(CLIENTS);
    let made = try_join_all(clients.iter().enumerate().map(|(number, client)| {
        let seed = lab.effort().seed ^ ((number as u64 + 1) << 32);
        act(client, &resources, fastrand::Rng::with_seed(seed))
    }))
    .await?;
    exchanges.extend(made.into_iter().flatten());
    for resource in &resources {
        exchanges.push(resource.lab.settled().await?.exchange);
    }
    exchanges.sort_by_key(|exchange| exchange.begun);
    Ok(judged(lab, &exchanges))
}

struct Resource {
    lab: Lab,
    /// It may be deleted and made again.
    may_go: bool,
}

/// One client, at random, for as long as a history is to be.
async fn act(
    client: &Actor,
    resources: &[Resource],
    mut random: fastrand::Rng,
) -> Result<Vec<Exchange>, Halt> {
    let lab = &resources[0].lab;
    let end = lab.client().elapsed() + lab.effort().history;
    let mut seen: Vec<Option<Reading>> = resources.iter().map(|_| None).collect();
    let mut made = Vec::new();
    while lab.client().elapsed() < end && made.len() < (MOST_REQUESTS / CLIENTS) as usize {
        let which = random.usize(..resources.len());
        let Resource { lab, may_go } = &resources[which];
        let request = match (&seen[which], random.u32(..100)) {
            (Some(reading), 40..) if !reading.is_there() => {
                lab.creating(&lab.nonce(), &Condition::if_none_match("*"))
            }
            (Some(reading), 95..) if *may_go => lab.deletion(&lab.from(reading)),
            (Some(reading), 40..) => lab.write(&lab.nonce(), &lab.from(reading)),
            _ => lab.get(lab.place()),
        };
        let is_read = request.method == Method::GET;
        let exchange = lab.send(client, request).await?;
        if is_read {
            seen[which] = lab.reading(exchange.clone()).ok();
        } else if !exchange.is_accepted() {
            seen[which] = None;
        }
        made.push(exchange);
    }
    Ok(made)
}

fn judged(lab: &Lab, exchanges: &[Exchange]) -> Ruling {
    let form = &lab.habits().form;
    let operations = from_exchanges(exchanges, |body| {
        form.mark(body).map(|mark| match mark {
            Value::String(text) => text,
            other => other.to_string(),
        })
    });
    let mut history = History::new();
    for (_, operation) in &operations {
        history.push(operation);
    }
    let begun = std::time::Instant::now();
    let Judgement {
        verdict, method, ..
    } = judge(&history, &Rules::default(), &mut || {
        begun.elapsed() > std::time::Duration::from_secs(10)
    });
    let trials = u32::try_from(operations.len()).unwrap_or(u32::MAX);
    let overlapping = u32::try_from(overlapping(exchanges)).unwrap_or(u32::MAX);
    let how = match method {
        Means::Chain => {
            "each write names the version that it replaced, and they form one chain for each resource"
        }
        Means::Register => "each write has a value of its own",
        Means::Search => "all orders were searched",
    };
    let mut ruling = match verdict {
        Verdict::Linearizable if overlapping == 0 => {
            Ruling::inconclusive("no two requests provably overlapped")
        }
        Verdict::Linearizable if !exchanges.iter().any(is_swap) => {
            Ruling::inconclusive("not one write with a tag was accepted")
        }
        Verdict::Linearizable => Ruling::pass(format!(
            "the {trials} operations of {CLIENTS} clients are linearizable: {how}"
        )),
        Verdict::Unknown { reason } => Ruling::inconclusive(reason),
        Verdict::Violation(violation) => {
            // What a tag stands for twice, after a deletion mostly, an old copy overwrites; nothing is lost by itself.
            let severity = match violation.kind {
                ViolationKind::TagReused => Severity::High,
                _ => Severity::Critical,
            };
            let ruling = Ruling::fail(
                severity,
                format!("{}: {}", violation.kind.name(), violation.explanation),
            );
            violation
                .witness
                .iter()
                .filter_map(|place| operations.get(*place))
                .fold(ruling, |ruling, (place, operation)| {
                    ruling.showing(operation.kind.name(), &exchanges[*place])
                })
        }
    }
    .after(trials, overlapping);
    ruling.history = Some(history);
    ruling
}

/// Whether it is an accepted write that said which version it began from.
fn is_swap(exchange: &Exchange) -> bool {
    exchange.is_accepted() && exchange.request.headers.contains_key(header::IF_MATCH)
}

/// How many met another of the same resource.
fn overlapping(exchanges: &[Exchange]) -> usize {
    exchanges
        .windows(8)
        .filter(|window| {
            window[1..].iter().any(|other| {
                other.request.url == window[0].request.url && other.overlaps(&window[0])
            })
        })
        .count()
}
