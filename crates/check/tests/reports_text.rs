//! Reports that are text: what programs, CI systems, shells and people read.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use detente_check::report::{Credentials, Form, Style, terminal};
use detente_check::{
    Evidence, Exchange, Grade, LostUpdates, ProbeReport, Protocol, Reply, Report, Request,
    Response, Severity, Spread, Unsure, Verdict,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;
use serde_json::Value;

const SECRET: &str = "s3cret";

fn request(method: Method, base: &str, fields: &[(&str, &str)], body: &str) -> Request {
    let url = format!("{base}/one?a=b%20c").parse().unwrap();
    let mut request = with_fields(Request::new(method, url), fields);
    request.body = body.to_owned().into();
    request
}

fn with_fields(request: Request, fields: &[(&str, &str)]) -> Request {
    fields.iter().fold(request, |request, (name, value)| {
        request.with(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        )
    })
}

fn answer(status: StatusCode, fields: &[(&str, &str)], body: &[u8]) -> Reply {
    let request = with_fields(Request::get("http://127.0.0.1/".parse().unwrap()), fields);
    Reply::Received(Response {
        status,
        headers: request.headers,
        body: body.to_vec().into(),
    })
}

/// Times in milliseconds.
fn exchange(number: u32, actor: &str, times: [u64; 3], request: Request, reply: Reply) -> Exchange {
    let [begun, released, ended] = times.map(Duration::from_millis);
    Exchange {
        number,
        actor: actor.into(),
        protocol: if number.is_multiple_of(2) {
            Protocol::Http2
        } else {
            Protocol::Http1
        },
        request,
        begun,
        released,
        ended,
        reply,
    }
}

/// A race in which both writers were accepted, on the server at `base`.
fn race(base: &str) -> Vec<Exchange> {
    let login = [
        ("authorization", "Bearer s3cret"),
        ("cookie", "session=s3cret"),
    ];
    let json = [("content-type", "application/json"), ("if-match", "\"1\"")];
    let put = |body: &str| request(Method::PUT, base, &[&json[..], &login[..]].concat(), body);
    let told = [("etag", "\"1\""), ("set-cookie", "session=s3cret")];
    vec![
        exchange(
            1,
            "reader",
            [10, 10, 12],
            request(Method::GET, base, &login, ""),
            answer(StatusCode::OK, &told, br#"{"title":"Draft"}"#),
        ),
        exchange(
            2,
            "writer 1",
            [20, 25, 40],
            put(r#"{"title":"it's one"}"#),
            answer(StatusCode::OK, &[("etag", "\"2\"")], b"\xff\xfe"),
        ),
        exchange(
            3,
            "writer 2",
            [21, 26, 41],
            put("{\"title\":\"two $HOME `id` \\\\\"}\n"),
            answer(StatusCode::OK, &[("etag", "\"3\"")], b""),
        ),
        exchange(
            4,
            "reader",
            [50, 50, 52],
            request(Method::GET, base, &[], ""),
            Reply::Missing(Unsure::TimedOut(Duration::from_secs(10))),
        ),
    ]
}

fn probe(id: &str, title: &str, severity: Severity, verdict: Verdict, reason: &str) -> ProbeReport {
    ProbeReport {
        id: id.into(),
        subject: "http://127.0.0.1:8080/one".into(),
        title: title.into(),
        severity,
        verdict,
        reason: reason.into(),
        why: "RFC 9110, section 13.1.1: the method is not performed.".into(),
        trials: 30,
        overlapping: 29,
        evidence: Vec::new(),
        is_resendable: id < "D",
    }
}

/// One probe of each verdict, with evidence of every kind.
fn made_up(base: &str) -> Report {
    let exchanges = race(base);
    let notes = [
        "what both began from",
        "accepted, and lost",
        "accepted, and kept",
        "read afterwards",
    ];
    let mut lost = probe(
        "D1",
        "Of many writers with one tag, exactly one is accepted",
        Severity::Critical,
        Verdict::Fail,
        "2 of 2 writers with one tag were accepted: all but one of their updates are lost, and they were told otherwise",
    );
    lost.evidence = notes
        .into_iter()
        .zip(&exchanges)
        .map(|(note, exchange)| Evidence {
            note: note.into(),
            exchange: exchange.clone(),
        })
        .collect();
    let mut probes = vec![
        probe(
            "A1",
            "GET identifies the version",
            Severity::Medium,
            Verdict::Pass,
            "ETag",
        ),
        lost,
        probe(
            "C2",
            "a # b \\ c",
            Severity::Low,
            Verdict::Fail,
            "it is\ntext/plain # really",
        ),
        probe(
            "D12",
            "Do readers see whole versions?",
            Severity::High,
            Verdict::Inconclusive,
            "time-outs",
        ),
    ];
    for id in ["D4", "D5", "D8", "D9", "D10", "D11"] {
        probes.push(probe(
            id,
            "What may not be?",
            Severity::High,
            Verdict::Skipped,
            "`--create` says how",
        ));
    }
    Report {
        target: "http://127.0.0.1:8080/one".into(),
        arguments: Vec::new(),
        grade: Some(Grade::F),
        seed: 42,
        protocols: vec![Protocol::Http1, Protocol::Http2],
        spread: Some(Spread {
            volleys: 30,
            median: Duration::from_micros(80),
            p99: Duration::from_micros(900),
        }),
        probes,
        history: None,
        lost_updates: vec![LostUpdates {
            writers: 2,
            rounds: 30,
            overlapping: 29,
            rounds_with_loss: 3,
            lost: 3,
        }],
        exchanges,
        took: Duration::from_millis(1234),
    }
}

fn rendered(name: &str, report: &Report) -> String {
    let form = Form::named(name).unwrap_or_else(|| panic!("there is a form {name}"));
    form.render(report, SystemTime::UNIX_EPOCH)
}

fn json(name: &str, report: &Report) -> Value {
    serde_json::from_str(&rendered(name, report)).unwrap()
}

#[test]
fn json_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../schemas/report.json")).unwrap();
    assert!(
        jsonschema::meta::is_valid(&schema),
        "the schema is a schema"
    );
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let whole = made_up("http://127.0.0.1:8080");
    let bare = Report {
        arguments: Vec::new(),
        grade: None,
        protocols: Vec::new(),
        spread: None,
        probes: Vec::new(),
        lost_updates: Vec::new(),
        exchanges: Vec::new(),
        ..whole.clone()
    };
    for report in [whole, bare] {
        let told = json("json", &report);
        let errors: Vec<_> = validator
            .iter_errors(&told)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?} in {told:#}");
    }
    let mut wrong = json("json", &made_up("http://127.0.0.1:8080"));
    wrong["probes"][0]["verdict"] = "perhaps".into();
    assert!(!validator.is_valid(&wrong));
}

/// A schema that a person can read says of each member what it is.
#[test]
fn every_member_is_described() {
    fn undescribed(schema: &Value, path: &str, found: &mut Vec<String>) {
        if let Some(members) = schema.get("properties").and_then(Value::as_object) {
            for (name, member) in members {
                if member.get("description").is_none() && member.get("$ref").is_none() {
                    found.push(format!("{path}/{name}"));
                }
            }
        }
        match schema {
            Value::Object(members) => members
                .iter()
                .for_each(|(name, member)| undescribed(member, &format!("{path}/{name}"), found)),
            Value::Array(items) => items.iter().for_each(|item| undescribed(item, path, found)),
            _ => {}
        }
    }
    let schema: Value = serde_json::from_str(include_str!("../schemas/report.json")).unwrap();
    let mut found = Vec::new();
    undescribed(&schema, "", &mut found);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn tap_counts_escapes_and_explains() {
    let text = rendered("tap", &made_up("http://127.0.0.1:8080"));
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(
        lines[..6],
        [
            "TAP version 14",
            "1..10",
            "ok 1 - A1 GET identifies the version",
            "not ok 2 - D1 Of many writers with one tag, exactly one is accepted",
            r"not ok 3 - C2 a \# b \\ c",
            "ok 4 - D12 Do readers see whole versions? # SKIP time-outs",
        ]
    );
    assert_eq!(lines.len(), 2 + 10 + 1);
    let yaml: Vec<_> = text.lines().filter(|line| line.starts_with(' ')).collect();
    assert_eq!(yaml.iter().filter(|line| **line == "  ---").count(), 2);
    assert_eq!(yaml.iter().filter(|line| **line == "  ...").count(), 2);
    assert!(
        yaml.contains(&r#"  message: "it is\ntext/plain # really""#),
        "{text}"
    );
}

#[test]
fn har_has_what_its_readers_need() {
    let log = &json("har", &made_up("http://127.0.0.1:8080"))["log"];
    assert_eq!(log["version"], "1.2");
    assert!(log["creator"]["name"].is_string() && log["creator"]["version"].is_string());
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 4);
    let required: [(&str, &[&str]); 5] = [
        (
            "",
            &[
                "startedDateTime",
                "time",
                "request",
                "response",
                "cache",
                "timings",
            ],
        ),
        (
            "/request",
            &[
                "method",
                "url",
                "httpVersion",
                "cookies",
                "headers",
                "queryString",
                "headersSize",
                "bodySize",
            ],
        ),
        (
            "/response",
            &[
                "status",
                "statusText",
                "httpVersion",
                "cookies",
                "headers",
                "content",
                "redirectURL",
                "headersSize",
                "bodySize",
            ],
        ),
        ("/response/content", &["size", "mimeType"]),
        ("/timings", &["send", "wait", "receive"]),
    ];
    for entry in entries {
        for (pointer, members) in required {
            for member in members {
                let place = entry.pointer(pointer).and_then(|place| place.get(member));
                assert!(place.is_some(), "{pointer}/{member} is not in {entry:#}");
            }
        }
    }
    assert_eq!(entries[0]["startedDateTime"], "1970-01-01T00:00:00.010Z");
    assert_eq!(entries[0]["request"]["queryString"][0]["value"], "b c");
}

#[test]
fn no_form_tells_a_secret() {
    let report = made_up("http://127.0.0.1:8080");
    for (name, text) in in_all_forms(&report) {
        assert!(!text.contains(SECRET), "{name}");
    }
}

#[test]
fn what_a_server_repeats_of_a_login_is_left_out() {
    let mut report = made_up("http://127.0.0.1:8080");
    let repeat = |exchange: &mut Exchange| {
        let told = [("x-login", "Bearer s3cret")];
        exchange.reply = answer(StatusCode::OK, &told, br#"{"login":"s3cret","of":"me"}"#);
    };
    report.exchanges.iter_mut().for_each(repeat);
    for probe in &mut report.probes {
        probe.reason.push_str(": s3cret");
        for evidence in &mut probe.evidence {
            repeat(&mut evidence.exchange);
        }
    }
    let told = in_all_forms(&report);
    assert!(told.iter().all(|(_, text)| text.contains(SECRET)));
    for (name, text) in in_all_forms(&report.without_secrets(&Credentials::default())) {
        assert!(!text.contains(SECRET), "{name}");
        assert!(text.contains("$AUTHORIZATION"), "{name}");
    }
}

fn in_all_forms(report: &Report) -> Vec<(&'static str, String)> {
    // What random clients did is values and tags.
    let forms = Form::ALL.into_iter().filter(|(name, _)| *name != "history");
    let mut texts: Vec<_> = forms
        .map(|(name, _)| (name, rendered(name, report)))
        .collect();
    texts.push(("terminal", terminal(report, &Style::PLAIN)));
    texts
}

/// With ACCEPT=1 in the environment the file is written instead.
#[test]
fn people_read_this() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports_text.txt");
    let text = terminal(&made_up("http://127.0.0.1:8080"), &Style::PLAIN);
    if std::env::var_os("ACCEPT").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap());
}

#[test]
fn colours_change_no_letter() {
    let report = made_up("http://127.0.0.1:8080");
    let style = Style {
        has_colours: true,
        ..Style::PLAIN
    };
    let mut plain = String::new();
    for (index, part) in terminal(&report, &style).split('\u{1b}').enumerate() {
        // What follows an escape is a colour, up to its `m`.
        plain.push_str(if index == 0 {
            part
        } else {
            part.split_once('m').unwrap().1
        });
    }
    assert_eq!(plain, terminal(&report, &Style::PLAIN));
}

proptest! {
    #[test]
    fn junit_is_well_formed_whatever_it_tells(
        texts in proptest::collection::vec(any::<String>(), 6),
        odd in "[\u{0}-\u{20}<>&'\"\u{7f}-\u{9f}\u{fffe}\u{ffff}]{0,8}",
        body in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut report = made_up("http://127.0.0.1:8080");
        report.target.clone_from(&texts[0]);
        let probe = &mut report.probes[1];
        probe.id.clone_from(&texts[1]);
        probe.title.clone_from(&texts[2]);
        probe.subject.clone_from(&texts[3]);
        probe.reason.clone_from(&odd);
        probe.why.clone_from(&texts[4]);
        probe.evidence[0].note.clone_from(&texts[5]);
        probe.evidence[1].exchange.request.body = body.into();
        report.probes[4].reason = odd;
        let text = rendered("junit", &report);
        let document = roxmltree::Document::parse(&text);
        prop_assert!(document.is_ok(), "{:?} in {text}", document.err());
        let document = document.unwrap();
        let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
        prop_assert_eq!((count("testcase"), count("failure"), count("skipped")), (10, 2, 7));
    }

    #[test]
    fn tap_has_one_line_for_each_probe_whatever_it_tells(texts in proptest::collection::vec(any::<String>(), 3)) {
        let mut report = made_up("http://127.0.0.1:8080");
        report.target.clone_from(&texts[0]);
        for probe in &mut report.probes {
            probe.title.clone_from(&texts[1]);
            probe.reason.clone_from(&texts[2]);
        }
        let text = rendered("tap", &report);
        let lines = text.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok "));
        prop_assert_eq!(lines.count(), 10);
    }
}

/// The printed commands, as they are, in a POSIX shell: with the tag of now, and the bodies letter by letter.
#[test]
fn what_is_printed_shows_it_again() {
    let server = Recorder::start("\"of-now\"");
    let mut report = made_up(&server.base);
    // As one client sends them, one after the other.
    let probe = &mut report.probes[1];
    probe.is_resendable = true;
    let evidence = probe.evidence.iter_mut().map(|it| &mut it.exchange);
    for exchange in evidence.chain(&mut report.exchanges) {
        exchange.protocol = Protocol::Http1;
    }
    let text = terminal(&report, &Style::PLAIN);
    let script: String = text
        .split("To see it again:\n")
        .nth(1)
        .expect("a reproduction is printed")
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("        ").unwrap_or(line)))
        .collect();
    let output = Command::new("sh")
        .args(["-euc", &script])
        .env("AUTHORIZATION", "Bearer mine")
        .env("COOKIE", "session=mine")
        .env("no_proxy", "*")
        .output()
        .expect("a shell runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{errors}");
    let seen = server.seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 4, "{script}\n{seen:?}");
    assert!(seen[0].0.starts_with("GET /one?a=b%20c"), "{seen:?}");
    assert!(seen[3].0.starts_with("GET "), "{seen:?}");
    let bodies = [
        r#"{"title":"it's one"}"#,
        "{\"title\":\"two $HOME `id` \\\\\"}\n",
    ];
    for ((head, body), sent) in seen[1..3].iter().zip(bodies) {
        assert!(head.starts_with("PUT "), "{head}");
        for field in [
            "if-match: \"of-now\"",
            "authorization: Bearer mine",
            "cookie: session=mine",
        ] {
            assert!(
                head.to_lowercase().contains(&field.to_lowercase()),
                "{field} is not in {head}"
            );
        }
        assert_eq!(body, sent);
    }
}

/// A server that keeps what it is sent, heads and bodies.
struct Recorder {
    base: String,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Recorder {
    fn start(tag: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let keep = Arc::clone(&keep);
                std::thread::spawn(move || serve(stream, tag, &keep));
            }
        });
        Self { base, seen }
    }
}

fn serve(stream: TcpStream, tag: &str, seen: &Mutex<Vec<(String, String)>>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(
            stream.read_line(&mut head).unwrap(),
            0,
            "the head ends: {head}"
        );
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    // Kept before it is answered: what comes next is kept next.
    let body = String::from_utf8(body).unwrap();
    seen.lock().unwrap().push((head, body));
    let answer =
        format!("HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.get_mut().write_all(answer.as_bytes()).unwrap();
}
