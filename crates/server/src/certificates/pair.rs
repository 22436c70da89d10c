use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use detente_core::Moment;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{self, Ticketer};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{Error, InconsistentKeys};

use super::validity;

/// What a section of a PEM file begins with (RFC 7468, section 2).
const BEGIN: &[u8] = b"-----BEGIN ";

/// What is in a key that wants a password: of PKCS #8, and of OpenSSL's own form (RFC 1421).
const ENCRYPTED: [&[u8]; 2] = [
    b"-----BEGIN ENCRYPTED PRIVATE KEY",
    b"Proc-Type: 4,ENCRYPTED",
];

/// What is spoken behind TLS, the better one first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A certificate and its key, ready for connections.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) config: Arc<ServerConfig>,
    /// When the certificate ends, if that can be told.
    pub(super) ends: Option<Moment>,
}

/// What is wrong with a certificate or its key, and where.
#[derive(Debug, thiserror::Error)]
pub struct PairMistake {
    /// Whether it is in the file of the key.
    pub is_in_key: bool,
    pub file: PathBuf,
    /// From 1; `None` if the file cannot be read.
    pub line: Option<usize>,
    pub flaw: Flaw,
}

impl fmt::Display for PairMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match self.line {
            Some(line) => write!(f, ":{line}: {}", self.flaw),
            None => write!(f, " {}", self.flaw),
        }
    }
}

/// What can be wrong with a certificate or its key.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("this section is broken: {0}")]
    BrokenSection(&'static str),
    #[error("there is no certificate here, which would begin with -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    #[error("this is not a certificate: {0}")]
    NotACertificate(Error),
    #[error("there is no key here, which would begin with -----BEGIN PRIVATE KEY-----")]
    NoKey,
    #[error("the key is encrypted, and nobody is there to be asked for its password: decrypt it")]
    EncryptedKey,
    #[error(
        "this key cannot be used: it must be RSA with 2048 to 4096 bits, ECDSA with P-256 or P-384, or Ed25519"
    )]
    UnusableKey,
    #[error("this key is not that of the certificate in {}", certificate.display())]
    KeyOfAnother { certificate: PathBuf },
    /// `position` counts from 1.
    #[error(
        "this key is that of certificate {position} in {}: the server's own must come first, then those \
         that vouch for it",
        certificate.display()
    )]
    KeyOfLater {
        certificate: PathBuf,
        position: usize,
    },
}

impl Pair {
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, PairMistake> {
        let certificates = File::read(certificate, false)?;
        let keys = File::read(key, true)?;
        let (first_line, chain) = certificates.chain()?;
        let (key_line, key) = keys.key()?;
        let provider = ring::default_provider();
        let usable = provider.key_provider.load_private_key(key);
        let usable = usable.map_err(|_| keys.mistake(key_line, Flaw::UnusableKey))?;
        let certified = CertifiedKey::new(chain.clone(), usable);
        match certified.keys_match() {
            // Not every kind of key can tell.
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => {
                return Err(keys.mistake(key_line, misfit(&certified, certificate)));
            }
            Err(error) => {
                return Err(certificates.mistake(first_line, Flaw::NotACertificate(error)));
            }
        }
        let ends = chain.first().and_then(|it| validity::end(it));
        Ok(Self {
            chain,
            config: config(certified, provider),
            ends,
        })
    }
}

/// Whose key it is, if not that of the first certificate.
fn misfit(certified: &CertifiedKey, certificate: &Path) -> Flaw {
    let certificate = certificate.to_owned();
    let is_its = |it: &CertificateDer<'static>| {
        let one = CertifiedKey::new(vec![it.clone()], Arc::clone(&certified.key));
        one.keys_match().is_ok()
    };
    match certified.cert.iter().position(is_its) {
        Some(index) => Flaw::KeyOfLater {
            certificate,
            position: index + 1,
        },
        None => Flaw::KeyOfAnother { certificate },
    }
}

/// No early data: what comes with it could be sent again by somebody else (RFC 8446, section 8).
fn config(certified: CertifiedKey, provider: CryptoProvider) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .expect("ring has cipher suites for both versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    // Whoever comes again proves it by what they were given: nothing is kept for each client. Its
    // keys are new ones with each certificate.
    if let Ok(ticketer) = Ticketer::new() {
        config.ticketer = ticketer;
    }
    Arc::new(config)
}

/// One of the two files, as it was read.
struct File {
    path: PathBuf,
    is_key: bool,
    content: Vec<u8>,
}

impl File {
    fn read(path: &Path, is_key: bool) -> Result<Self, PairMistake> {
        match std::fs::read(path) {
            Ok(content) => Ok(Self {
                path: path.to_owned(),
                is_key,
                content,
            }),
            Err(error) => Err(PairMistake {
                is_in_key: is_key,
                file: path.to_owned(),
                line: None,
                flaw: Flaw::Unreadable(error),
            }),
        }
    }

    /// All certificates, and the line of the first.
    fn chain(&self) -> Result<(usize, Vec<CertificateDer<'static>>), PairMistake> {
        let found = self.all::<CertificateDer<'static>>()?;
        match found.first() {
            Some((line, _)) => Ok((*line, found.into_iter().map(|(_, it)| it).collect())),
            None => Err(self.mistake(1, Flaw::NoCertificate)),
        }
    }

    /// The first key, and its line.
    fn key(&self) -> Result<(usize, PrivateKeyDer<'static>), PairMistake> {
        let is_encrypted = |line: &[u8]| ENCRYPTED.iter().any(|sign| line.starts_with(sign));
        let encrypted = self.content.split(|byte| *byte == b'\n');
        if let Some(index) = encrypted.into_iter().position(is_encrypted) {
            return Err(self.mistake(index + 1, Flaw::EncryptedKey));
        }
        let first = self.all()?.into_iter().next();
        first.ok_or_else(|| self.mistake(1, Flaw::NoKey))
    }

    /// Everything of one kind, with the lines where it begins.
    fn all<T: PemObject>(&self) -> Result<Vec<(usize, T)>, PairMistake> {
        let mut all = Vec::new();
        for (line, section) in self.sections() {
            for found in T::pem_slice_iter(section) {
                let broken = |error| self.mistake(line, Flaw::BrokenSection(why(&error)));
                all.push((line, found.map_err(broken)?));
            }
        }
        Ok(all)
    }

    /// The sections, with the lines where they begin.
    fn sections(&self) -> Vec<(usize, &[u8])> {
        let mut sections: Vec<(usize, usize)> = Vec::new();
        let mut at = 0;
        for (index, line) in self
            .content
            .split_inclusive(|byte| *byte == b'\n')
            .enumerate()
        {
            if line.starts_with(BEGIN) {
                sections.push((index + 1, at));
            }
            at += line.len();
        }
        let ends = sections.iter().skip(1).map(|(_, start)| *start);
        let ends = ends.chain([self.content.len()]);
        let placed = sections.iter().zip(ends);
        placed
            .map(|((line, start), end)| (*line, &self.content[*start..end]))
            .collect()
    }

    fn mistake(&self, line: usize, flaw: Flaw) -> PairMistake {
        PairMistake {
            is_in_key: self.is_key,
            file: self.path.clone(),
            line: Some(line),
            flaw,
        }
    }
}

fn why(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "it does not end with its -----END",
        pem::Error::IllegalSectionStart { .. } => "its first line does not end with -----",
        pem::Error::Base64Decode(_) => "it is not Base64",
        _ => "it cannot be read",
    }
}

#[cfg(test)]
mod tests;
