use serde_json::{Value, json};

use super::plain::{Client, Reply, Sending, accepted};
use super::servers::{Correct, Options};

const WRITERS: usize = 12;

/// A correct server, and what it takes to write to it.
struct Subject<'a> {
    name: &'a str,
    client: Client,
    options: Options,
}

/// What no correct server may do, asked in its own dialect.
///
/// It panics, with the name of the server, where it does.
pub(crate) fn examine(server: &Correct) {
    let running = server.start();
    let options = server.options();
    let subject = Subject {
        name: server.name,
        client: Client::new(&running.urls, &options.headers),
        options,
    };
    subject.refuses_what_is_stale();
    for _ in 0..4 {
        subject.has_one_winner();
    }
    subject.creates();
    subject.sells_what_there_is();
    subject.ships_once();
    subject.keeps_the_sum();
    subject.has_one_of_a_name();
    subject.answers_a_key_once();
}

impl Subject<'_> {
    fn refuses_what_is_stale(&self) {
        let before = self.read("/notes/1");
        let first = self.ask(&self.edit(&before, 1));
        assert!(first.is_accepted(), "{}: {first:?}", self.name);
        let after = self.read("/notes/1");
        let second = self.ask(&self.edit(&before, 2));
        let refused = [409, 412].contains(&second.status);
        assert!(refused, "{}: {second:?}", self.name);
        assert!(holds(&after, 1), "{}: {after:?}", self.name);
        assert!(holds(&self.read("/notes/1"), 1), "{}", self.name);
    }

    fn has_one_winner(&self) {
        let before = self.read("/notes/1");
        let writes: Vec<Sending> = (0..WRITERS)
            .map(|writer| {
                let base = writer % self.client.bases();
                self.edit(&before, 100 + writer).at_base(base)
            })
            .collect();
        let replies = self.client.together(&writes);
        let winner = replies.iter().position(Reply::is_accepted);
        let busy = replies.iter().any(|reply| is_busy(reply));
        assert!(
            accepted(&replies) == 1 || busy && winner.is_none(),
            "{}: {replies:?}",
            self.name
        );
        if let Some(winner) = winner {
            let after = self.read("/notes/1");
            assert!(holds(&after, 100 + winner), "{}: {after:?}", self.name);
        }
    }

    fn creates(&self) {
        let Some(call) = &self.options.create else {
            return;
        };
        let body = call.body.replace("{{nonce}}", "Fresh");
        let made = self.ask(&Sending::new(call.method, call.path).body(body));
        let location = made.header("location").unwrap_or_default();
        assert_eq!(made.status, 201, "{}: {made:?}", self.name);
        assert_eq!(self.read(location).status, 200, "{}", self.name);
    }

    fn sells_what_there_is(&self) {
        let Some(stock) = &self.options.stock else {
            return;
        };
        let left = || {
            let product = self.read(stock.resource).json();
            let left = product.pointer(&stock.member).and_then(Value::as_i64);
            left.unwrap_or_else(|| panic!("{}: {product}", self.name))
        };
        let before = left();
        let take = Sending::new(stock.take.method, stock.take.path).body(&stock.take.body);
        let replies = self.client.together(&vec![take; WRITERS]);
        let taken = accepted(&replies) as i64;
        let busy = replies.iter().any(is_busy);
        assert_eq!(left(), before - taken, "{}", self.name);
        assert!(taken == before || busy, "{}: {replies:?}", self.name);
    }

    fn ships_once(&self) {
        let Some(transition) = &self.options.transition else {
            return;
        };
        let create = &transition.create;
        let made = self.ask(&Sending::new(create.method, create.path).body(&create.body));
        let path = format!(
            "{}{}",
            made.header("location").unwrap_or_default(),
            transition.action
        );
        let replies = self
            .client
            .together(&vec![Sending::new("POST", &path); WRITERS]);
        let busy = replies.iter().any(is_busy);
        let once = accepted(&replies) == 1 || busy && accepted(&replies) == 0;
        assert!(once, "{}: {replies:?}", self.name);
    }

    fn keeps_the_sum(&self) {
        let Some(transfer) = &self.options.transfer else {
            return;
        };
        let sum = || -> Option<i64> {
            let balances = transfer.accounts.iter().map(|path| {
                let account = self.read(path).json();
                account.pointer(&transfer.member).and_then(Value::as_i64)
            });
            balances.sum()
        };
        let before = sum();
        assert!(before.is_some(), "{}", self.name);
        let calls = [&transfer.there, &transfer.back, &transfer.there];
        let sendings = calls.map(|call| Sending::new(call.method, call.path).body(&call.body));
        let replies = self
            .client
            .together(&[&sendings[..], &sendings[..]].concat());
        let mut replies = replies.iter();
        assert!(
            replies.all(|reply| reply.is_accepted() || is_busy(reply)),
            "{}",
            self.name
        );
        assert_eq!(sum(), before, "{}", self.name);
    }

    fn has_one_of_a_name(&self) {
        let Some(unique) = &self.options.unique else {
            return;
        };
        let create = &unique.create;
        let create = Sending::new(create.method, create.path).body(&create.body);
        let replies = self.client.together(&vec![create; WRITERS]);
        let busy = replies.iter().any(is_busy);
        let one = accepted(&replies) == 1 || busy && accepted(&replies) == 0;
        assert!(one, "{}: {replies:?}", self.name);
    }

    fn answers_a_key_once(&self) {
        let Some(call) = &self.options.create else {
            return;
        };
        let create = Sending::new(call.method, call.path)
            .body(&call.body)
            .with("Idempotency-Key", "a key");
        let mut replies = self.client.together(&vec![create.clone(); WRITERS]);
        replies.push(self.ask(&create));
        replies.retain(Reply::is_accepted);
        let location = replies[0].header("location");
        assert!(location.is_some(), "{}", self.name);
        let same = replies
            .iter()
            .all(|reply| reply.header("location") == location);
        assert!(same, "{}: {replies:?}", self.name);
    }

    fn read(&self, path: &str) -> Reply {
        self.ask(&Sending::new("GET", path))
    }

    /// Asks again for as long as the server is too busy.
    fn ask(&self, sending: &Sending) -> Reply {
        loop {
            let reply = self.client.send(sending);
            if !is_busy(&reply) {
                return reply;
            }
        }
    }

    /// A write of what was read but for one member, under what the read said of its version.
    fn edit(&self, read: &Reply, mark: usize) -> Sending {
        let sending = Sending::new(self.options.method, "/notes/1").body(edited(&read.body, mark));
        match (read.header("etag"), read.header("last-modified")) {
            (Some(tag), _) => sending.if_match(tag),
            (None, Some(date)) => sending.with("If-Unmodified-Since", date),
            (None, None) => sending,
        }
    }
}

fn is_busy(reply: &Reply) -> bool {
    [429, 503].contains(&reply.status)
}

fn edited(body: &str, mark: usize) -> String {
    if body.starts_with('<') {
        return format!("<note><title>mark {mark};</title><text/></note>");
    }
    let Ok(mut document) = serde_json::from_str::<Value>(body) else {
        return format!("mark {mark};\n");
    };
    let members = match document.get_mut("data") {
        Some(data) => data,
        None => &mut document,
    };
    if members.get("width").is_some() {
        members["width"] = json!(MARKED + mark);
    } else {
        members["title"] = json!(format!("mark {mark};"));
    }
    document.to_string()
}

fn holds(read: &Reply, mark: usize) -> bool {
    let number = format!("\"width\":{}", MARKED + mark);
    read.body.contains(&format!("mark {mark};")) || read.body.contains(&number)
}

const MARKED: usize = 10_000;
