use std::sync::Arc;
use std::time::Duration;

use detente_core::Moment;
use detente_gate::{Claim, Gate, Jwt, Known, Terms, Token, Tokens, Unknown};
use detente_service::{Action, MAX_ACTOR, Names, Place, Rights};

use crate::signer::Signer;
use crate::{NOW, NOW_S, claims, exact, jwt};

async fn known(terms: Terms, claims: &str, now: Moment) -> Result<Known, Unknown> {
    let signer = Signer::hs256();
    let jwt = jwt(terms, [signer.key()]);
    jwt.know(&signer.token(claims), now).await
}

fn claim(text: &str) -> Claim {
    text.parse().unwrap()
}

fn no_date(claim: &str) -> Unknown {
    Unknown::Claims {
        claim: claim.into(),
        wanted: "a number of seconds since 1970",
    }
}

/// Good claims with more members.
fn with(more: &str) -> String {
    format!(r#"{{"sub":"ann","exp":{}{more}}}"#, NOW_S + 60)
}

#[tokio::test]
async fn a_token_is_good_from_and_until() {
    let s = NOW_S as i64;
    let terms = |leeway| Terms {
        leeway: Duration::from_secs(leeway),
        ..Terms::default()
    };
    let at = |seconds: i64, ms: u64| Moment(seconds as u64 * 1000 + ms);
    let expired = |seconds| Err(Unknown::Expired { at: at(seconds, 0) });
    let not_yet = |seconds| Err(Unknown::NotYet { at: at(seconds, 0) });
    let cases = [
        (format!(r#""exp":{}"#, s + 1), 0, Ok(())),
        (format!(r#""exp":{s}"#), 0, expired(s)),
        (format!(r#""exp":{}"#, s - 59), 60, Ok(())),
        (format!(r#""exp":{}"#, s - 60), 60, expired(s)),
        (format!(r#""exp":{}.5"#, s - 60), 60, Ok(())),
        (format!(r#""exp":{s}.0009"#), 0, expired(s)),
        (format!(r#""exp":{}e1"#, (s + 10) / 10), 0, Ok(())),
        (r#""exp":0"#.into(), 60, expired(60)),
        (format!(r#""exp":{},"nbf":{s}"#, s + 9), 0, Ok(())),
        (
            format!(r#""exp":{},"nbf":{}"#, s + 9, s + 1),
            0,
            not_yet(s + 1),
        ),
        (format!(r#""exp":{},"nbf":{}"#, s + 99, s + 60), 60, Ok(())),
        (
            format!(r#""exp":{},"nbf":{}"#, s + 99, s + 61),
            60,
            not_yet(s + 1),
        ),
        (format!(r#""exp":{},"iat":{s}"#, s + 9), 0, Ok(())),
        (
            format!(r#""exp":{},"iat":{}"#, s + 9, s + 1),
            0,
            not_yet(s + 1),
        ),
        (format!(r#""exp":{},"iat":{}"#, s + 99, s + 60), 60, Ok(())),
        (
            format!(r#""exp":{},"iat":{}"#, s + 99, s + 61),
            60,
            not_yet(s + 1),
        ),
        (
            format!(r#""exp":{},"nbf":{s}.0001"#, s + 9),
            0,
            Err(Unknown::NotYet { at: at(s, 1) }),
        ),
    ];
    for (dates, leeway, expected) in cases {
        let claims = format!(r#"{{"sub":"ann",{dates}}}"#);
        let judged = known(terms(leeway), &claims, NOW).await.map(|_| ());
        assert_eq!(judged, expected, "{dates} with {leeway}");
    }
    let good = known(terms(60), &with(""), NOW).await.unwrap();
    assert_eq!(good.until, Some(at(s + 120, 0)));
    let last = known(terms(60), &with(""), at(s + 119, 999)).await;
    assert!(last.is_ok());
    assert_eq!(Terms::default().leeway, Duration::from_secs(60));
}

#[tokio::test]
async fn dates_are_numbers_that_a_clock_could_show() {
    let exp = NOW_S + 60;
    for wrong in [
        "null".into(),
        "true".into(),
        "[]".into(),
        "{}".into(),
        format!(r#""{exp}""#),
        format!("[{exp}]"),
        format!("-{exp}"),
        "-1".into(),
        "1e400".into(),
        "-1e400".into(),
        "1e300".into(),
        "253402300800".into(),
        "18446744073709551616".into(),
        "18446744073709551615".into(),
        // Milliseconds.
        format!("{exp}000"),
    ] {
        let claims = format!(r#"{{"sub":"ann","exp":{wrong}}}"#);
        let judged = known(exact(), &claims, NOW).await.map(|_| ());
        assert_eq!(judged, Err(no_date("exp")), "{wrong}");
        for name in ["nbf", "iat"] {
            let claims = with(&format!(r#","{name}":{wrong}"#));
            let judged = known(exact(), &claims, NOW).await.map(|_| ());
            assert_eq!(judged, Err(no_date(name)), "{name} {wrong}");
        }
    }
    let judged = known(exact(), r#"{"sub":"ann"}"#, NOW).await;
    assert_eq!(judged.unwrap_err(), no_date("exp"));
}

#[tokio::test]
async fn issuer_and_audience_are_those_of_the_terms() {
    let terms = || Terms {
        issuer: Some("https://id.example/".into()),
        audiences: vec!["detente".into(), "notes".into()],
        ..exact()
    };
    let strings = Unknown::Claims {
        claim: "aud".into(),
        wanted: "a string or a list of strings",
    };
    let cases = [
        (r#""https://id.example/""#, r#""detente""#, Ok(())),
        (r#""https://id.example/""#, r#"["other","notes"]"#, Ok(())),
        (
            r#""https://id.example/""#,
            r#"["other"]"#,
            Err(Unknown::Audience),
        ),
        (r#""https://id.example/""#, "[]", Err(Unknown::Audience)),
        (r#""https://id.example/""#, "null", Err(Unknown::Audience)),
        (
            r#""https://id.example/""#,
            r#""detente notes""#,
            Err(Unknown::Audience),
        ),
        (
            r#""https://id.example/""#,
            r#""Detente""#,
            Err(Unknown::Audience),
        ),
        (
            r#""https://id.example/""#,
            r#"["detente",1]"#,
            Err(strings.clone()),
        ),
        (
            r#""https://id.example/""#,
            r#"[["detente"]]"#,
            Err(strings.clone()),
        ),
        (
            r#""https://id.example/""#,
            r#"{"detente":true}"#,
            Err(strings),
        ),
        (
            r#""https://id.example""#,
            r#""detente""#,
            Err(Unknown::Issuer),
        ),
        (
            r#""https://ID.example/""#,
            r#""detente""#,
            Err(Unknown::Issuer),
        ),
        (
            r#"["https://id.example/"]"#,
            r#""detente""#,
            Err(Unknown::Issuer),
        ),
        ("null", r#""detente""#, Err(Unknown::Issuer)),
    ];
    for (iss, aud, expected) in cases {
        let claims = with(&format!(r#","iss":{iss},"aud":{aud}"#));
        let judged = known(terms(), &claims, NOW).await.map(|_| ());
        assert_eq!(judged, expected, "{iss} {aud}");
        // Where nobody asks, anything goes.
        assert!(known(exact(), &claims, NOW).await.is_ok());
    }
    let judged = known(terms(), &claims(), NOW).await;
    assert_eq!(judged.unwrap_err(), Unknown::Issuer);
    let judged = known(terms(), &with(r#","iss":"https://id.example/""#), NOW).await;
    assert_eq!(judged.unwrap_err(), Unknown::Audience);
}

#[tokio::test]
async fn whoever_has_no_name_is_nobody() {
    let long = format!(r#""{}""#, "x".repeat(MAX_ACTOR + 1));
    let no_name = || Unknown::NoName {
        claim: "sub".into(),
    };
    for wrong in [
        "\"\"",
        "1",
        "null",
        "[\"ann\"]",
        "{}",
        r#""a\nb""#,
        r#""a\u0000""#,
        &long,
    ] {
        let claims = format!(r#"{{"sub":{wrong},"exp":{}}}"#, NOW_S + 60);
        let judged = known(exact(), &claims, NOW).await;
        assert_eq!(judged.unwrap_err(), no_name(), "{wrong}");
    }
    let judged = known(exact(), &format!(r#"{{"exp":{}}}"#, NOW_S + 60), NOW).await;
    assert_eq!(judged.unwrap_err(), no_name());
    let cases = [
        ("email", Ok("a@example.org")),
        ("/user/name", Ok("Zoë")),
        ("https://example.org/name", Ok("dotted")),
        ("/https:~1~1example.org~1name", Ok("dotted")),
        ("user.name", Err(())),
        ("/user", Err(())),
    ];
    let claims = with(
        r#","email":"a@example.org","user":{"name":"Zoë"},"https://example.org/name":"dotted""#,
    );
    for (name, expected) in cases {
        let terms = Terms {
            name: claim(name),
            ..exact()
        };
        let known = known(terms, &claims, NOW).await;
        let found = known.as_ref().map(|it| &*it.name).map_err(|_| ());
        assert_eq!(found, expected, "{name}");
    }
    assert!("/a~2".parse::<Claim>().is_err());
}

#[tokio::test]
async fn access_rules_see_name_roles_and_all_claims() {
    let strings = Unknown::Claims {
        claim: "roles".into(),
        wanted: "a string or a list of strings",
    };
    let cases = [
        ("roles", "", Ok("[]")),
        ("roles", r#","roles":"admin""#, Ok(r#"["admin"]"#)),
        ("roles", r#","roles":["a","b"]"#, Ok(r#"["a","b"]"#)),
        ("roles", r#","roles":null"#, Ok("[]")),
        ("roles", r#","roles":[1]"#, Err(strings.clone())),
        ("roles", r#","roles":{"admin":true}"#, Err(strings)),
        (
            "/realm_access/roles",
            r#","realm_access":{"roles":["x"]}"#,
            Ok(r#"["x"]"#),
        ),
        ("/realm_access/roles", r#","roles":["a"]"#, Ok("[]")),
    ];
    for (roles, more, expected) in cases {
        let terms = Terms {
            roles: claim(roles),
            ..exact()
        };
        let claims = with(more);
        let found = known(terms, &claims, NOW).await;
        let found = found.map(|it| it.caller.to_text());
        let expected =
            expected.map(|roles| format!(r#"{{"name":"ann","roles":{roles},"claims":{claims}}}"#));
        assert_eq!(found, expected, "{more}");
    }
}

fn actions(rights: &Rights, space: &str, collection: &str) -> Vec<&'static str> {
    let place = Place::Collection { space, collection };
    let may = Action::ALL
        .into_iter()
        .filter(|it| rights.allow(*it, place));
    may.map(Action::word).collect()
}

#[tokio::test]
async fn rights_are_those_of_the_terms_or_of_the_claim() {
    let usual = vec!["read", "create", "update", "delete", "resolve"];
    let of = |rights_claim: Option<&str>, prefix: &str| Terms {
        rights_claim: rights_claim.map(claim),
        rights_prefix: prefix.into(),
        ..exact()
    };
    let cases = [
        (of(None, ""), r#","scope":"read""#, usual),
        (of(Some("scope"), ""), "", vec![]),
        (of(Some("scope"), ""), r#","scope":"""#, vec![]),
        (of(Some("scope"), ""), r#","scope":null"#, vec![]),
        (
            of(Some("scope"), ""),
            r#","scope":"openid read update:notes""#,
            vec!["read", "update"],
        ),
        (
            of(Some("scope"), ""),
            r#","scope":"openid  Read update:users _""#,
            vec![],
        ),
        (
            of(Some("scope"), ""),
            r#","scope":["read","delete:notes"]"#,
            vec!["read", "delete"],
        ),
        (
            of(Some("scope"), "detente:"),
            r#","scope":"read write""#,
            vec![],
        ),
        (
            of(Some("scope"), "detente:"),
            r#","scope":"other:read detente:write:notes detente:operate""#,
            vec!["create", "update", "delete", "operate"],
        ),
        (of(Some("/a/b"), ""), r#","a":{"b":"read"}"#, vec!["read"]),
    ];
    for (terms, more, expected) in cases {
        let known = known(terms, &with(more), NOW).await.unwrap();
        assert_eq!(actions(&known.rights, "s", "notes"), expected, "{more}");
    }
    let judged = known(of(Some("scope"), ""), &with(r#","scope":7"#), NOW).await;
    assert!(matches!(judged, Err(Unknown::Claims { .. })));
}

#[tokio::test]
async fn spaces_are_those_of_the_terms_or_of_the_claim() {
    let here = || Names::Only([Box::from("here")].into());
    let terms = |spaces_claim: Option<&str>, rights_claim: Option<&str>| Terms {
        rights: Rights::usual(here()),
        spaces_claim: spaces_claim.map(claim),
        rights_claim: rights_claim.map(claim),
        ..exact()
    };
    let only = |names: &[&str]| Names::Only(names.iter().map(|it| Box::from(*it)).collect());
    let more = r#","tenant":"t","tenants":["a","b"],"scope":"read""#;
    for rights_claim in [None, Some("scope")] {
        let cases = [
            (None, here()),
            (Some("tenant"), only(&["t"])),
            (Some("tenants"), only(&["a", "b"])),
            (Some("absent"), only(&[])),
        ];
        for (spaces_claim, expected) in cases {
            let terms = terms(spaces_claim, rights_claim);
            let known = known(terms, &with(more), NOW).await.unwrap();
            assert_eq!(known.rights.spaces, expected, "{spaces_claim:?}");
        }
    }
}

#[tokio::test]
async fn a_secret_goes_where_its_shape_says() {
    let signer = Signer::hs256();
    let jwt = || Jwt::new(exact(), vec![signer.key()], None);
    let tokens = || {
        let mut tokens = Tokens::default();
        for secret in ["plain", "a.b.c"] {
            let token = Token {
                name: secret.into(),
                rights: Arc::new(Rights::ALL),
                roles: Vec::new(),
            };
            tokens.add(Tokens::digest(secret), token);
        }
        tokens
    };
    let signed = signer.token(&claims());
    let cases = [
        (true, true, "plain", Some("plain")),
        (true, true, &signed, Some("ann")),
        (true, true, "a.b.c", None),
        (true, false, "a.b.c", Some("a.b.c")),
        (true, false, &signed, None),
        (false, true, "plain", None),
        (false, true, &signed, Some("ann")),
        (false, false, &signed, None),
        (true, true, "", None),
    ];
    for (has_tokens, has_jwt, secret, name) in cases {
        let gate = Gate {
            tokens: has_tokens.then(tokens),
            jwt: has_jwt.then(jwt),
        };
        let known = gate.know(secret, || NOW).await;
        let found = known.as_ref().ok().map(|it| &*it.name);
        assert_eq!(found, name, "{has_tokens} {has_jwt} {secret}");
        if let Err(unknown) = known {
            assert!(secret.is_empty() || !unknown.to_string().contains(secret));
        }
    }
}
