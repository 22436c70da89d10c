use detente_check::*;
use std::time::Duration;
#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let url = args.next().unwrap();
    let client = client::Client::new(client::Settings {
        timeout: Duration::from_secs(5),
        protocol: None,
        headers: Default::default(),
        budget: 100_000,
        insecure: false,
        allow_remote: false,
    })
    .unwrap();
    let mut subject = Subject::at(url.parse().unwrap());
    let mut effort = Effort::usual(1, std::process::id());
    while let Some(a) = args.next() {
        let v = args.next().unwrap();
        match a.as_str() {
            "--only" => effort.only = v.split(',').map(str::to_owned).collect(),
            "--rounds" => effort.rounds = v.parse().unwrap(),
            "--create" => {
                let (u, b) = v.split_once(' ').unwrap();
                subject.create = Some(Creation {
                    method: http::Method::POST,
                    url: u.parse().unwrap(),
                    headers: Default::default(),
                    body: b.to_owned().into(),
                })
            }
            "--unique" => subject.unique = Some(v),
            "--stock" => subject.stock = Some(v),
            "--idempotency" => subject.idempotency = v == "yes",
            "--base" => {
                let mut u = subject.places[0].clone();
                let b: url::Url = v.parse().unwrap();
                u.set_port(b.port()).unwrap();
                subject.places.push(u)
            }
            _ => panic!("{a}"),
        }
    }
    let report = examine(&client, subject, &effort, |_| {}).await.unwrap();
    for p in &report.probes {
        println!(
            "{:4} {:?} {} [{}/{}] {}",
            p.id,
            p.verdict,
            if p.verdict == Verdict::Fail {
                p.severity.to_string()
            } else {
                String::new()
            },
            p.overlapping,
            p.trials,
            p.reason
        );
        if std::env::var("EVIDENCE").is_ok() && p.verdict == Verdict::Fail {
            for e in &p.evidence {
                println!(
                    "      {}: {} {} {:?} -> {:?} {}",
                    e.note,
                    e.exchange.request.method,
                    e.exchange.request.url.path(),
                    e.exchange.request.headers.get("if-match"),
                    e.exchange.status(),
                    String::from_utf8_lossy(
                        e.exchange
                            .response()
                            .map(|r| &r.body[..r.body.len().min(200)])
                            .unwrap_or_default()
                    )
                );
            }
        }
    }
    println!(
        "{} in {:?}, {} requests, spread {:?}",
        report.target,
        report.took,
        report.exchanges.len(),
        report.spread
    );
}
