use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use detente_core::json::Value;
use detente_gate::{Key, MAX_TOKEN, Unknown};

use crate::signer::{RSA_PUBLIC, SECRET, Signer, encoded};
use crate::{NOW, NOW_S, claims, exact, jwt, trusting};

/// What becomes of a token where all four kinds of keys are trusted, none by an id.
async fn judged(token: &str) -> Result<(), Unknown> {
    let all = jwt(exact(), Signer::all().map(|it| it.key()));
    let judged = all.know(token, NOW).await.map(|_| ());
    if let Err(unknown) = &judged {
        let told = unknown.to_string();
        let shows = |part: &str| part.len() > 3 && told.contains(part);
        assert!(!token.split('.').any(shows), "{told}");
    }
    judged
}

fn is_malformed(judged: &Result<(), Unknown>) -> bool {
    matches!(judged, Err(Unknown::Malformed { .. }))
}

/// Header, claims, signature.
fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<_> = token.split('.').collect();
    parts.try_into().unwrap()
}

#[tokio::test]
async fn every_algorithm_is_taken_from_its_key() {
    for signer in Signer::all() {
        let token = signer.token(&claims());
        assert_eq!(judged(&token).await, Ok(()), "{}", signer.algorithm());
        for other in Signer::all() {
            let known = trusting(&other).know(&token, NOW).await;
            if other.algorithm() == signer.algorithm() {
                assert!(known.is_ok());
            } else {
                assert_eq!(known.unwrap_err(), Unknown::Algorithm);
            }
        }
    }
    let token = Signer::ed25519().signed(r#"{"alg":"Ed25519"}"#, &claims());
    assert_eq!(judged(&token).await, Ok(()));
}

#[tokio::test]
async fn unsigned_tokens_and_other_algorithms_are_refused() {
    let (signer, claims) = (Signer::hs256(), claims());
    for alg in [
        r#""none""#,
        r#""None""#,
        r#""NONE""#,
        r#""nOnE""#,
        r#"" none""#,
        r#""none\u0000""#,
        r#""""#,
        "null",
        "0",
        "false",
        "[]",
        r#"["HS256"]"#,
        r#"{"alg":"HS256"}"#,
        r#""hs256""#,
        r#""HS256 ""#,
        r#""HS384""#,
        r#""HS512""#,
        r#""RS384""#,
        r#""RS1""#,
        r#""PS256""#,
        r#""ES384""#,
        r#""ES256K""#,
        r#""Ed448""#,
        r#""eddsa""#,
        r#""dir""#,
        r#""RSA-OAEP""#,
    ] {
        let header = format!(r#"{{"alg":{alg}}}"#);
        let signed = signer.signed(&header, &claims);
        let [header, claims, _] = parts(&signed);
        for token in [&signed, &format!("{header}.{claims}.")] {
            assert_eq!(judged(token).await, Err(Unknown::Algorithm), "{alg}");
        }
    }
    let without = signer.signed(r#"{"typ":"JWT"}"#, &claims);
    assert_eq!(judged(&without).await, Err(Unknown::Algorithm));
}

/// A public key is no secret, so nothing that is signed with it as one may pass.
#[tokio::test]
async fn a_public_key_is_not_taken_for_a_secret() {
    let pem = RSA_PUBLIC.to_vec();
    let trimmed = pem.trim_ascii_end().to_vec();
    let body: String = std::str::from_utf8(&pem)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let der = STANDARD.decode(body).unwrap();
    for secret in [pem, trimmed, der] {
        let token = Signer::Hs256(secret).token(&claims());
        assert_eq!(judged(&token).await, Err(Unknown::Signature));
        let rsa = trusting(&Signer::rs256()).know(&token, NOW).await;
        assert_eq!(rsa.unwrap_err(), Unknown::Algorithm);
    }
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_counts_for_nothing() {
    let stranger = Signer::fresh();
    let jwk = stranger.jwk(r#","kid":"mine""#);
    for more in [
        format!(r#","jwk":{jwk}"#),
        format!(r#","jwk":{jwk},"kid":"mine""#),
        r#","jku":"https://attacker.example/keys""#.into(),
        r#","x5u":"https://attacker.example/chain.pem""#.into(),
        r#","x5c":["MIIB"],"x5t":"AAAA","x5t#S256":"AAAA""#.into(),
    ] {
        let token = stranger.token_with(&more, &claims());
        assert_eq!(judged(&token).await, Err(Unknown::Signature), "{more}");
        // They do no harm to a token that is good without them.
        let good = Signer::ed25519().token_with(&more, &claims());
        assert_eq!(judged(&good).await, Ok(()), "{more}");
    }
}

#[tokio::test]
async fn a_key_id_is_compared_and_nothing_else() {
    let signer = Signer::hs256();
    let key = || {
        Key::read(signer.algorithm(), SECRET)
            .unwrap()
            .with_id("one")
    };
    let named = jwt(exact(), [key()]);
    let cases = [
        (r#""one""#, Ok(())),
        (r#""\u006fne""#, Ok(())),
        (r#""One""#, Err(Unknown::NoKey)),
        (r#""one ""#, Err(Unknown::NoKey)),
        (r#""one\u0000""#, Err(Unknown::NoKey)),
        (r#""""#, Err(Unknown::NoKey)),
        (r#""../../../../dev/null""#, Err(Unknown::NoKey)),
        (
            r#""/proc/sys/kernel/randomize_va_space""#,
            Err(Unknown::NoKey),
        ),
        (r#""x' UNION SELECT 'one""#, Err(Unknown::NoKey)),
        (r#""one' OR '1'='1""#, Err(Unknown::NoKey)),
        (r#""one|/bin/true""#, Err(Unknown::NoKey)),
        (r#""https://attacker.example/keys""#, Err(Unknown::NoKey)),
        (r#""*""#, Err(Unknown::NoKey)),
    ];
    for (id, expected) in cases {
        let token = signer.token_with(&format!(r#","kid":{id}"#), &claims());
        let judged = named.know(&token, NOW).await.map(|_| ());
        assert_eq!(judged, expected, "{id}");
    }
    for id in ["1", "null", "[]", r#"["one"]"#, "{}", "true"] {
        let token = signer.token_with(&format!(r#","kid":{id}"#), &claims());
        let judged = named.know(&token, NOW).await.map(|_| ());
        assert!(is_malformed(&judged), "{id} {judged:?}");
    }
    // A key of another kind by the same id.
    let token = Signer::rs256().token_with(r#","kid":"one""#, &claims());
    let judged = named.know(&token, NOW).await.map(|_| ());
    assert_eq!(judged, Err(Unknown::Algorithm));
}

#[tokio::test]
async fn extensions_that_are_demanded_are_refused() {
    for more in [
        r#","crit":["exp"]"#,
        r#","crit":["b64"],"b64":false"#,
        r#","crit":[]"#,
        r#","crit":null"#,
        r#","crit":"exp""#,
    ] {
        let judged = judged(&Signer::hs256().token_with(more, &claims())).await;
        assert!(is_malformed(&judged), "{more} {judged:?}");
    }
}

#[tokio::test]
async fn what_is_not_written_in_the_one_way_is_refused() {
    let signer = Signer::rs256();
    let token = signer.token(&claims());
    let [header, claims, signature] = parts(&token);
    let padded = |part: &str| URL_SAFE.encode(Engine::decode(&base64_url(), part).unwrap());
    // The last letter has bits that mean nothing: two texts for the same bytes.
    let (front, last) = signature.split_at(signature.len() - 1);
    let twin = match last {
        "A" => "B",
        "Q" => "R",
        "g" => "h",
        _ => "x",
    };
    let wrong = [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        header.into(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{signature}."),
        format!(".{header}.{claims}.{signature}"),
        format!("{header}..{claims}.{signature}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}.{header}.{claims}.{signature}"),
        format!(".{claims}.{signature}"),
        format!("{token} "),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}\0"),
        format!("{token}AAA="),
        format!("{token}%3D"),
        format!("{header}.{claims} .{signature}"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}.{}", padded(signature)),
        format!("{header}.{claims}.{front}{twin}"),
        format!("{header}.{claims}.{}", signature.replace(['-', '_'], "+")),
        format!("{header}.{claims}.{front}+"),
        format!("{header}.{claims}.{front}é"),
    ];
    for token in wrong {
        let judged = judged(&token).await;
        assert!(is_malformed(&judged), "{token:?} {judged:?}");
    }
}

fn base64_url() -> base64::engine::GeneralPurpose {
    base64::engine::general_purpose::URL_SAFE_NO_PAD
}

#[tokio::test]
async fn a_signature_of_something_else_or_of_another_length_is_refused() {
    for signer in Signer::all() {
        let token = signer.token(&claims());
        let [header, claims_part, signature] = parts(&token);
        let bytes = Engine::decode(&base64_url(), signature).unwrap();
        let other = signer.token(&claims().replace("ann", "eve"));
        let [other_header, other_claims, other_signature] = parts(&other);
        assert_eq!(header, other_header);
        let mut turned = bytes.clone();
        turned[10] ^= 1;
        let wrong: Vec<Vec<u8>> = vec![
            Vec::new(),
            vec![0],
            vec![0; bytes.len()],
            vec![0xff; bytes.len()],
            bytes[..bytes.len() - 1].to_vec(),
            bytes[1..].to_vec(),
            [&bytes[..], &[0]].concat(),
            [&[0], &bytes[..]].concat(),
            [&bytes[..], &bytes[..]].concat(),
            turned,
        ];
        for wrong in wrong {
            let token = format!("{header}.{claims_part}.{}", encoded(&wrong));
            assert_eq!(judged(&token).await, Err(Unknown::Signature), "{wrong:?}");
        }
        for token in [
            format!("{header}.{other_claims}.{signature}"),
            format!("{header}.{claims_part}.{other_signature}"),
        ] {
            assert_eq!(judged(&token).await, Err(Unknown::Signature));
        }
    }
}

/// ECDSA: r and s of zero ("psychic signatures"), and the form that TLS uses.
#[tokio::test]
async fn signatures_of_curves_have_one_form() {
    let signer = Signer::es256();
    let token = signer.token(&claims());
    let [header, claims, signature] = parts(&token);
    let bytes = Engine::decode(&base64_url(), signature).unwrap();
    let (r, s) = bytes.split_at(32);
    let der = [&[0x30, 70, 2, 33, 0], r, &[2, 33, 0], s].concat();
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: Vec<_> = (0..32)
        .map(|at| u8::from_str_radix(&order[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let zeros = [0; 32];
    for wrong in [
        der,
        [&zeros[..], &zeros[..]].concat(),
        [r, &zeros[..]].concat(),
        [&zeros[..], s].concat(),
        [&order[..], &order[..]].concat(),
        [s, r].concat(),
        vec![0; 96],
    ] {
        let token = format!("{header}.{claims}.{}", encoded(&wrong));
        assert_eq!(judged(&token).await, Err(Unknown::Signature), "{wrong:?}");
    }
}

#[tokio::test]
async fn what_is_there_twice_is_refused() {
    let signer = Signer::hs256();
    for header in [
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"HS256","x":{"y":1,"y":1}}"#,
        r#"{"alg":"HS256"}{}"#,
        r#"{"alg":"HS256"},"#,
        r#"["HS256"]"#,
        r#""HS256""#,
        "null",
        "",
        "{",
        "\u{feff}{\"alg\":\"HS256\"}",
        r#"{"alg":"HS256","x":"\ud800"}"#,
    ] {
        let judged = judged(&signer.signed(header, &claims())).await;
        assert!(is_malformed(&judged), "{header} {judged:?}");
    }
    let exp = NOW_S + 60;
    for claims in [
        format!(r#"{{"sub":"ann","exp":{exp},"sub":"eve"}}"#),
        format!(r#"{{"sub":"ann","exp":1,"exp":{exp}}}"#),
        format!(r#"{{"sub":"ann","exp":{exp},"\u0065xp":{exp}}}"#),
        format!(r#"{{"sub":"ann","exp":{exp},"deep":[{{"a":1,"a":2}}]}}"#),
        format!(r#"{{"sub":"ann","exp":{exp}}} x"#),
        format!(r#"[{{"sub":"ann","exp":{exp}}}]"#),
        format!(r#"{{"sub":"ann","exp":+{exp}}}"#),
        format!(r#"{{"sub":"ann","exp":{exp},}}"#),
        r#"{"sub":"ann","exp":NaN}"#.into(),
        r#"{"sub":"ann","exp":0x7fffffff}"#.into(),
        "null".into(),
        String::new(),
    ] {
        let judged = judged(&signer.token(&claims)).await;
        assert!(is_malformed(&judged), "{claims} {judged:?}");
    }
    let token = signer.token("");
    let [header, _, _] = parts(&token);
    let message = format!("{header}.{}", encoded(b"{\"sub\":\"\xff\"}"));
    let signature = signer.signature(message.as_bytes());
    let judged = judged(&format!("{message}.{}", encoded(signature))).await;
    assert!(is_malformed(&judged), "{judged:?}");
}

#[tokio::test]
async fn huge_and_deep_tokens_are_refused_at_once() {
    let signer = Signer::hs256();
    let with = |filling: usize| {
        let filling = "x".repeat(filling);
        let exp = NOW_S + 60;
        signer.token(&format!(r#"{{"sub":"ann","exp":{exp},"x":"{filling}"}}"#))
    };
    let largest = (5000..8000)
        .map(with)
        .take_while(|it| it.len() <= MAX_TOKEN);
    let largest = largest.last().unwrap();
    assert!(largest.len() > MAX_TOKEN - 4);
    assert_eq!(judged(&largest).await, Ok(()));
    for bytes in [MAX_TOKEN + 1, 10_000_000] {
        for filling in ["x", ".", "é"] {
            let token = filling.repeat(bytes / filling.len() + 1);
            let bytes = token.len();
            assert_eq!(judged(&token).await, Err(Unknown::TooLarge { bytes }));
        }
    }
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    for token in [
        signer.signed(&deep, &claims()),
        signer.signed(&format!(r#"{{"alg":"HS256","x":{deep}}}"#), "{}"),
        signer.token(&deep),
    ] {
        let judged = judged(&token).await;
        assert!(is_malformed(&judged), "{judged:?}");
    }
}

/// What a token says is not believed before its signature is.
#[tokio::test]
async fn nothing_is_told_of_claims_that_nobody_signed() {
    let good = Signer::hs256();
    let stranger = Signer::Hs256(vec![7; 32]);
    for claims in ["", "{}", r#"{"exp":1,"sub":"ann"}"#, "[]"] {
        let token = stranger.token(claims);
        assert_eq!(judged(&token).await, Err(Unknown::Signature), "{claims}");
        assert_ne!(judged(&good.token(claims)).await, Err(Unknown::Signature));
    }
}

#[tokio::test]
async fn a_token_that_was_seen_is_no_better_than_before() {
    let signer = Signer::rs256();
    let jwt = trusting(&signer);
    let token = signer.token(&claims());
    let first = jwt.know(&token, NOW).await.unwrap();
    let again = jwt.know(&token, NOW).await.unwrap();
    assert!(
        std::sync::Arc::ptr_eq(&first.caller, &again.caller),
        "it was not kept"
    );
    let [header, claims, signature] = parts(&token);
    let forged = format!("{header}.{}.{signature}", encoded(r#"{"sub":"eve"}"#));
    let known = jwt.know(&forged, NOW).await;
    assert_eq!(known.unwrap_err(), Unknown::Signature);
    let stripped = format!("{header}.{claims}.");
    let known = jwt.know(&stripped, NOW).await;
    assert_eq!(known.unwrap_err(), Unknown::Signature);
    let after = detente_core::Moment(NOW.0 + 60_000);
    let known = jwt.know(&token, after).await;
    assert_eq!(known.unwrap_err(), Unknown::Expired { at: after });
    assert_eq!(first.caller.get("name"), Some(&Value::from("ann")));
}
