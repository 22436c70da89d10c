//! Intents: run on what is stored, and run again on whatever came in between.

use std::convert::Infallible;

use detente_core::json::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::condition::Condition;
use crate::conflict::Stale;
use crate::document::Document;
use crate::error::{Error, TryUpdateError};
use crate::pace::Pace;
use crate::resource::{Joining, Outcome, Resource, Settled};
use crate::snapshot::Snapshot;

/// Runs `change` on `current`, or else on what is stored, and saves the result; repeats that until
/// nobody else was faster.
pub(crate) async fn run<T: Serialize + DeserializeOwned, E>(
    resource: &Resource,
    current: Option<Snapshot>,
    mut change: impl FnMut(&mut T) -> Result<(), E>,
) -> Result<Document<T>, TryUpdateError<E>> {
    let mut pace = resource.pace();
    let mut current = match current {
        Some(current) => current,
        None => resource.read(&mut pace).await?,
    };
    loop {
        let mut document = Document::<T>::new(&resource.id, current).map_err(Error::from)?;
        change(&mut document.value).map_err(TryUpdateError::Aborted)?;
        let ours = document.edited().map_err(Error::from)?;
        if ours == document.origin().tree {
            return Ok(document);
        }
        let base = document.into_origin();
        current = match save(resource, &base, &ours, &mut pace).await? {
            Saving::Done(stored) => return Ok(Document::written(&resource.id, stored)?),
            Saving::Overtaken(newer) => newer,
        };
    }
}

enum Saving {
    Done(Snapshot),
    /// Somebody else was faster and saved this.
    Overtaken(Snapshot),
}

async fn save(
    resource: &Resource,
    base: &Snapshot,
    ours: &Value,
    pace: &mut Pace,
) -> Result<Saving, Error> {
    let condition = Condition::from(base.needed_tag()?);
    let refused = match resource
        .put(ours, &condition, Joining::Unwanted, pace)
        .await?
    {
        Outcome::Applied(answer) => {
            return resource
                .stored(&answer, Some(ours), pace)
                .await
                .map(Saving::Done);
        }
        Outcome::Refused(refused) => refused,
    };
    let told = refused.is_told();
    let go_on = pace.after_collision().await;
    let edit = Some((Some(base), ours));
    let stale = match resource.settle(refused, &condition, edit, pace).await? {
        Settled::Done(stored) => return Ok(Saving::Done(stored)),
        Settled::Stale(stale) => stale,
    };
    if !go_on {
        return Err(contended(pace, stale));
    }
    // The first time, the document in the refusal is recent. Later there is a pause in between.
    let is_new = !told || pace.collisions() == 1;
    match stale.snapshot().filter(|_| is_new) {
        Some(newer) => Ok(Saving::Overtaken(newer)),
        None => resource.read(pace).await.map(Saving::Overtaken),
    }
}

pub(crate) fn contended(pace: &Pace, last: Box<Stale>) -> Error {
    let attempts = pace.collisions();
    Error::Contended { attempts, last }
}

/// The error of an update that cannot be called off.
pub(crate) fn unaborted(error: TryUpdateError<Infallible>) -> Error {
    match error {
        TryUpdateError::Failed(error) => error,
        TryUpdateError::Aborted(never) => match never {},
    }
}
