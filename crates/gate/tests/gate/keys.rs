use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use detente_core::Moment;
use detente_core::json::Value;
use detente_gate::{Algorithm, Key, KeySetError, MAX_KEYS, NotAKey, Terms, Unknown, key_set};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::signer::{ED25519_PUBLIC, P256_PUBLIC, RSA_PUBLIC, Signer};
use crate::{NOW, claims, exact, jwt};

const RSA_PRIVATE: &[u8] = include_bytes!("../keys/rsa.private.pem");
const RSA_1024: &[u8] = include_bytes!("../keys/rsa-1024.public.pem");
const P384: &[u8] = include_bytes!("../keys/p384.public.pem");

#[test]
fn a_key_file_is_one_public_key_of_the_algorithm() {
    use Algorithm::{EdDsa, Es256, Hs256, Rs256};
    let both = [RSA_PUBLIC, P256_PUBLIC].concat();
    let commented = [b"# the key of our issuer\r\n", RSA_PUBLIC].concat();
    let windows = String::from_utf8_lossy(RSA_PUBLIC).replace('\n', "\r\n");
    let unpadded = String::from_utf8_lossy(ED25519_PUBLIC).replace("=\n", "\n");
    let other = |found, wanted| Err(NotAKey::Other { found, wanted });
    let label = |label: &str| {
        Err(NotAKey::Label {
            label: label.into(),
        })
    };
    let cases: [(Algorithm, &[u8], Result<Algorithm, NotAKey>); 19] = [
        (Rs256, RSA_PUBLIC, Ok(Rs256)),
        (Es256, P256_PUBLIC, Ok(Es256)),
        (EdDsa, ED25519_PUBLIC, Ok(EdDsa)),
        (Rs256, &commented, Ok(Rs256)),
        (Rs256, windows.as_bytes(), Ok(Rs256)),
        (Rs256, P256_PUBLIC, other(Es256, Rs256)),
        (Es256, RSA_PUBLIC, other(Rs256, Es256)),
        (EdDsa, P256_PUBLIC, other(Es256, EdDsa)),
        (Hs256, RSA_PUBLIC, Err(NotAKey::PemAsSecret)),
        (Hs256, RSA_PRIVATE, Err(NotAKey::PemAsSecret)),
        (Rs256, RSA_PRIVATE, label("PRIVATE KEY")),
        (
            Rs256,
            b"-----BEGIN CERTIFICATE-----\n",
            label("CERTIFICATE"),
        ),
        (Rs256, b"-----BEGIN \x1b[31m-----\n", Err(NotAKey::NotPem)),
        (Rs256, RSA_1024, Err(NotAKey::Rsa)),
        (Es256, P384, Err(NotAKey::Kind)),
        (Rs256, &both, Err(NotAKey::NotPem)),
        (Rs256, b"", Err(NotAKey::NotPem)),
        (Rs256, &RSA_PUBLIC[..200], Err(NotAKey::NotPem)),
        (EdDsa, unpadded.as_bytes(), Err(NotAKey::NotPem)),
    ];
    for (algorithm, file, expected) in cases {
        let read = Key::read(algorithm, file).map(|key| key.algorithm());
        assert_eq!(read, expected, "{algorithm} {}", file.escape_ascii());
    }
}

/// Whatever is cut off or turned, reading it ends, with a key or without.
#[test]
fn a_damaged_key_file_does_no_harm() {
    for (algorithm, file) in [
        (Algorithm::Rs256, RSA_PUBLIC),
        (Algorithm::Es256, P256_PUBLIC),
    ] {
        for at in 0..file.len() {
            assert!(Key::read(algorithm, &file[..at]).is_err() || at > file.len() - 2);
            for byte in [b'A', b'/', b'-', b'\n', 0xff] {
                let mut damaged = file.to_vec();
                damaged[at] = byte;
                let _ = Key::read(algorithm, &damaged);
            }
        }
    }
}

/// A public key in PEM.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}

