use detente_core::LARGE;

use crate::Outcome;
use crate::explanation::What;

/// Runs work on `bytes` bytes: here if they are few, on a thread of its own if not. It is run at once; only who
/// wants its outcome waits.
///
/// # Errors
///
/// [`What::Failed`] if the work panicked.
pub fn offload<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Outcome<T>> {
    // Not within the future: it would have room for the work beside what the work comes to.
    let begun = match bytes < LARGE {
        true => Ok(work()),
        false => Err(tokio::task::spawn_blocking(work)),
    };
    async {
        match begun {
            Ok(done) => Ok(done),
            Err(begun) => begun.await.map_err(|error| What::failed(error).into()),
        }
    }
}
