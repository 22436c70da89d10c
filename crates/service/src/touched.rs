use std::sync::{Arc, Mutex, MutexGuard};

use detente_core::json::Pointer;
use detente_core::{Key, Seq, Stored, touched};
use detente_store::Cache;

use crate::Outcome;
use crate::offload::offload;
use crate::reading::Reading;

/// How many versions' places are kept, so that a version is compared once for all its followers.
const KEPT: usize = 8192;

/// How many versions are read at a time to be compared with those after them.
const AT_A_TIME: usize = 32;

/// Documents larger than this are not compared for a feed, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// A version of a feed, with the places that it touched, if they are known.
#[derive(Clone, Debug)]
pub struct TouchedVersion {
    pub stored: Arc<Stored>,
    pub paths: Option<Arc<[Pointer]>>,
    /// For a deletion: the version that it took away, if it was asked for and is kept.
    pub last: Option<Arc<Stored>>,
}

impl TouchedVersion {
    /// Without more than the version itself.
    pub(crate) fn plain(stored: Arc<Stored>) -> Self {
        Self {
            stored,
            paths: None,
            last: None,
        }
    }
}

/// The places that versions touched, beside the version before them, by document and number.
#[derive(Clone, Debug)]
pub(crate) struct Touched(Arc<Mutex<Kept>>);

type Kept = Cache<(Key, u64), Arc<[Pointer]>>;

impl Touched {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Cache::new(KEPT, |_| 1))))
    }

    // A std mutex: nothing awaits while it is held.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("nothing panics while it is held")
    }

    /// Versions in the order of the log of one space, with the places that they touched. They are not known where
    /// the version before is no longer kept, or where comparing would take too long.
    pub(crate) async fn describe(
        &self,
        reading: &Reading,
        versions: Vec<Arc<Stored>>,
    ) -> Outcome<Vec<TouchedVersion>> {
        let kept: Vec<_> = {
            let mut kept = self.kept();
            versions.iter().map(|it| kept.get(&name(it))).collect()
        };
        let unknown = versions.iter().zip(&kept).filter(|(_, it)| it.is_none());
        let unknown: Vec<_> = unknown.map(|(stored, _)| Arc::clone(stored)).collect();
        let mut compared = Vec::with_capacity(unknown.len());
        for some in unknown.chunks(AT_A_TIME) {
            compared.extend(self.compare(reading, some.to_vec()).await?);
        }
        let mut compared = compared.into_iter();
        let known = |(stored, kept): (_, Option<_>)| TouchedVersion {
            stored,
            paths: kept.or_else(|| compared.next().flatten()),
            last: None,
        };
        Ok(versions.into_iter().zip(kept).map(known).collect())
    }

    async fn compare(
        &self,
        reading: &Reading,
        versions: Vec<Arc<Stored>>,
    ) -> Outcome<Vec<Option<Arc<[Pointer]>>>> {
        let before: Vec<Seq> = versions.iter().filter_map(|it| it.prev).collect();
        let space = versions.first().map_or("", |it| it.key.space());
        let before = reading.versions(space, &before).await?;
        let bytes = |of: &mut dyn Iterator<Item = &Arc<Stored>>| -> usize {
            of.map(|it| it.body.len()).sum()
        };
        let bytes = bytes(&mut versions.iter()) + bytes(&mut before.iter().flatten());
        let touched = self.clone();
        let work = move || {
            let mut before = before.into_iter();
            let paths = versions.iter().map(|stored| {
                let paths = match stored.prev {
                    Some(_) => compare(before.next().flatten()?.as_ref().into(), stored),
                    None => compare(None, stored),
                }?;
                touched.kept().insert(name(stored), Arc::clone(&paths));
                Some(paths)
            });
            paths.collect()
        };
        offload(bytes, work).await
    }
}

fn name(stored: &Stored) -> (Key, u64) {
    (stored.key.clone(), stored.version)
}

/// `None` where comparing would take too long.
fn compare(before: Option<&Stored>, stored: &Stored) -> Option<Arc<[Pointer]>> {
    let size = before.map_or(0, |before| before.body.len());
    if size.max(stored.body.len()) > MAX_BYTES {
        return None;
    }
    let before = before.and_then(Stored::document);
    Some(touched(before.as_ref(), stored.document().as_ref()).into())
}
