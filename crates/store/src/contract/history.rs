use std::sync::Arc;

use detente_core::{Seq, Stored};

use super::PageLimit;

/// How far back to read the history of a document.
#[derive(Clone, Copy, Debug)]
pub struct HistorySpan {
    /// Only versions after this one.
    pub after: Seq,
    pub limit: PageLimit,
}

/// Versions of a document, back from one of them without a gap.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The newest first.
    pub versions: Vec<Arc<Stored>>,
    /// Whether a limit left out older ones.
    pub is_cut: bool,
}

/// Reads a history version by version, for a store that has no way to read it at once. `version`
/// is `None` for a version that is no longer kept.
///
/// # Errors
///
/// Those of `version`.
pub fn read_back<E>(
    newest: &Arc<Stored>,
    span: HistorySpan,
    mut version: impl FnMut(Seq) -> Result<Option<Arc<Stored>>, E>,
) -> Result<History, E> {
    let mut history = History::default();
    let mut page = span.limit.meter();
    let mut next = Some(Arc::clone(newest));
    while let Some(stored) = next.filter(|it| it.seq > span.after) {
        if !page.take(stored.body.len()) {
            history.is_cut = true;
            break;
        }
        next = match stored.prev {
            Some(prev) if prev > span.after => version(prev)?,
            _ => None,
        };
        history.versions.push(stored);
    }
    Ok(history)
}
