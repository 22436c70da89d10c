use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{join, try_join_all};

use super::wide::Wide;
use crate::client::Actor;
use crate::lab::{Condition, Guard, Halt, Lab, Nonce, Reading, Unconditional};
use crate::model::Severity;
use crate::probe::Ruling;

/// Writes that are enough to tell.
const WRITES: usize = 60;
const READERS: u32 = 4;

/// D12: readers during writes. Body and tag are of one version; no reader steps back behind what was acknowledged.
pub(in crate::probe) async fn readers(lab: &Lab) -> Result<Ruling, Halt> {
    let writer = lab.actor("alice");
    let wide = Wide::learn(lab, &writer).await?;
    let is_over = AtomicBool::new(false);
    let readers = lab.writers(READERS);
    let reading = try_join_all(
        readers
            .iter()
            .enumerate()
            .map(|(index, reader)| read_on(lab, reader, index, &is_over)),
    );
    let (written, readings) = join(
        async {
            let written = write_on(lab, &writer, wide.as_ref()).await;
            is_over.store(true, Ordering::Relaxed);
            written
        },
        reading,
    )
    .await;
    let (written, readings) = (written?, readings?);
    let readings: Vec<_> = readings.into_iter().flatten().collect();
    let overlapping = readings
        .iter()
        .filter(|reading| {
            written.iter().any(|version| {
                version.begun < reading.exchange.ended
                    && reading.exchange.begun < version.acknowledged
            })
        })
        .count();
    let trials = u32::try_from(readings.len()).unwrap_or(u32::MAX);
    let overlapping = u32::try_from(overlapping).unwrap_or(u32::MAX);
    if overlapping == 0 {
        return Ok(
            Ruling::inconclusive("no read provably overlapped with a write").after(trials, 0),
        );
    }
    let ruling = torn(&written, &readings, wide.as_ref())
        .or_else(|| stale(&written, &readings))
        .unwrap_or_else(|| {
            Ruling::pass(format!(
                "{trials} reads during {} writes: each shows one version, and none an older one than was \
                 acknowledged",
                written.len()
            ))
        });
    Ok(ruling.after(trials, overlapping))
}

/// A version, as its writer saw it.
struct Version {
    nonce: Nonce,
    begun: Duration,
    acknowledged: Duration,
    /// As it was read when nobody wrote.
    reading: Reading,
}

async fn write_on(lab: &Lab, writer: &Actor, wide: Option<&Wide>) -> Result<Vec<Version>, Halt> {
    let mut versions = Vec::new();
    let habits = lab.habits();
    // A tag that has to be waited for would leave little to be read.
    let is_quick = habits.ripens && habits.unconditional == Unconditional::Accepted;
    let read = async |writer| match is_quick {
        true => lab.glance(writer, lab.place()).await,
        false => lab.read_as(writer, lab.place()).await,
    };
    let mut base = read(writer).await?;
    for _ in 0..WRITES {
        lab.let_the_date_pass().await;
        let nonce = lab.nonce();
        let condition = if is_quick {
            Condition::none()
        } else {
            lab.from(&base)
        };
        let request = match wide {
            Some(wide) => wide.request(lab, lab.place(), &nonce, &condition),
            None => lab.write(&nonce, &condition),
        };
        let write = lab.attempt_request(writer, nonce.clone(), request).await?;
        base = read(writer).await?;
        // Only what was answered has an instant at which it was acknowledged.
        let shows = match wide {
            Some(wide) => wide.mark(&base).is_some_and(|mark| nonce.is(&mark)),
            None => base.shows(&nonce),
        };
        if write.exchange.is_accepted() && shows {
            versions.push(Version {
                nonce,
                begun: write.exchange.begun,
                acknowledged: write.exchange.ended,
                reading: base.clone(),
            });
        }
        let is_slow = habits.guard == Some(Guard::Date) || habits.ripens && !is_quick;
        if is_slow && versions.len() == 3 {
            break;
        }
    }
    Ok(versions)
}

/// Reads until the writer is done, on one of the base URLs.
async fn read_on(
    lab: &Lab,
    reader: &Actor,
    index: usize,
    is_over: &AtomicBool,
) -> Result<Vec<Reading>, Halt> {
    let place = &lab.places()[index % lab.places().len()];
    let mut readings = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        match lab.glance(reader, place).await {
            Ok(reading) => readings.push(reading),
            Err(Halt::Cannot(_)) => {}
            Err(stop) => return Err(stop),
        }
    }
    Ok(readings)
}

/// A body that is of no version, or not of the one that its tag names.
fn torn(written: &[Version], readings: &[Reading], wide: Option<&Wide>) -> Option<Ruling> {
    if let Some(wide) = wide {
        let nonces: Vec<_> = written
            .iter()
            .map(|version| version.nonce.clone())
            .collect();
        let mixed = readings
            .iter()
            .find(|reading| reading.is_there() && wide.is_torn(reading, &nonces));
        if let Some(mixed) = mixed {
            return Some(
                Ruling::fail(
                    Severity::High,
                    "a read was torn: it shows parts of several versions, or a part of one",
                )
                .showing("read while others wrote", &mixed.exchange),
            );
        }
    }
    let by_tag: HashMap<&str, &Version> = written
        .iter()
        .filter_map(|version| Some((version.reading.tag()?, version)))
        .collect();
    // A tag that two versions share is another failing (A3, A4).
    if by_tag.len() < written.len() {
        return None;
    }
    readings.iter().find_map(|reading| {
        let version = by_tag.get(reading.tag()?)?;
        (reading.mark.is_some() && reading.mark != version.reading.mark).then(|| {
            Ruling::fail(
                Severity::High,
                format!(
                    "a read showed the tag {} with the body of another version: a write with that tag \
                     overwrites what its client never saw",
                    reading.tag().unwrap_or_default()
                ),
            )
            .showing("the version of that tag", &version.reading.exchange)
            .showing("that tag, and another body", &reading.exchange)
        })
    })
}

/// A read that began when a later version had been acknowledged.
fn stale(written: &[Version], readings: &[Reading]) -> Option<Ruling> {
    let place: HashMap<String, usize> = written
        .iter()
        .enumerate()
        .filter_map(|(index, version)| Some((version.reading.mark.as_ref()?.to_string(), index)))
        .collect();
    readings.iter().find_map(|reading| {
        let seen = *place.get(&reading.mark.as_ref()?.to_string())?;
        let later = written
            .iter()
            .skip(seen + 1)
            .find(|version| version.acknowledged < reading.exchange.begun)?;
        Some(
            Ruling::fail(
                Severity::Medium,
                "a read showed an old version after a later one had been acknowledged",
            )
            .showing(
                "acknowledged, and read by its writer",
                &later.reading.exchange,
            )
            .showing("read after that", &reading.exchange),
        )
    })
}
