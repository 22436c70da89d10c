use std::time::Duration;

use detente_check::{
    Evidence, Exchange, Grade, LostUpdates, ProbeReport, Protocol, Report, Severity, Spread,
    Unsure, Verdict,
};
use serde_json::{Value, json};

use crate::run::Run;

const NOTE: &str = "/notes/7";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A report of a server that checks, and then writes: eight writers with one tag, a held body, and more.
pub(crate) fn report() -> Report {
    let mut run = Run::default();
    let probes = vec![
        passed(
            "A1",
            "GET identifies the version, and reading changes nothing",
            Severity::Medium,
            "every answer to a GET has an ETag, and it is strong",
        ),
        passed(
            "A2",
            "The tag of an unchanged resource stays the same, and works for a write however it was read",
            Severity::High,
            "five reads in 1.2 s had one tag",
        ),
        stale(&mut run),
        strange_tag(&mut run),
        open(&mut run),
        passed(
            "B3",
            "A write with the current tag is accepted",
            Severity::High,
            "accepted, and there",
        ),
        skipped(
            "B10",
            "If-Unmodified-Since refuses an old date",
            Severity::Low,
            "there is no Last-Modified",
        ),
        curt(&mut run),
        race(&mut run),
        held(&mut run),
        whole(&mut run),
        unclear(),
        skipped(
            "D8",
            "No more is sold than there is",
            Severity::Critical,
            "nothing was named that is counted",
        ),
        resend(&mut run),
    ];
    Report {
        target: "http://127.0.0.1:8080/notes/7".into(),
        arguments: Vec::new(),
        grade: Some(Grade::F),
        seed: 8_172_635_445,
        protocols: vec![Protocol::Http1, Protocol::Http2],
        spread: Some(Spread {
            volleys: 260,
            median: Duration::from_micros(38),
            p99: Duration::from_micros(214),
        }),
        probes,
        history: None,
        lost_updates: vec![
            lost(2, 100, 97, 31, 31),
            lost(8, 100, 99, 88, 402),
            lost(32, 50, 50, 50, 1203),
        ],
        took: Duration::from_millis(6_482),
        exchanges: run.exchanges,
    }
}

fn probe(id: &str, title: &str, severity: Severity, verdict: Verdict, reason: &str) -> ProbeReport {
    ProbeReport {
        id: id.into(),
        subject: NOTE.into(),
        title: title.into(),
        severity,
        verdict,
        reason: reason.into(),
        why: String::new(),
        trials: 1,
        overlapping: 0,
        evidence: Vec::new(),
        is_resendable: id < "D",
    }
}

fn passed(id: &str, title: &str, severity: Severity, reason: &str) -> ProbeReport {
    probe(id, title, severity, Verdict::Pass, reason)
}

fn skipped(id: &str, title: &str, severity: Severity, reason: &str) -> ProbeReport {
    probe(id, title, severity, Verdict::Skipped, reason)
}

fn failed(id: &str, title: &str, severity: Severity, reason: &str, why: &str) -> ProbeReport {
    ProbeReport {
        why: why.into(),
        ..probe(id, title, severity, Verdict::Fail, reason)
    }
}

fn showing(mut probe: ProbeReport, shows: Vec<(&str, Exchange)>) -> ProbeReport {
    probe.evidence = shows
        .into_iter()
        .map(|(note, exchange)| Evidence {
            note: note.into(),
            exchange,
        })
        .collect();
    probe
}

fn raced(mut probe: ProbeReport, trials: u32, overlapping: u32) -> ProbeReport {
    probe.trials = trials;
    probe.overlapping = overlapping;
    probe
}

fn lost(
    writers: u32,
    rounds: u32,
    overlapping: u32,
    rounds_with_loss: u32,
    lost: u32,
) -> LostUpdates {
    LostUpdates {
        writers,
        rounds,
        overlapping,
        rounds_with_loss,
        lost,
    }
}

fn note(nonce: &str) -> Value {
    json!({"title": nonce, "text": "What is written here must not be lost.", "items": []})
}

fn read(run: &mut Run, actor: &str, at: u64, tag: &str, nonce: &str) -> Exchange {
    run.ask(actor, "GET", NOTE)
        .at(at, at + 12, at + 290)
        .with("cache-control", "no-cache")
        .with("authorization", "Bearer 0123456789abcdef")
        .answered(200, &[JSON, ("etag", tag)], &note(nonce).to_string())
}

