use detente_core::LARGE;

use crate::Outcome;
use crate::explanation::What;

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
