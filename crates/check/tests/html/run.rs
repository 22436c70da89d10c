use std::sync::Arc;
use std::time::Duration;

use detente_check::{Exchange, Protocol, Reply, Request, Response, Unsure};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

pub(crate) const BASE: &str = "http://127.0.0.1:8080";

/// A run that is made up, exchange by exchange. Times are in microseconds since its start.
#[derive(Default)]
pub(crate) struct Run {
    pub exchanges: Vec<Exchange>,
}

/// A request of a run, until it is told what came of it.
pub(crate) struct Asked<'a> {
    run: &'a mut Run,
    exchange: Exchange,
}

impl Run {
    pub(crate) fn ask(&mut self, actor: &str, method: &str, path: &str) -> Asked<'_> {
        let method = Method::from_bytes(method.as_bytes()).expect("it is a method");
        let url = format!("{BASE}{path}").parse().expect("it is a URL");
        let number = u32::try_from(self.exchanges.len() + 1).expect("they are few");
        let exchange = Exchange {
            number,
            actor: Arc::from(actor),
            protocol: Protocol::Http1,
            request: Request::new(method, url).with(
                HeaderName::from_static("user-agent"),
                HeaderValue::from_static("detente/0.1"),
            ),
            begun: Duration::ZERO,
            released: Duration::ZERO,
            ended: Duration::ZERO,
            reply: Reply::Missing(Unsure::Dropped),
        };
        Asked {
            run: self,
            exchange,
        }
    }
}

impl Asked<'_> {
    pub(crate) fn at(mut self, begun: u64, released: u64, ended: u64) -> Self {
        self.exchange.begun = Duration::from_micros(begun);
        self.exchange.released = Duration::from_micros(released);
        self.exchange.ended = Duration::from_micros(ended);
        self
    }

    pub(crate) fn over(mut self, protocol: Protocol) -> Self {
        self.exchange.protocol = protocol;
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_str(value).expect("it is a value");
        self.exchange.request.headers.insert(name, value);
        self
    }

    pub(crate) fn json(mut self, body: &serde_json::Value) -> Self {
        self.exchange.request = self.exchange.request.with_json(body);
        self
    }

    pub(crate) fn answered(
        self,
        status: u16,
        fields: &[(&'static str, &str)],
        body: &str,
    ) -> Exchange {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("it is a value");
            headers.insert(HeaderName::from_static(name), value);
        }
        self.came_to(Reply::Received(Response {
            status: StatusCode::from_u16(status).expect("it is a status"),
            headers,
            body: body.to_owned().into(),
        }))
    }

    pub(crate) fn unanswered(self, unsure: Unsure) -> Exchange {
        self.came_to(Reply::Missing(unsure))
    }

    fn came_to(mut self, reply: Reply) -> Exchange {
        self.exchange.reply = reply;
        self.run.exchanges.push(self.exchange.clone());
        self.exchange
    }
}
