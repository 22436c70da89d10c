use std::sync::Arc;

use detente_core::{Key, Lock, ROOT};

use super::tree::absent;
use super::{FileTerms, OnCollision, PutFile};
use crate::explanation::What;
use crate::{LockAsk, LockWish, Outcome, Principal, Service};

/// A lock that was taken for a file.
#[derive(Debug)]
pub struct LockedFile {
    pub lock: Arc<Lock>,
    /// Whether there was no file, so that an empty one was made (RFC 4918, section 7.3).
    pub created: bool,
}

impl Service {
    /// Takes the lock of a file or a folder; where there is nothing, of an empty file that is made.
    ///
    /// # Errors
    ///
    /// Why it was not taken.
    pub async fn lock_file(
        &self,
        principal: &Principal,
        key: &Key,
        terms: &FileTerms,
        wish: LockWish,
    ) -> Outcome<LockedFile> {
        let mut seen = self.look(key).await?;
        self.admit(terms, &mut [&mut seen])?;
        let created = seen.target.stored.is_none();
        if created && key.id() == ROOT {
            self.make_root(principal, key.space()).await?;
        } else if created {
            let put = PutFile {
                key: key.clone(),
                terms: FileTerms {
                    conditions: absent(),
                    ..terms.clone()
                },
                media_type: "application/octet-stream".to_owned(),
                received: self.receive()?.finish().await?,
                on_collision: OnCollision::Refuse,
                verb: "LOCK",
            };
            self.put_file(principal, put, None).await?;
        }
        let ask = LockAsk {
            key: key.clone(),
            wish,
        };
        let lock = self.lock(principal, ask).await?;
        let lock = lock.ok_or_else(|| What::failed("a lock that was taken is not there"))?;
        Ok(LockedFile {
            lock,
            created: created && key.id() != ROOT,
        })
    }
}
