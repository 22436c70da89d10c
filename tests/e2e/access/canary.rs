use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::model::{Action, Spot, may, passes};
use super::who::Who;
use crate::client::Answer;

/// A text that stands in one place of the store, and nowhere else.
#[derive(Clone, Debug)]
pub(super) struct Canary {
    pub(super) text: String,
    /// What it belongs to, for messages.
    pub(super) of: String,
    pub(super) seen: Seen,
}

/// Who may see a canary.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// Nobody: it is a secret.
    Never,
    /// Whoever may read there, where the rule lets them read the documents of all of these owners.
    Read { spot: Spot, owners: Vec<String> },
    /// The same, and whoever may change something there: names of members, and tags.
    Trace { spot: Spot, owners: Vec<String> },
    /// The same as `Read`, and this author.
    Edit {
        spot: Spot,
        owners: Vec<String>,
        author: String,
    },
}

impl Seen {
    pub(super) fn by(&self, who: &Who) -> bool {
        let by_rule = |spot: &Spot, owners: &[String]| {
            let mut owners = owners.iter();
            owners.all(|owner| passes(who, spot.collection, owner))
        };
        let any = |spot: &Spot, actions: &[Action]| {
            let mut actions = actions.iter();
            actions.any(|action| may(who, *action, spot))
        };
        use Action::{Create, Delete, Read, Update};
        if !who.is_known {
            return false;
        }
        match self {
            Self::Never => false,
            Self::Read { spot, owners } => any(spot, &[Read]) && by_rule(spot, owners),
            Self::Trace { spot, owners } => {
                any(spot, &[Read, Create, Update, Delete]) && by_rule(spot, owners)
            }
            Self::Edit {
                spot,
                owners,
                author,
            } => {
                (any(spot, &[Read]) && by_rule(spot, owners))
                    || (who.name == author
                        && super::model::has_space(who, spot.space)
                        && any(spot, &[Read, Create, Update, Delete, Action::Resolve]))
            }
        }
    }
}

/// Letters that nobody would write.
pub(super) fn letters(random: &mut fastrand::Rng) -> String {
    let letter = |_| random.lowercase();
    let tail: String = (0..14).map(letter).collect();
    format!("zq{tail}")
}

/// All that an answer says: the field lines, the body, and what its cursors hold.
pub(super) fn told(answer: &Answer) -> String {
    let mut told = String::new();
    for (name, value) in &answer.headers {
        told += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    }
    told += &String::from_utf8_lossy(&answer.body);
    told += &cursors(&answer.body);
    told
}

/// What the cursor of a page says to whoever looks into it.
fn cursors(body: &[u8]) -> String {
    let page = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let next = page["next"].as_str().unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(next).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Those canaries in `told` that somebody may not see, and did not say themselves.
pub(super) fn leaked<'a>(
    canaries: &'a [Canary],
    who: &Who,
    said: &str,
    told: &str,
) -> Vec<&'a Canary> {
    let words: HashSet<&str> = words(told).collect();
    let is_out = |canary: &&Canary| match canary.is_word() {
        true => words.contains(&*canary.text),
        false => told.contains(&canary.text),
    };
    let out = canaries.iter().filter(is_out);
    let unsaid = out.filter(|canary| !said.contains(&canary.text));
    unsaid.filter(|canary| !canary.seen.by(who)).collect()
}

/// How many canaries a text has: where none is ever found, nothing is tested.
pub(super) fn sightings(told: &str) -> usize {
    words(told).filter(|word| word.starts_with("zq")).count()
}

/// How many letters a canary has.
const LETTERS: usize = 16;

impl Canary {
    /// Whether [`words`] finds it wherever it stands.
    fn is_word(&self) -> bool {
        words(&self.text).next() == Some(&*self.text)
    }
}

/// Whatever may be a canary of letters, even in the midst of others, or a UUID.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let letters = text.match_indices("zq");
    let letters = letters.filter_map(|(at, _)| text.get(at..at + LETTERS));
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '-';
    let ids = text.split(move |it| !is_part(it));
    letters.chain(ids.filter(|it| it.len() == 36))
}
