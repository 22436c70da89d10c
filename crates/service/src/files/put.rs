use bytes::Bytes;
use detente_core::{FILES, Key, Once, ROOT};

use super::content::Received;
use super::tree::{ATTEMPTS, absent, name_of};
use super::{Entry, FileTerms, Properties, entry};
use crate::explanation::{Explanation, What};
use crate::{Done, Edited, OnceKey, Outcome, Principal, Service};

/// A file that is to be stored.
#[derive(Debug)]
pub struct PutFile {
    pub key: Key,
    pub terms: FileTerms,
    pub media_type: String,
    pub received: Received,
    pub on_collision: OnCollision,
    pub verb: &'static str,
}

/// What becomes of a file that collides with another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCollision {
    #[default]
    Refuse,
    /// It is stored beside the other one.
    Copy,
    /// It is joined with the other one, if both are texts.
    Join,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It is there as it was sent.
    Stored,
    /// It is there under another name.
    Copied,
    /// What is there was joined of it and of what others wrote.
    Joined,
}

/// A file that was stored.
#[derive(Debug)]
pub struct StoredFile {
    /// Its key is where the file is: elsewhere than was asked, if it is a copy, or if the server chose another
    /// name for the same request before.
    pub done: Done,
    pub became: Became,
}

impl PutFile {
    /// As it is stored, with these properties.
    fn text(&self, properties: &Properties) -> Bytes {
        let facts = self.received.facts(self.media_type.clone());
        entry::file(&facts, &self.received.content, properties)
    }

    /// What became of it: the same request may have been performed before.
    fn became(&self, done: &Done) -> Outcome<Became> {
        if done.stored.key != self.key && self.on_collision == OnCollision::Copy {
            return Ok(Became::Copied);
        }
        let entry = Entry::of(&done.stored)?;
        let is_own = entry.file().is_none_or(|it| it.hash == self.received.hash);
        Ok(match is_own {
            true => Became::Stored,
            false => Became::Joined,
        })
    }
}

/// How many copies may have one name but for a number.
const COPIES: usize = 100;

impl Service {
    /// Stores a file, and the folders that it is in where there are none.
    ///
    /// # Errors
    ///
    /// Why it was not stored. A conflict with others is in the conflict log then.
    pub async fn put_file(
        &self,
        principal: &Principal,
        put: PutFile,
        once: Option<OnceKey<'_>>,
    ) -> Outcome<StoredFile> {
        if put.key.id() == ROOT {
            return Err(Explanation::of(What::IsAFolder, &put.key));
        }
        // By what was sent, whatever becomes of it.
        let once = once.map(|key| key.once(&principal.name, &put.text(&Properties::default())));
        let refused = match self.put_once(principal, &put, once).await {
            Ok(done) => {
                let became = put.became(&done)?;
                return Ok(StoredFile { done, became });
            }
            Err(explanation) => explanation,
        };
        match put.on_collision {
            OnCollision::Copy if refused.what.is_collision() => {
                self.copy_beside(principal, put, refused, once).await
            }
            OnCollision::Join if matches!(refused.what, What::Stale(..)) => {
                self.join_texts(principal, put, refused, once).await
            }
            _ => Err(refused.log(self).await),
        }
    }

    pub(super) async fn put_once(
        &self,
        principal: &Principal,
        put: &PutFile,
        once: Option<Once>,
    ) -> Outcome<Done> {
        let text = put.text(&Properties::default());
        // Held until there is an answer.
        let _share = self.budget.edit(text.len()).await?;
        let _turn = self.enter(once.as_ref())?;
        for _ in 0..ATTEMPTS {
            let mut seen = self.look(&put.key).await?;
            seen.must_lead_through_folders()?;
            if let Some(Entry::Folder) = seen.target.entry {
                return Err(Explanation::of(What::IsAFolder, &put.key));
            }
            self.admit(&put.terms, &mut [&mut seen])?;
            let pinned = self.pin(&seen, &put.terms).await?;
            let replaced = seen.target.stored.as_deref();
            let text = match replaced.map(Properties::of).unwrap_or_default() {
                none if none.0.is_empty() => text.clone(),
                kept => put.text(&kept),
            };
            let (edit, conditions) = (Edited::Document(text), pinned.conditions.clone());
            let ask = put.terms.ask(&put.key, edit, conditions, put.verb);
            let changes = [(&seen, replaced.is_none())];
            match self
                .write_at(principal, &changes, vec![ask], &put.terms, once)
                .await
            {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => {}
                Err(it) if pinned.is_behind(&it) => {}
                Err(explanation) => return Err(explanation),
            }
        }
        Err(What::Busy.into())
    }

