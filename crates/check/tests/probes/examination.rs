use std::time::Duration;

use detente_check::client::{Client, Settings};
use detente_check::{
    Creation, Effort, Grade, Report, Severity, Subject, Transfer, Transition, Verdict,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use crate::servers::{Call, Options, Running};

/// What one probe came to.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) probe: String,
    pub(crate) verdict: Verdict,
    pub(crate) severity: Severity,
    pub(crate) reason: String,
}

/// What the tester says of a server.
pub(crate) struct Examination {
    pub(crate) findings: Vec<Finding>,
    /// That of its documents.
    pub(crate) grade: Grade,
}

/// Calls the tester as a user would who knows the server: for its documents, and for what else it has.
pub(crate) fn examine(running: &Running, options: &Options) -> Examination {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts")
        .block_on(async {
            let call = Caller { running, options };
            let documents = call.documents().await;
            let grade = documents.grade.expect("an API's report has one");
            let mut findings = findings(documents);
            findings.extend(call.members().await);
            findings.extend(call.stock().await);
            findings.extend(call.orders().await);
            Examination { findings, grade }
        })
}

struct Caller<'a> {
    running: &'a Running,
    options: &'a Options,
}

impl Caller<'_> {
    async fn documents(&self) -> Report {
        let mut places: Vec<Url> = vec![url(&self.running.resource)];
        for base in &self.running.urls[1..] {
            let mut place = url(base);
            place.set_path(places[0].path());
            places.push(place);
        }
        let transfer = self.options.transfer.as_ref().map(|transfer| Transfer {
            request: self.request(&transfer.there),
            accounts: transfer
                .accounts
                .iter()
                .map(|path| url(&self.running.url(path)))
                .collect(),
            amount: transfer.member.clone(),
        });
        let others = fields(&self.options.others);
        let subject = Subject {
            places,
            method: self.options.method.parse().ok(),
            create: self.running.create.as_ref().map(|call| self.creation(call)),
            idempotency: self.options.idempotency,
            transfer,
            logins: if others.is_empty() {
                Vec::new()
            } else {
                vec![fields(&self.options.headers), others]
            },
            ..Subject::at(url(&self.running.resource))
        };
        self.report(subject, |_| true, &["D4", "D8", "D11"]).await
    }

    async fn members(&self) -> Vec<Finding> {
        let Some(unique) = &self.options.unique else {
            return Vec::new();
        };
        let subject = Subject {
            create: Some(self.creation(&unique.create)),
            unique: Some(unique.member.clone()),
            ..Subject::at(url(&self.running.resource))
        };
        findings(self.report(subject, |probe| probe == "D4", &[]).await)
    }

    async fn stock(&self) -> Vec<Finding> {
        let Some(stock) = &self.options.stock else {
            return Vec::new();
        };
        let subject = Subject {
            method: self.options.method.parse().ok(),
            stock: Some(stock.member.clone()),
            transition: Some(transition(stock.take.path, &stock.take.body)),
            ..Subject::at(url(&self.running.url(stock.resource)))
        };
        findings(self.report(subject, |probe| probe == "D8", &[]).await)
    }

    async fn orders(&self) -> Vec<Finding> {
        let Some(shipping) = &self.options.transition else {
            return Vec::new();
        };
        let subject = Subject {
            method: self.options.method.parse().ok(),
            create: Some(self.creation(&shipping.create)),
            transition: Some(transition(&format!("{{url}}{}", shipping.action), "")),
            ..Subject::at(url(&self.running.resource))
        };
        findings(self.report(subject, |probe| probe == "D11", &[]).await)
    }

    async fn report(
        &self,
        subject: Subject,
        is_asked: impl Fn(&str) -> bool,
        skip: &[&str],
    ) -> Report {
        let settings = Settings {
            timeout: Duration::from_secs(5),
            headers: fields(&self.options.headers),
            ..Settings::usual()
        };
        let client = Client::new(settings).expect("TLS is set up");
        let effort = Effort {
            writers: vec![2, 8],
            rounds: 8,
            history: Duration::from_millis(300),
            only: detente_check::probe_ids()
                .filter(|id| is_asked(id))
                .map(str::to_owned)
                .collect(),
            skip: skip.iter().map(|id| (*id).to_owned()).collect(),
            ..Effort::usual(1, fastrand::u32(..))
        };
        detente_check::examine(&client, subject, &effort, |_| {})
            .await
            .expect("the server is there")
    }

    fn creation(&self, call: &Call) -> Creation {
        let mut headers = HeaderMap::new();
        if let Ok(media_type) = HeaderValue::from_str(self.options.media_type) {
            headers.insert(http::header::CONTENT_TYPE, media_type);
        }
        Creation {
            method: call.method.parse().expect("it is a method"),
            url: url(&self.running.url(call.path)),
            headers,
            body: call.body.clone().into(),
        }
    }

    fn request(&self, call: &Call) -> detente_check::Request {
        let Creation {
            method,
            url,
            headers,
            body,
        } = self.creation(call);
        detente_check::Request {
            method,
            url,
            headers,
            body,
        }
    }
}

fn findings(report: Report) -> Vec<Finding> {
    let probes = report.probes.into_iter();
    probes
        .map(|probe| Finding {
            probe: probe.id,
            verdict: probe.verdict,
            severity: probe.severity,
            reason: probe.reason,
        })
        .collect()
}

fn transition(path: &str, body: &str) -> Transition {
    Transition {
        method: Method::POST,
        target: path.to_owned(),
        body: body.to_owned().into(),
    }
}

fn fields(list: &[(&'static str, String)]) -> HeaderMap {
    list.iter()
        .map(|(name, value)| {
            (
                HeaderName::from_bytes(name.as_bytes()).expect("it is a name"),
                value.parse().expect("it can be sent"),
            )
        })
        .collect()
}

fn url(text: &str) -> Url {
    text.parse().expect("it is a URL")
}
