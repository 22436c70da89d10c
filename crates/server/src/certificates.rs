mod pair; // two files, read and found to fit
mod validity; // until when a certificate is good

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use detente_core::Moment;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::time::{MissedTickBehavior, interval};

use pair::Pair;
pub use pair::{Flaw, PairMistake};

/// How often it is looked whether the files changed.
const LOOK: Duration = Duration::from_secs(5);

/// The certificate of a server and its key: two PEM files. They are read again when they change; what
/// does not fit together, as between the replacement of one and of the other, changes nothing.
#[derive(Clone)]
pub struct Certificates(Arc<Files>);

struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// What connections begin with that come from now on.
    current: RwLock<Arc<ServerConfig>>,
    // A std mutex: nothing awaits while it is held.
    last: Mutex<Last>,
}

/// What was last read.
struct Last {
    stamps: Stamps,
    chain: Vec<CertificateDer<'static>>,
}

/// How the two files looked.
type Stamps = [Option<Stamp>; 2];

#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Of the content and of the rest, in seconds and nanoseconds.
    changed: [i64; 4],
}

impl Certificates {
    /// Reads both files. They may be one and the same.
    ///
    /// # Errors
    ///
    /// What is wrong in one of them, or that they do not fit together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, PairMistake> {
        let stamps = stamps(certificate, key);
        let pair = Pair::read(certificate, key)?;
        warn_if_ended(certificate, &pair);
        Ok(Self(Arc::new(Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: RwLock::new(pair.config),
            last: Mutex::new(Last {
                stamps,
                chain: pair.chain,
            }),
        })))
    }

    /// Reads both files again. Connections that are open go on as they are.
    ///
    /// # Errors
    ///
    /// As [`Certificates::read`]; then the former pair is kept.
    pub fn reload(&self) -> Result<(), PairMistake> {
        let Files {
            certificate,
            key,
            current,
            last,
        } = &*self.0;
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        // Before they are read: what changes meanwhile is seen the next time.
        last.stamps = stamps(certificate, key);
        let pair = Pair::read(certificate, key)?;
        if pair.chain == last.chain {
            return Ok(());
        }
        *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&pair.config);
        warn_if_ended(certificate, &pair);
        // Whoever reads this line gets the new one.
        tracing::info!(
            certificate = %certificate.display(),
            ends = pair.ends.map(tracing::field::display),
            "there is a new certificate"
        );
        last.chain = pair.chain;
        Ok(())
    }

    /// Reads the files again whenever they changed. Never ends.
    pub(crate) async fn keep_current(self) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let it = self.clone();
            // A disk may be slow.
            let _ = tokio::task::spawn_blocking(move || it.look()).await;
        }
    }

    fn look(&self) {
        let Files {
            certificate,
            key,
            last,
            ..
        } = &*self.0;
        let is_changed = {
            let last = last.lock().unwrap_or_else(PoisonError::into_inner);
            last.stamps != stamps(certificate, key)
        };
        if is_changed && let Err(mistake) = self.reload() {
            tracing::warn!(%mistake, "a new certificate is of no use, and the former one is kept");
        }
    }

    /// What a connection begins with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        let current = self.0.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("certificate", &self.0.certificate)
            .field("key", &self.0.key)
            .finish_non_exhaustive()
    }
}

fn stamps(certificate: &Path, key: &Path) -> Stamps {
    // Of what a link leads to: some programs only change where it leads.
    let stamp = |path: &Path| std::fs::metadata(path).ok().map(|it| Stamp::of(&it));
    [stamp(certificate), stamp(key)]
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            changed: [
                file.mtime(),
                file.mtime_nsec(),
                file.ctime(),
                file.ctime_nsec(),
            ],
        }
    }
}

/// Clients refuse a certificate that has ended, and the server's own clock may be wrong.
fn warn_if_ended(certificate: &Path, pair: &Pair) {
    if let Some(ends) = pair.ends
        && ends < Moment::from(SystemTime::now())
    {
        tracing::warn!(
            certificate = %certificate.display(),
            %ends,
            "the certificate has ended: clients will refuse it"
        );
    }
}

#[cfg(test)]
mod tests;
