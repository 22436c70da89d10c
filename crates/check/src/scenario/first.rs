//! A first scenario, made of a resource by trying how it is written.

mod draft; // the text of it

use url::Url;

use crate::client::Client;
use crate::effort::Effort;
use crate::lab::{Condition, Halt, Lab};
use crate::model::{Exchange, RunError};
use crate::subject::Subject;

/// A scenario to begin with.
#[derive(Clone, Debug)]
pub struct First {
    /// YAML, with comments.
    pub text: String,
    /// Whether the resource is as it was before.
    pub is_restored: bool,
}

/// Why there is nothing to make a scenario of.
#[derive(Debug, thiserror::Error)]
pub enum NoFirst {
    #[error(transparent)]
    Stopped(#[from] RunError),
    #[error("{0}")]
    NotWritten(String),
}

impl From<Halt> for NoFirst {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Ended(stop) => Self::Stopped(stop),
            Halt::Cannot(reason) => Self::NotWritten(reason),
        }
    }
}

/// Two editors and one winner, on the resource at `url`.
///
/// How it is written, and by what a stale write is told, is found out by writing to it with one client; afterwards what
/// was there is put back. `run` differs from that of other runs.
///
/// # Errors
///
/// [`NoFirst`] if the resource cannot be read, or no way is found to write it.
pub async fn first(client: &Client, url: &Url, run: u32) -> Result<First, NoFirst> {
    let subject = Subject::at(url.clone());
    let effort = Effort::usual(0, run);
    let mut lab = Lab::uncalibrated(client.clone(), subject, effort).await?;
    let text = learnt(&mut lab).await;
    if let Some(outage) = client.outage().await {
        let outage = Box::new(outage);
        return Err(RunError::Gone { outage }.into());
    }
    // Whatever came of it: by then something may have been written.
    let is_restored = lab.restore().await?;
    Ok(First {
        text: text?,
        is_restored,
    })
}

async fn learnt(lab: &mut Lab) -> Result<String, NoFirst> {
    lab.calibrate().await?;
    if let Some(reason) = &lab.habits().unwritable {
        return Err(NoFirst::NotWritten(reason.clone()));
    }
    let refusal = rehearsed(lab).await?;
    let nonce = lab.nonce();
    Ok(draft::written(
        lab.place(),
        lab.habits(),
        refusal.as_ref().and_then(Exchange::response),
        &nonce,
    ))
}

/// The answer to a write that is stale, as the loser of a race will get it; `None` if there is nothing to tell one by.
async fn rehearsed(lab: &mut Lab) -> Result<Option<Exchange>, Halt> {
    let actor = lab.actor("setup");
    let stale = lab.read().await?;
    // Dates and times in a body move only when the second is over, as well as those that are validators.
    lab.let_a_second_pass().await;
    let (_, now) = lab.write_anew(&actor).await?;
    lab.learn_what_moved(&stale, &now);
    let Some(guard) = &lab.habits().guard else {
        return Ok(None);
    };
    let condition = Condition::unchanged(guard, &stale);
    Ok(Some(lab.attempt(&actor, &condition).await?.exchange))
}
