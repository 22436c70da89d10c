use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// The largest set of keys that is read, in bytes.
pub const MAX_KEY_SET: usize = 256 * 1024;

/// Where a set of keys (RFC 7517) is published.
pub trait Source: Send + Sync {
    /// The document as it is now. Whoever asks gives up after five seconds, and takes no document
    /// longer than [`MAX_KEY_SET`]; a source should not read more than one byte beyond that.
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>>;
}

/// A set of keys in a file.
#[derive(Clone, Debug)]
pub struct FileSource(pub PathBuf);

impl Source for FileSource {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>> {
        let path = self.0.clone();
        let read = tokio::task::spawn_blocking(move || read(&path));
        async move { read.await.map_err(|error| error.to_string())? }.boxed()
    }
}

fn read(path: &Path) -> Result<Bytes, String> {
    let told = |error| format!("{}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(told)?;
    let mut bytes = Vec::new();
    let mut limited = file.take(MAX_KEY_SET as u64 + 1);
    limited.read_to_end(&mut bytes).map_err(told)?;
    Ok(bytes.into())
}