fn stale(run: &mut Run) -> ProbeReport {
    let at = 42_000;
    let base = read(run, "alice", at, "\"note-7-0041\"", "n-3a1f");
    let first = run
        .ask("alice", "PUT", NOTE)
        .at(at + 420, at + 441, at + 870)
        .with("if-match", "\"note-7-0041\"")
        .json(&note("n-3a20"))
        .answered(
            200,
            &[JSON, ("etag", "\"note-7-0042\"")],
            &note("n-3a20").to_string(),
        );
    let second = run
        .ask("bob", "PUT", NOTE)
        .at(at + 1010, at + 1030, at + 1490)
        .with("if-match", "W/\"note-7-0041\"")
        .json(&note("n-3a21"))
        .answered(
            200,
            &[JSON, ("etag", "\"note-7-0043\"")],
            &note("n-3a21").to_string(),
        );
    let after = read(run, "alice", at + 1600, "\"note-7-0043\"", "n-3a21");
    showing(
        failed(
            "B6",
            "If-Match compares strongly",
            Severity::Low,
            "a write whose If-Match was weak, and stale besides, was accepted",
            "RFC 9110, section 13.1.1: a weak tag never satisfies If-Match.",
        ),
        vec![
            ("what both began from", base),
            ("a write in between", first),
            ("written with a weak tag that is stale", second),
            ("read afterwards", after),
        ],
    )
}

fn strange_tag(run: &mut Run) -> ProbeReport {
    let at = 61_000;
    let base = read(run, "alice", at, "\"note-7-0043\"", "n-3a21");
    let write = run
        .ask("alice", "PUT", NOTE)
        .at(at + 400, at + 420, at + 900)
        .with("if-match", "\"note-7-0043\"")
        .json(&note("n-3b00"))
        .answered(
            200,
            &[JSON, ("etag", "\"5d41402abc4b2a76b9719d911017c592\"")],
            "",
        );
    let after = read(
        run,
        "alice",
        at + 1_102_000,
        "\"5d41402abc4b2a76b9719d911017c5aa\"",
        "n-3b00",
    );
    showing(
        failed(
            "A5",
            "The tag in the answer to a write is the tag of the next GET",
            Severity::High,
            "the answer to the PUT had a tag that no later GET had: a client that goes on from it is refused",
            "RFC 9110, section 9.3.4: a validator on the answer to a PUT says that what was sent is stored as it was sent.",
        ),
        vec![
            ("what was there", base),
            ("told a tag", write),
            ("a second later it has another", after),
        ],
    )
}

fn open(run: &mut Run) -> ProbeReport {
    let at = 1_200_000;
    let write = run
        .ask("bob", "PUT", NOTE)
        .at(at, at + 18, at + 430)
        .json(&note("n-3c00"))
        .answered(200, &[JSON, ("etag", "\"note-7-0045\"")], "");
    let after = read(run, "alice", at + 600, "\"note-7-0045\"", "n-3c00");
    showing(
        failed(
            "B8",
            "A write without a precondition is refused",
            Severity::Medium,
            "a PUT without If-Match was accepted: unprotected by default",
            "RFC 6585, section 3: 428 lets a server insist, so that no client loses an update for not knowing of conditions.",
        ),
        vec![
            ("written without a precondition", write),
            ("read afterwards", after),
        ],
    )
}

fn curt(run: &mut Run) -> ProbeReport {
    let at = 1_230_000;
    let refused = run
        .ask("bob", "PUT", NOTE)
        .at(at, at + 20, at + 310)
        .with("if-match", "\"note-7-0001\"")
        .json(&note("n-3d00"))
        .answered(
            500,
            &[("content-type", "text/html")],
            "<html><body><h1>StaleObjectError</h1><pre>UPDATE notes SET title = $1 WHERE id = 7 AND version = 1</pre></body></html>",
        );
    showing(
        failed(
            "C7",
            "A conflict never looks like a server error or like a success",
            Severity::High,
            "a stale write was answered with 500, each of the three times it was sent alone",
            "RFC 9110, sections 15.5.10 and 15.5.13: 409 and 412 are there for it; what looks like a failure is sent again.",
        ),
        vec![("the answer to a stale write", refused)],
    )
}

/// Eight writers: three are accepted, four refused, and of one nothing is known.
fn race(run: &mut Run) -> ProbeReport {
    let at = 2_000_000;
    let tag = "\"note-7-0051\"";
    let base = read(run, "setup", at, tag, "n-4000");
    let times = [
        // (begun, released, ended, status)
        (520, 548, 1630, 200),
        (523, 561, 1902, 200),
        (525, 570, 2210, 412),
        (526, 566, 1718, 200),
        (529, 575, 2320, 412),
        (531, 579, 2404, 412),
        (533, 590, 2496, 412),
        (536, 598, 3900, 0),
    ];
    let mut writes = Vec::new();
    for (writer, (begun, released, ended, status)) in times.into_iter().enumerate() {
        let asked = run
            .ask(&format!("writer-{}", writer + 1), "PUT", NOTE)
            .at(at + begun, at + released, at + ended)
            .with("if-match", tag)
            .json(&note(&format!("n-400{}", writer + 1)));
        writes.push(match status {
            200 => asked.answered(200, &[JSON, ("etag", &format!("\"note-7-005{}\"", writer + 2))], ""),
            412 => asked.answered(
                412,
                &[("content-type", "application/problem+json"), ("etag", "\"note-7-0053\"")],
                r#"{"type":"about:blank","title":"Precondition Failed","status":412,"current_etag":"\"note-7-0053\""}"#,
            ),
            _ => asked.unanswered(Unsure::Lost("connection reset by peer".into())),
        });
    }
    let after = read(run, "setup", at + 4200, "\"note-7-0053\"", "n-4002");
    let mut shows = vec![
        ("what all began from", base),
        ("accepted, and lost", writes[0].clone()),
        ("accepted, and lost", writes[3].clone()),
        ("accepted, and kept", writes[1].clone()),
    ];
    shows.push(("read afterwards", after));
    raced(
        showing(
            failed(
                "D1",
                "Of many writers with one tag, exactly one is accepted",
                Severity::Critical,
                "of 8 writers with one tag 3 were told that their write was accepted; 2 of these writes are gone. It was so in \
                 169 of 246 rounds",
                "Check and write have to be one step: between the two, another write makes the check worthless.",
            ),
            shows,
        ),
        250,
        246,
    )
}

