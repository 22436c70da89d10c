use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

const RSA_PKCS1: &str = include_str!("../samples/rsa_pkcs1.pem");
const RSA_PKCS8: &str = include_str!("../samples/rsa_pkcs8.pem");
const EC_SEC1: &str = include_str!("../samples/ec_sec1.pem");
const P521: &str = include_str!("../samples/ec_p521.pem");

/// A certificate and its key, in PEM.
fn signed(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn read(certificate: &str, key: &str) -> Result<Pair, PairMistake> {
    let folder = TempDir::new().unwrap();
    let paths = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&paths[0], certificate).unwrap();
    std::fs::write(&paths[1], key).unwrap();
    Pair::read(&paths[0], &paths[1])
}

#[test]
fn keys_of_all_forms_are_read() {
    let (p256, p256_key) = signed(&rcgen::PKCS_ECDSA_P256_SHA256);
    let (p384, p384_key) = signed(&rcgen::PKCS_ECDSA_P384_SHA384);
    let (ed25519, ed25519_key) = signed(&rcgen::PKCS_ED25519);
    let windows = |text: &str| text.replace('\n', "\r\n");
    let cases = [
        ("PKCS#8, P-256", p256.clone(), p256_key.clone(), 1),
        ("PKCS#8, P-384", p384.clone(), p384_key, 1),
        ("PKCS#8, Ed25519", ed25519, ed25519_key, 1),
        ("PKCS#8, RSA", RSA_PKCS1.to_owned(), RSA_PKCS8.to_owned(), 1),
        (
            "PKCS#1, in one file",
            RSA_PKCS1.to_owned(),
            RSA_PKCS1.to_owned(),
            1,
        ),
        (
            "SEC 1, with its curve",
            EC_SEC1.to_owned(),
            EC_SEC1.to_owned(),
            1,
        ),
        ("a chain", format!("{p256}{p384}"), p256_key.clone(), 2),
        (
            "lines of Windows",
            windows(&format!("{p256}{p384}")),
            windows(&p256_key),
            2,
        ),
        (
            "comments",
            format!("Subject: x\n{p256}\n\n# y\n{p384}"),
            p256_key,
            2,
        ),
    ];
    for (what, certificate, key, count) in cases {
        let pair = read(&certificate, &key).unwrap_or_else(|mistake| panic!("{what}: {mistake}"));
        assert_eq!(pair.chain.len(), count, "{what}");
        assert!(pair.ends.is_some(), "{what}");
        assert_eq!(pair.config.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
        assert_eq!(pair.config.max_early_data_size, 0);
    }
}

#[test]
fn every_mistake_has_its_place() {
    let (own, key) = signed(&rcgen::PKCS_ECDSA_P256_SHA256);
    let (other, other_key) = signed(&rcgen::PKCS_ECDSA_P256_SHA256);
    let lines = own.lines().count();
    let cut = other.replace("-----END CERTIFICATE-----", "");
    let junk = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\nMAA=\n";
    let cases: &[(&str, &str, &str)] = &[
        ("", &key, "cert.pem:1: there is no certificate here"),
        (&key, &key, "cert.pem:1: there is no certificate here"),
        (
            &format!("{own}{cut}"),
            &key,
            &format!(
                "cert.pem:{}: this section is broken: it does not end",
                lines + 1
            ),
        ),
        (
            &own.replace("MI", "M!"),
            &key,
            "cert.pem:1: this section is broken: it is not Base64",
        ),
        (
            &format!("\n{junk}"),
            &key,
            "cert.pem:2: this is not a certificate",
        ),
        (&own, "", "key.pem:1: there is no key here"),
        (&own, &own, "key.pem:1: there is no key here"),
        (&own, encrypted, "key.pem:1: the key is encrypted"),
        (&own, old, "key.pem:2: the key is encrypted"),
        (&own, P521, "key.pem:1: this key cannot be used"),
        (
            &own,
            &format!("{own}{other_key}"),
            &format!("key.pem:{}: this key is not that", lines + 1),
        ),
        (
            &format!("{other}{own}"),
            &key,
            "key.pem:1: this key is that of certificate 2",
        ),
    ];
    for (certificate, key, expected) in cases {
        let mistake = read(certificate, key).map(drop).unwrap_err();
        let name = mistake.file.file_name().unwrap().to_str().unwrap();
        let found = format!("{name}:{}: {}", mistake.line.unwrap(), mistake.flaw);
        assert!(found.starts_with(expected), "{found}, expected {expected}");
        assert_eq!(mistake.is_in_key, name == "key.pem");
    }
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let mistake = Pair::read(
        Path::new("/nowhere/cert.pem"),
        Path::new("/nowhere/key.pem"),
    );
    let mistake = mistake.map(drop).unwrap_err();
    assert_eq!(mistake.line, None);
    let text = mistake.to_string();
    assert!(
        text.starts_with("/nowhere/cert.pem cannot be read: "),
        "{text}"
    );
}
