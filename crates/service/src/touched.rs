use std::sync::{Arc, Mutex, MutexGuard};

use detente_core::json::Pointer;
use detente_core::{Seq, Stored, touched};
use detente_store::{Cache, Reader, StoreError};

/// How many versions' places are kept, so that a version is compared once for all its followers.
const KEPT: usize = 8192;

/// Documents larger than this are not compared for a feed, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// A version of a feed, with the places that it touched, if they are known.
#[derive(Clone, Debug)]
pub struct TouchedVersion {
    pub stored: Arc<Stored>,
    pub paths: Option<Arc<[Pointer]>>,
}

/// The places that versions touched, beside the version before them.
#[derive(Clone, Debug)]
pub(crate) struct Touched(Arc<Mutex<Cache<Seq, Arc<[Pointer]>>>>);

impl Touched {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Cache::new(KEPT, |_| 1))))
    }

    // A std mutex: nothing awaits while it is held.
    fn kept(&self) -> MutexGuard<'_, Cache<Seq, Arc<[Pointer]>>> {
        self.0.lock().expect("nothing panics while it is held")
    }

    /// A version with the places that it touched. They are not known where the version before it is
    /// no longer kept, or where comparing would take too long.
    pub(crate) fn describe(
        &self,
        reader: &dyn Reader,
        stored: Arc<Stored>,
    ) -> Result<TouchedVersion, StoreError> {
        let kept = self.kept().get(&stored.seq);
        if kept.is_some() {
            return Ok(TouchedVersion {
                stored,
                paths: kept,
            });
        }
        let paths = compare(reader, &stored)?;
        if let Some(paths) = &paths {
            self.kept().insert(stored.seq, Arc::clone(paths));
        }
        Ok(TouchedVersion { stored, paths })
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
    if size.max(stored.body.len()) > MAX_BYTES {
        return Ok(None);
    }
    let before = before.and_then(|before| before.document());
    let paths = touched(before.as_ref(), stored.document().as_ref());
    Ok(Some(paths.into()))
}
