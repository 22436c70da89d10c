use crate::Outcome;
use crate::explanation::What;

/// Work on at most so many bytes is done on the request's own thread: more would hold up the other
/// requests of that thread.
pub(crate) const LARGE: usize = 64 * 1024;

/// Runs work on `bytes` bytes: here if they are few, on a thread of its own if not.
///
/// # Errors
///
/// [`What::Failed`] if the work panicked.
pub async fn offload<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Outcome<T> {
    if bytes < LARGE {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| What::failed(error).into())
}