proptest! {
    #[test]
    fn no_der_does_harm(
        file in select(vec![RSA_PUBLIC, P256_PUBLIC, ED25519_PUBLIC]),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
        noise in vec(any::<u8>(), 0..100),
    ) {
        let body = std::str::from_utf8(file).unwrap().lines().filter(|it| !it.starts_with('-'));
        let der = STANDARD.decode(body.collect::<String>()).unwrap();
        let mut changed = der.clone();
        for (at, byte) in changes {
            let at = at.index(changed.len());
            changed[at] = byte;
        }
        let cut = &der[..length.index(der.len())];
        let longer = [&der[..], &noise].concat();
        for der in [&changed, &noise, &longer, cut] {
            for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
                let read = Key::read(algorithm, pem(der).as_bytes());
                prop_assert!(read.is_err() || der.len() == changed.len());
            }
        }
    }
}

#[test]
fn nothing_secret_is_shown() {
    let key = Signer::hs256().key().with_id("one");
    let shown = format!("{key:?}");
    assert_eq!(shown, r#"Key { id: Some("one"), algorithm: Hs256, .. }"#);
}

fn set(keys: &[String]) -> Result<Vec<(Option<String>, Algorithm)>, KeySetError> {
    let document = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    let keys = key_set(document.as_bytes())?.into_iter();
    Ok(keys
        .map(|key| (key.id().map(str::to_owned), key.algorithm()))
        .collect())
}

#[test]
fn of_a_key_set_only_what_fits_is_taken() {
    let [_, rsa, p256, ed] = Signer::all();
    let taken = [
        rsa.jwk(""),
        rsa.jwk(r#","alg":"RS256","use":"sig","key_ops":["verify"]"#),
        rsa.jwk(r#","x5c":["MIIB"],"x5t":"x","other":{"a":1}"#),
        p256.jwk(r#","alg":"ES256""#),
        ed.jwk(r#","alg":"EdDSA""#),
        ed.jwk(r#","alg":"Ed25519""#),
        ed.jwk(r#","key_ops":["sign","verify"]"#),
    ];
    for jwk in taken {
        assert_eq!(
            set(std::slice::from_ref(&jwk)).map(|it| it.len()),
            Ok(1),
            "{jwk}"
        );
    }
    let short = URL_SAFE_NO_PAD.encode([1; 31]);
    let left_out = [
        rsa.jwk(r#","alg":"RS512""#),
        rsa.jwk(r#","alg":"PS256""#),
        rsa.jwk(r#","alg":"HS256""#),
        rsa.jwk(r#","alg":"ES256""#),
        rsa.jwk(r#","alg":"none""#),
        rsa.jwk(r#","alg":null"#),
        rsa.jwk(r#","use":"enc""#),
        rsa.jwk(r#","use":["sig"]"#),
        rsa.jwk(r#","key_ops":["encrypt"]"#),
        rsa.jwk(r#","key_ops":"verify""#),
        rsa.jwk(r#","kid":1"#),
        rsa.jwk("").replace(r#""kty":"RSA""#, r#""kty":"rsa""#),
        rsa.jwk("").replace(r#""e":"AQAB""#, r#""e":"AQ""#),
        rsa.jwk("").replace(r#""e":"AQAB""#, r#""e":"AQAB=""#),
        rsa.jwk("").replace(r#""e":"AQAB""#, r#""f":"AQAB""#),
        p256.jwk("").replace("P-256", "P-384"),
        p256.jwk("").replace("P-256", "secp256k1"),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{short}","y":"{short}"}}"#),
        ed.jwk("").replace("Ed25519", "X25519"),
        ed.jwk("").replace("Ed25519", "Ed448"),
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{short}"}}"#),
        r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AAAA"}"#.into(),
        "{}".into(),
        "null".into(),
        "[]".into(),
        r#""RSA""#.into(),
    ];
    for jwk in &left_out {
        let with_one = [jwk.clone(), ed.jwk(r#","kid":"good""#)];
        let good = vec![(Some("good".to_owned()), Algorithm::EdDsa)];
        assert_eq!(set(&with_one), Ok(good), "{jwk}");
    }
}

#[test]
fn a_key_set_that_gives_away_secrets_is_refused() {
    let [hs, rsa, p256, ed] = Signer::all();
    for secret in [
        hs.jwk(""),
        hs.jwk(r#","alg":"HS256","use":"sig""#),
        hs.jwk(r#","use":"enc""#),
        r#"{"kty":"oct"}"#.into(),
        ed.jwk(r#","k":"AAAA""#),
        rsa.jwk(r#","d":"AAAA""#),
        p256.jwk(r#","d":"AAAA""#),
        ed.jwk(r#","d":null"#),
    ] {
        let keys = [ed.jwk(""), secret.clone()];
        assert_eq!(set(&keys), Err(KeySetError::Secret), "{secret}");
    }
    let one = ed.jwk("");
    assert_eq!(
        set(&vec![one.clone(); MAX_KEYS]).map(|it| it.len()),
        Ok(MAX_KEYS)
    );
    let keys = MAX_KEYS + 1;
    assert_eq!(set(&vec![one; keys]), Err(KeySetError::TooMany { keys }));
    for wrong in ["{}", "[]", r#"{"keys":{}}"#, r#"{"keys":null}"#, "null"] {
        assert_eq!(
            key_set(wrong.as_bytes()).unwrap_err(),
            KeySetError::Shape,
            "{wrong}"
        );
    }
    for wrong in ["", "<html>", r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]} x"#] {
        let refused = key_set(wrong.as_bytes()).unwrap_err();
        assert!(matches!(refused, KeySetError::Syntax(_)), "{wrong}");
    }
}

#[tokio::test]
async fn keys_of_a_set_verify_what_their_owner_signs() {
    let signers = [Signer::rs256(), Signer::es256(), Signer::ed25519()];
    let keys: Vec<_> = signers.iter().map(|it| it.jwk("")).collect();
    let document = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    let jwt = jwt(exact(), key_set(document.as_bytes()).unwrap());
    for signer in signers {
        let known = jwt.know(&signer.token(&claims()), NOW).await;
        assert_eq!(&*known.unwrap().name, "ann");
    }
}

/// RFC 7515, appendices A.1 to A.3, and RFC 8037, appendix A.4.
#[tokio::test]
async fn the_examples_of_the_standards_are_verified() {
    let rsa = concat!(
        r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHm"#,
        "fHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGz",
        "jb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxv",
        r#"b3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"#,
        r#"yuXpoQ"}"#,
    );
    let p256 = concat!(
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#,
        r#""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    );
    let ed = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let secret =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let secret = URL_SAFE_NO_PAD.decode(secret).unwrap();
    let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let tokens = [
        format!(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{claims}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        ),
        format!(
            "eyJhbGciOiJSUzI1NiJ9.{claims}.{}{}{}{}",
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5j",
            "ujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L",
            "07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEU",
            "ipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        format!(
            "eyJhbGciOiJFUzI1NiJ9.{claims}.{}",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
    ];
    let terms = Terms {
        name: "iss".parse().unwrap(),
        ..exact()
    };
    let document = format!(r#"{{"keys":[{rsa},{p256},{ed}]}}"#);
    let mut keys = key_set(document.as_bytes()).unwrap();
    keys.push(Key::read(Algorithm::Hs256, &secret).unwrap());
    let jwt = jwt(terms, keys);
    for token in tokens {
        let known = jwt.know(&token, Moment(1_300_819_379_999)).await.unwrap();
        assert_eq!(&*known.name, "joe");
        let root = known.caller.get("claims").unwrap();
        assert_eq!(
            root.get("http://example.com/is_root"),
            Some(&Value::Bool(true))
        );
        let at = Moment(1_300_819_380_000);
        let later = jwt.know(&token, at).await;
        assert_eq!(later.unwrap_err(), Unknown::Expired { at });
    }
    // What this one signs are no claims.
    let text = concat!(
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3",
        "AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
    let why = "its claims are no JSON object";
    let known = jwt.know(text, NOW).await;
    assert_eq!(known.unwrap_err(), Unknown::Malformed { why });
    let forged = text.replace("hgyY", "hgyZ");
    let known = jwt.know(&forged, NOW).await;
    assert_eq!(known.unwrap_err(), Unknown::Signature);
}
