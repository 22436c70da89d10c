//! TLS by flags instead of a file.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use detente_server::Certificates;

use super::Failure;
use crate::listen::Listen;

#[derive(Debug, Args)]
pub(super) struct TlsArgs {
    /// A PEM file with the server's certificate, and after it those that vouch for it: speak TLS. Replaces that
    /// of the configuration
    #[arg(
        long,
        env = "DETENTE_TLS_CERTIFICATE",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_certificate: Option<PathBuf>,
    /// A PEM file with the key of that certificate
    #[arg(
        long,
        env = "DETENTE_TLS_KEY",
        value_name = "FILE",
        requires = "tls_certificate"
    )]
    tls_key: Option<PathBuf>,
}

impl TlsArgs {
    /// What was said here, or else what the file says, if `listen` is for it.
    pub(super) fn certificates(
        &self,
        of_file: Option<Certificates>,
        listen: &Listen,
    ) -> Result<Option<Certificates>, Failure> {
        let certificates = match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                let read = Certificates::read(certificate, key);
                Some(read.map_err(|mistake| Failure::Usage(mistake.into()))?)
            }
            _ => of_file,
        };
        match listen {
            Listen::Unix(_) if certificates.is_some() => Err(Failure::Usage(anyhow!(
                "--listen {listen}: a socket in the file system has no TLS"
            ))),
            _ => Ok(certificates),
        }
    }
}
