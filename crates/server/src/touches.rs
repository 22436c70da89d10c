use std::sync::{Arc, Mutex};

use detente_core::json::Pointer;
use detente_core::{Seq, Stored, touched};
use detente_store::{Cache, Reader, StoreError};

use crate::envelope::Change;

/// How many versions' places are kept, so that a version is compared once for all its listeners.
const KEPT: usize = 8192;

/// Documents larger than this are not compared for a feed, in bytes.
const LARGE: usize = 256 * 1024;

/// The places that versions touched, beside the version before them.
#[derive(Debug)]
pub(crate) struct Touches(Mutex<Cache<Seq, Arc<[Pointer]>>>);

impl Touches {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Cache::new(KEPT, |_| 1)))
    }

    // A std mutex: nothing awaits while it is held.
    fn kept(&self) -> std::sync::MutexGuard<'_, Cache<Seq, Arc<[Pointer]>>> {
        self.0.lock().expect("nothing panics while it is held")
    }

    /// A version with the places that it touched. They are not known where the version before it is
    /// no longer kept, or where comparing would take too long.
    pub(crate) fn describe(
        &self,
        reader: &dyn Reader,
        stored: Arc<Stored>,
    ) -> Result<Change, StoreError> {
        if let Some(paths) = self.kept().get(&stored.seq) {
            let paths = Some(paths);
            return Ok(Change { stored, paths });
        }
        let paths = compare(reader, &stored)?;
        if let Some(paths) = &paths {
            self.kept().insert(stored.seq, Arc::clone(paths));
        }
        Ok(Change { stored, paths })
    }
}

fn compare(reader: &dyn Reader, stored: &Stored) -> Result<Option<Arc<[Pointer]>>, StoreError> {
    let before = match stored.prev {
        Some(prev) => match reader.version(prev)? {
            Some(before) => Some(before),
            None => return Ok(None),
        },
        None => None,
    };
    let size = before.as_ref().map_or(0, |before| before.body.len());
    if size.max(stored.body.len()) > LARGE {
        return Ok(None);
    }
    let before = before.and_then(|before| before.document());
    Ok(Some(
        touched(before.as_ref(), stored.document().as_ref()).into(),
    ))
}