fn held(run: &mut Run) -> ProbeReport {
    let at = 4_000_000;
    let base = read(run, "setup", at, "\"note-7-0061\"", "n-5000");
    let his = run
        .ask("bob", "PUT", NOTE)
        .at(at + 150_900, at + 150_925, at + 151_420)
        .with("if-match", "\"note-7-0061\"")
        .json(&note("n-5001"))
        .answered(200, &[JSON, ("etag", "\"note-7-0062\"")], "");
    let hers = run
        .ask("alice", "PUT", NOTE)
        .at(at + 500, at + 302_000, at + 302_640)
        .with("if-match", "\"note-7-0061\"")
        .json(&note("n-5002"))
        .answered(200, &[JSON, ("etag", "\"note-7-0063\"")], "");
    let after = read(run, "setup", at + 302_900, "\"note-7-0063\"", "n-5002");
    raced(
        showing(
            failed(
                "D2",
                "The tag is compared when the body is complete, not when the headers arrive",
                Severity::Critical,
                "hers was held but for its last byte while his was accepted; hers was accepted all the same, and his is gone",
                "RFC 9110, section 13.2.1: what counts is the state when the method is performed.",
            ),
            vec![
                ("what both began from", base),
                ("his, sent and accepted while hers was under way", his),
                ("hers, whose last byte came afterwards", hers),
                ("read afterwards", after),
            ],
        ),
        3,
        3,
    )
}

fn whole(run: &mut Run) -> ProbeReport {
    let at = 5_200_000;
    for round in 0..12 {
        for writer in 0..4 {
            let begun = at + round * 4_000 + writer * 6;
            run.ask(&format!("writer-{}", writer + 1), "PUT", NOTE)
                .at(begun, begun + 30, begun + 900 + writer * 210)
                .over(if round % 2 == 0 {
                    Protocol::Http1
                } else {
                    Protocol::Http2
                })
                .json(&note(&format!("n-6{round:02}{writer}")))
                .answered(if round == 7 && writer == 3 { 503 } else { 204 }, &[], "");
        }
    }
    raced(
        passed(
            "D6",
            "After a race of whole bodies, exactly one of them is stored",
            Severity::Critical,
            "what was there afterwards was always one of the bodies, whole",
        ),
        12,
        12,
    )
}

fn unclear() -> ProbeReport {
    probe(
        "D12",
        "Readers see whole versions, and never go back in time",
        Severity::High,
        Verdict::Inconclusive,
        "no read provably overlapped a write in 40 trials; with --effort thorough there are more",
    )
}

fn resend(run: &mut Run) -> ProbeReport {
    let at = 6_000_000;
    let order = json!({"item": "chair", "quantity": 1});
    let key = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"";
    let first = run
        .ask("alice", "POST", "/orders")
        .at(at, at + 25, at + 2_000_025)
        .with("idempotency-key", key)
        .json(&order)
        .unanswered(Unsure::TimedOut(Duration::from_secs(2)));
    let again = run
        .ask("alice", "POST", "/orders")
        .at(at + 2_000_300, at + 2_000_322, at + 2_001_090)
        .with("idempotency-key", key)
        .json(&order)
        .answered(
            201,
            &[JSON, ("location", "/orders/19")],
            r#"{"item":"chair","quantity":1,"state":"open"}"#,
        );
    let list = run
        .ask("alice", "GET", "/orders?item=chair")
        .at(at + 2_001_300, at + 2_001_315, at + 2_001_700)
        .answered(
            200,
            &[JSON],
            r#"[{"id":18,"item":"chair"},{"id":19,"item":"chair"}]"#,
        );
    let mut probe = showing(
        failed(
            "D14",
            "A request that is sent again because its answer was lost is performed once",
            Severity::Medium,
            "sent again with its Idempotency-Key after no answer came, the order is there twice",
            "RFC 9110, section 9.2.2: a client cannot know whether a request was performed whose answer it never saw.",
        ),
        vec![
            ("no answer came", first),
            ("sent again", again),
            ("both are there", list),
        ],
    );
    probe.subject = "/orders".into();
    probe
}
