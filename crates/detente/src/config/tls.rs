use std::path::{Path, PathBuf};

use detente_server::{Certificates, PairMistake};

use super::file::{Config, beside, parse_then, text_of};
use super::mistake::{Mistakes, Source};
use super::section::{Placed, Section};

/// The files of `[tls]`. They are read by whoever serves: a copy of the store needs no certificate.
#[derive(Debug)]
pub struct TlsFiles {
    certificate: Placed<PathBuf>,
    key: Placed<PathBuf>,
}

/// Reads a file, and what serving needs besides.
///
/// # Errors
///
/// Every mistake in the file and in the files that it names.
pub fn load_to_serve(path: &Path) -> Result<(Config, Option<Certificates>), Mistakes> {
    let text = text_of(path)?;
    let mut certificates = None;
    let config = parse_then(path, &text, |config, source| {
        certificates = config.tls.as_ref().and_then(|files| files.read(source));
    })?;
    Ok((config, certificates))
}

/// The files of `[tls]`, if there is such a section and it has both.
pub(super) fn tls(root: &Section<'_>) -> Option<TlsFiles> {
    let section = root.section("tls")?;
    let listen = root.get("listen").and_then(|it| it.get_ref().as_str());
    if listen.is_some_and(|it| it.starts_with("unix:")) {
        let message = "a socket in the file system, as listen names one, has no TLS";
        root.mistake(section.span.clone(), message);
    }
    let file = |key| {
        let path = section.needed_text(key)?;
        Some(Placed {
            value: beside(root, &path.value),
            span: path.span,
        })
    };
    let (certificate, key) = (file("certificate"), file("key"));
    section.finish();
    Some(TlsFiles {
        certificate: certificate?,
        key: key?,
    })
}

impl TlsFiles {
    fn read(&self, source: &Source<'_>) -> Option<Certificates> {
        match Certificates::read(&self.certificate.value, &self.key.value) {
            Ok(certificates) => Some(certificates),
            Err(mistake) => {
                self.tell(&mistake, source);
                None
            }
        }
    }

    /// At its place in the file that has it; of a file that is not there, where it is named.
    fn tell(&self, mistake: &PairMistake, source: &Source<'_>) {
        let Some(line) = mistake.line else {
            let named = match mistake.is_in_key {
                true => &self.key,
                false => &self.certificate,
            };
            source.mistake(named.span.clone(), mistake.to_string());
            return;
        };
        let before = "\n".repeat(line - 1);
        let file = source.beside(&mistake.file, &before);
        file.mistake(before.len()..before.len(), mistake.flaw.to_string());
    }
}

#[cfg(test)]
mod tests {
    use rcgen::generate_simple_self_signed;
    use tempfile::TempDir;

    use super::*;

    /// A folder with a configuration, and with the files of two pairs.
    fn folder(config: &str) -> TempDir {
        let folder = TempDir::new().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("detente.toml", config);
        for name in ["one", "two"] {
            let signed = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            write(&format!("{name}.crt"), &signed.cert.pem());
            write(&format!("{name}.key"), &signed.signing_key.serialize_pem());
        }
        write(
            "secret.key",
            "\n-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        folder
    }

    fn mistakes(config: &str) -> Vec<String> {
        let folder = folder(config);
        let Err(Mistakes(found)) = load_to_serve(&folder.path().join("detente.toml")) else {
            return Vec::new();
        };
        let told = found.iter().map(|it| {
            let name = it.file.file_name().unwrap().to_str().unwrap();
            format!("{name}:{}:{}: {}", it.line, it.column, it.message)
        });
        told.collect()
    }

    #[test]
    fn a_pair_that_fits_is_read() {
        let config = "[tls]\ncertificate = \"one.crt\"\nkey = \"one.key\"\n";
        let folder = folder(config);
        let (config, certificates) = load_to_serve(&folder.path().join("detente.toml")).unwrap();
        assert!(config.tls.is_some() && certificates.is_some());
        assert_eq!(mistakes("listen = \"unix:/x\"\n"), [""; 0]);
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let pair = |certificate: &str, key: &str| {
            format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n")
        };
        let cases = [
            (
                "tls = true".to_owned(),
                "detente.toml:1:7: tls must be a table",
            ),
            (
                "[tls]\nkey = \"one.key\"".to_owned(),
                "detente.toml:1:1: tls needs certificate",
            ),
            (
                "[tls]\ncertificate = \"one.crt\"".to_owned(),
                "detente.toml:1:1: tls needs key",
            ),
            (
                format!("{}keys = 1", pair("one.crt", "one.key")),
                "detente.toml:4:1: unknown setting tls.keys; did you mean key?",
            ),
            (
                format!("listen = \"unix:/x\"\n{}", pair("one.crt", "one.key")),
                "detente.toml:2:1: a socket in the file system",
            ),
            (pair("no.crt", "one.key"), "detente.toml:2:15: "),
            (pair("one.crt", "no.key"), "detente.toml:3:7: "),
            (
                pair("one.key", "one.key"),
                "one.key:1:1: there is no certificate here",
            ),
            (
                pair("one.crt", "one.crt"),
                "one.crt:1:1: there is no key here",
            ),
            (
                pair("one.crt", "two.key"),
                "two.key:1:1: this key is not that of the certificate in",
            ),
            (
                pair("one.crt", "secret.key"),
                "secret.key:2:1: the key is encrypted",
            ),
        ];
        for (config, expected) in cases {
            let found = mistakes(&config);
            assert_eq!(found.len(), 1, "{config}: {found:#?}");
            assert!(
                found[0].starts_with(expected),
                "{found:#?}, expected {expected}"
            );
        }
    }

    #[test]
    fn mistakes_of_certificates_are_told_along_with_all_others() {
        let config = "stale_status = 1\n[tls]\ncertificate = \"no.crt\"\nkey = \"one.key\"\n";
        let found = mistakes(config);
        assert!(
            found[0].starts_with("detente.toml:1:16: stale_status"),
            "{found:#?}"
        );
        assert!(found[1].starts_with("detente.toml:3:15: "), "{found:#?}");
        assert!(found[1].contains("no.crt cannot be read: "), "{found:#?}");
    }

    /// What only reads or copies the store must not fail because of a certificate.
    #[test]
    fn whoever_does_not_serve_reads_no_certificate() {
        let folder = folder("[tls]\ncertificate = \"no.crt\"\nkey = \"no.key\"\n");
        let path = folder.path().join("detente.toml");
        assert!(super::super::load(&path).is_ok());
        assert!(load_to_serve(&path).is_err());
    }
}