    /// Stores it under a name that says whose copy it is, and of when.
    async fn copy_beside(
        &self,
        principal: &Principal,
        mut put: PutFile,
        collision: Box<Explanation>,
        once: Option<Once>,
    ) -> Outcome<StoredFile> {
        let today = self.writer.time().now.to_string();
        let today = today.split('T').next().unwrap_or_default().to_owned();
        let original = put.key.clone();
        put.terms.conditions = absent();
        put.terms.lock_token = None;
        for number in 1..=COPIES {
            let path = copy_path(original.id(), &principal.name, &today, number);
            // A name that has no room for that is not cut: others may be equal then.
            let Ok(key) = Key::file(original.space(), &path) else {
                return Err(collision.log(self).await);
            };
            put.key = key;
            match self.put_once(principal, &put, once).await {
                Ok(done) => {
                    return Ok(StoredFile {
                        done,
                        became: Became::Copied,
                    });
                }
                Err(explanation) if explanation.what.is_collision() => {}
                Err(explanation) => return Err(explanation),
            }
        }
        Err(collision.log(self).await)
    }

    /// Makes a folder, and those that it is in where there are none, unless they must be there.
    ///
    /// # Errors
    ///
    /// Why it was not made.
    pub async fn make_folder(
        &self,
        principal: &Principal,
        key: &Key,
        terms: &FileTerms,
    ) -> Outcome<Done> {
        for _ in 0..ATTEMPTS {
            let mut seen = self.look(key).await?;
            seen.must_lead_through_folders()?;
            if let Some(Entry::File(_)) = seen.target.entry {
                let path = key.id().to_owned();
                return Err(Explanation::of(What::NotAFolder(path), key));
            }
            self.admit(terms, &mut [&mut seen])?;
            let conditions = match terms.conditions.if_none_match {
                Some(_) => terms.conditions.clone(),
                None => absent(),
            };
            let edit = Edited::Document(entry::folder(&Properties::default()));
            let ask = terms.ask(key, edit, conditions, "PUT");
            let changes = [(&seen, true)];
            let written = self.write_at(principal, &changes, vec![ask], terms, None);
            if let Some(done) = written.await? {
                return Ok(done);
            }
        }
        Err(What::Busy.into())
    }

    /// Makes the folder that all others are in, where there is none yet.
    pub(super) async fn make_root(&self, principal: &Principal, space: &str) -> Outcome<()> {
        let root = Key::from_parts(space, FILES, ROOT);
        let terms = FileTerms::default();
        match self.make_folder(principal, &root, &terms).await {
            Err(it) if !matches!(it.what, What::PreconditionFailed(..)) => Err(it),
            _ => Ok(()),
        }
    }
}

impl What {
    /// Whether another file is in the way.
    pub(super) fn is_collision(&self) -> bool {
        matches!(
            self,
            Self::Stale(..) | Self::PreconditionFailed(..) | Self::ConditionRequired { .. }
        )
    }
}

/// `a/plan (conflicted copy of ana, 2026-11-28).txt`
fn copy_path(path: &str, by: &str, today: &str, number: usize) -> String {
    let name = name_of(path);
    let folder = &path[..path.len() - name.len()];
    // A name that begins with a dot has no ending.
    let dot = name.rfind('.').filter(|at| *at > 0).unwrap_or(name.len());
    let (stem, ending) = name.split_at(dot);
    let by: String = by
        .chars()
        .map(|it| if it == '/' { '-' } else { it })
        .collect();
    let number = match number {
        1 => String::new(),
        number => format!(" {number}"),
    };
    format!("{folder}{stem} (conflicted copy of {by}, {today}{number}){ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_keep_their_ending() {
        for (path, number, expected) in [
            (
                "a/plan.txt",
                1,
                "a/plan (conflicted copy of ann, 2026-11-28).txt",
            ),
            ("plan", 2, "plan (conflicted copy of ann, 2026-11-28 2)"),
            (
                "a.b/.env",
                1,
                "a.b/.env (conflicted copy of ann, 2026-11-28)",
            ),
            (
                "x.tar.gz",
                1,
                "x.tar (conflicted copy of ann, 2026-11-28).gz",
            ),
        ] {
            assert_eq!(copy_path(path, "ann", "2026-11-28", number), expected);
        }
        let by = copy_path("a", "ops/bot", "2026-11-28", 1);
        assert_eq!(by, "a (conflicted copy of ops-bot, 2026-11-28)");
    }
}
