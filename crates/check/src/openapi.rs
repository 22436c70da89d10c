//! An API by its OpenAPI description: which resources it has, how they are made, and what it does not say.

mod declared; // E1: does it say what conflicts look like?
mod document; // a description, with its references resolved
mod resources; // what can be read and written, and how one is made
mod sample; // bodies that fit a schema

pub use document::{Description, Unreadable};
pub use resources::{Described, NotExamined};

use http::StatusCode;
use url::Url;

use crate::client::Client;
use crate::effort::Effort;
use crate::examine::{Progress, examine, stopped_answering, unrestored};
use crate::grade::grade;
use crate::model::{
    Effect, Evidence, Exchange, ProbeReport, Report, Request, RunError, Severity, UNEXAMINED,
    Verdict, created_at,
};
use crate::subject::{Creation, Subject};

/// Examines every resource of a description: makes one of each, runs the probes on it, deletes it.
///
/// `subject` says what holds for all of them: logins, idempotency. Paths are joined to `base`.
///
/// # Errors
///
/// [`RunError`] if the server cannot be reached, or may not be.
pub async fn examine_described(
    client: &Client,
    description: &Description,
    base: &Url,
    subject: &Subject,
    effort: &Effort,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Report, RunError> {
    let mut probes = declared::declared(description);
    let mut whole = Report {
        target: base.to_string(),
        arguments: Vec::new(),
        grade: None,
        seed: effort.seed,
        protocols: Vec::new(),
        spread: None,
        probes: Vec::new(),
        lost_updates: Vec::new(),
        history: None,
        exchanges: Vec::new(),
        took: client.elapsed(),
    };
    let (described, not_examined) = description.resources(base, effort.run);
    probes.extend(
        not_examined
            .iter()
            .map(|it| unexamined(&it.path, &it.reason)),
    );
    let mut examined = 0;
    let mut stopped = None;
    for resource in described {
        if client.is_interrupted() {
            break;
        }
        let made = make(client, &resource).await;
        if let Some(outage) = client.outage().await {
            if outage.answered.is_none() {
                let outage = Box::new(outage);
                return Err(RunError::Gone { outage });
            }
            let when = format!("while a resource was made for {}", resource.path);
            probes.push(stopped_answering(&outage, &when, &resource.path));
            break;
        }
        let place = match made {
            Ok(Ok(place)) => place,
            Ok(Err(answer)) => {
                probes.push(not_made(&resource.path, *answer));
                continue;
            }
            Err(stop) => {
                stopped = Some(stop);
                break;
            }
        };
        let subject = Subject {
            places: vec![place.clone()],
            method: resource.method.clone(),
            create: resource.create.clone(),
            idempotency: subject.idempotency || resource.has_keys,
            ..subject.clone()
        };
        let report = examine(client, subject, effort, &mut progress).await;
        let is_gone = report.as_ref().is_ok_and(|it| it.outage().is_some());
        if is_gone || !matches!(delete(client, &place).await, Ok(true)) {
            let reason = format!("could not be deleted: {place}");
            probes.push(unrestored(&resource.path, reason, Vec::new()));
        }
        let mut report = match report {
            Ok(report) => report,
            Err(stop) => {
                stopped = Some(stop);
                break;
            }
        };
        examined += 1;
        for probe in &mut report.probes {
            probe.subject.clone_from(&resource.path);
            // It is deleted; the command makes another one.
            probe.is_resendable = false;
        }
        probes.append(&mut report.probes);
        for row in report.lost_updates {
            add(&mut whole.lost_updates, row);
        }
        whole.protocols = report.protocols;
        if is_gone {
            break;
        }
    }
    match stopped {
        Some(stop) if examined == 0 => return Err(stop),
        // What the others came to is told all the same.
        Some(stop) => probes.push(unexamined("the rest", &stop.to_string())),
        None => {}
    }
    whole.grade = Some(grade(&probes, effort.most_writers()));
    whole.probes = probes;
    whole.spread = client.spread();
    whole.exchanges = client.record();
    whole.took = client.elapsed() - whole.took;
    Ok(whole)
}

/// Makes a resource to begin with; the answer, if none was made.
async fn make(
    client: &Client,
    resource: &Described,
) -> Result<Result<Url, Box<Exchange>>, RunError> {
    let request = resource.creation_request();
    let exchange = client.actor("setup").send(request).await?;
    if let Some(place) = &resource.place
        && exchange.effect() == Effect::Unknown
    {
        // It may have been made after all.
        delete(client, place).await?;
    }
    let place = match &resource.place {
        Some(place) if exchange.is_accepted() => Some(place.clone()),
        Some(_) => None,
        None => created_at(&exchange, &resource.collection),
    };
    Ok(place.ok_or_else(|| Box::new(exchange)))
}

/// That no resource could be made. A server error is a failure: no body that fits the description may cause one.
fn not_made(path: &str, answer: Exchange) -> ProbeReport {
    let is_server_error = answer
        .status()
        .is_some_and(|status| status.is_server_error());
    let (verdict, severity, fault) = match is_server_error && answer.effect() != Effect::Busy {
        true => (
            Verdict::Fail,
            Severity::Medium,
            "; a request that fits the description must not cause a server error",
        ),
        false => (Verdict::Skipped, Severity::Info, ""),
    };
    let reason = format!(
        "no resource could be created: {} {} was answered {}{fault}",
        answer.request.method,
        answer.request.url.path(),
        answer.reply
    );
    ProbeReport {
        verdict,
        severity,
        evidence: vec![Evidence {
            note: "the request that should have created one".into(),
            exchange: answer,
        }],
        ..unexamined(path, &reason)
    }
}

/// Whether it is not there any more.
async fn delete(client: &Client, place: &Url) -> Result<bool, RunError> {
    let actor = client.actor("restorer");
    let read = actor.send(Request::get(place.clone())).await?;
    let mut request = Request::new(http::Method::DELETE, place.clone());
    if let Some(tag) = read
        .response()
        .and_then(|response| response.headers.get(http::header::ETAG))
    {
        request = request.with(http::header::IF_MATCH, tag.clone());
    }
    let is_absent = |exchange: &Exchange| {
        matches!(
            exchange.status(),
            Some(StatusCode::NOT_FOUND | StatusCode::GONE)
        )
    };
    let deleted = actor.send(request).await?;
    Ok(is_absent(&read) || is_absent(&deleted) || deleted.is_accepted())
}

fn add(rows: &mut Vec<crate::model::LostUpdates>, row: crate::model::LostUpdates) {
    match rows.iter_mut().find(|it| it.writers == row.writers) {
        Some(sum) => {
            sum.rounds += row.rounds;
            sum.overlapping += row.overlapping;
            sum.rounds_with_loss += row.rounds_with_loss;
            sum.lost += row.lost;
        }
        None => rows.push(row),
    }
}

fn unexamined(path: &str, reason: &str) -> ProbeReport {
    ProbeReport {
        id: UNEXAMINED.into(),
        subject: path.into(),
        title: "The resource can be examined".into(),
        severity: Severity::Info,
        verdict: Verdict::Skipped,
        reason: reason.into(),
        why: "A described resource is examined if it can be created, read and written.".into(),
        trials: 0,
        overlapping: 0,
        evidence: Vec::new(),
        is_resendable: false,
    }
}

impl Described {
    fn creation_request(&self) -> Request {
        let Creation {
            method,
            url,
            headers,
            body,
        } = self.first.clone();
        Request {
            method,
            url,
            headers,
            body,
        }
    }
}
