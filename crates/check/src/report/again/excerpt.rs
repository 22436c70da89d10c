use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Exchange, ProbeReport, Report, created_at};
use http::Method;
use url::Url;

/// The most requests that an excerpt has: nobody reads more.
const MOST_STEPS: usize = 40;
/// The longest body that an excerpt repeats, in bytes.
const MOST_BODY: usize = 4096;

/// Fields that repeat what an answer said, and the field that said it.
const REPEATED: [(&str, &str); 3] = [
    ("if-match", "etag"),
    ("if-none-match", "etag"),
    ("if-unmodified-since", "last-modified"),
];

/// Who puts things back at the end of a run.
const RESTORER: &str = "restorer";

/// The requests of a run that it takes to see a finding again: those that show it, the reads whose tags they carry, the
/// writes that made these stale, what made a resource that was not there; and what put all of it back.
pub(super) struct Excerpt<'a> {
    /// In the order in which they were sent.
    pub steps: Vec<Step<'a>>,
    /// Resources that were made: they are made again, under another name.
    pub made: Vec<Made<'a>>,
}

pub(super) struct Step<'a> {
    pub exchange: &'a Exchange,
    pub is_evidence: bool,
    pub repeats: Vec<Repeat>,
}

/// What a request carries that an answer before it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    pub value: String,
    /// In that answer.
    pub field: &'static str,
    /// Number of the exchange whose answer it was.
    pub said_by: u32,
}

pub(super) struct Made<'a> {
    pub url: &'a Url,
    pub by: &'a Exchange,
}

impl<'a> Excerpt<'a> {
    /// `None` if the record has not all that it takes, or a shell could not say it.
    pub(super) fn of(report: &'a Report, finding: &ProbeReport) -> Option<Self> {
        let record = &report.exchanges;
        let evidence: Option<BTreeSet<usize>> = finding
            .evidence
            .iter()
            .map(|it| {
                record
                    .iter()
                    .position(|other| other.number == it.exchange.number)
            })
            .collect();
        let evidence = evidence.filter(|evidence| !evidence.is_empty())?;
        let mut search = Search {
            record,
            subject: Url::parse(&finding.subject).ok()?,
            open: evidence.iter().copied().collect(),
            evidence,
            needed: BTreeMap::new(),
            made: BTreeMap::new(),
        };
        while let Some(place) = search.open.pop() {
            search.follow(place)?;
        }
        search.put_back();
        search.excerpt()
    }
}

/// Places are those in the record.
struct Search<'a> {
    record: &'a [Exchange],
    subject: Url,
    evidence: BTreeSet<usize>,
    needed: BTreeMap<usize, Vec<Repeat>>,
    /// Needed, and not yet looked at.
    open: Vec<usize>,
    /// By path.
    made: BTreeMap<&'a str, Made<'a>>,
}

impl<'a> Search<'a> {
    /// What one exchange needs.
    fn follow(&mut self, place: usize) -> Option<()> {
        if self.needed.contains_key(&place) {
            return Some(());
        }
        if self.needed.len() >= MOST_STEPS {
            return None;
        }
        for said_by in self.need(place) {
            self.open.push(said_by);
            self.open_writes(said_by, place);
        }
        let exchange = &self.record[place];
        if self.evidence.contains(&place) && exchange.request.method.is_safe() {
            let mut before = self.evidence.range(..place).rev();
            if let Some(before) = before.find(|it| self.is_of_one_resource(**it, place)) {
                self.open_writes(*before, place);
            }
        }
        if exchange.request.url.path() != self.subject.path() {
            self.make(place)?;
        }
        Some(())
    }

    /// Takes it in, with what its fields repeat; the places where that was said.
    fn need(&mut self, place: usize) -> Vec<usize> {
        let exchange = &self.record[place];
        let mut repeats = Vec::new();
        let mut said_by = Vec::new();
        for (name, field) in REPEATED {
            let Some(value) = exchange.request.headers.get(name) else {
                continue;
            };
            let Ok(value) = value.to_str() else { continue };
            if let Some((other, said)) = self.said_before(place, value, field) {
                said_by.push(other);
                repeats.push(Repeat {
                    value: said.to_owned(),
                    field,
                    said_by: self.record[other].number,
                });
            }
        }
        self.needed.insert(place, repeats);
        said_by
    }

    /// Where the value of a field comes from: from the last read that said it, or else from the last write. What shows the
    /// finding goes by reads that do, too. Nowhere, if it was made up.
    fn said_before(&self, place: usize, value: &str, field: &str) -> Option<(usize, &'a str)> {
        let record = self.record;
        let said = |other: usize| {
            let response = record[other].response()?;
            let said = response.header(field)?;
            let is_it = response.status.is_success()
                && self.is_of_one_resource(other, place)
                && repeats(value, said);
            is_it.then_some((other, said))
        };
        let is_read = |other: &usize| record[*other].request.method.is_safe();
        let is_evidence = self.evidence.contains(&place);
        let of_evidence = self.evidence.range(..place).copied();
        let of_evidence = of_evidence.filter(|other| is_evidence && is_read(other));
        let reads = (0..place).rev().filter(is_read);
        let writes = (0..place).rev().filter(|other| !is_read(other));
        of_evidence.chain(reads).chain(writes).find_map(said)
    }

    fn open_writes(&mut self, after: usize, before: usize) {
        for place in after + 1..before {
            if self.is_write(place) && self.is_of_one_resource(place, before) {
                self.open.push(place);
            }
        }
    }

    /// A resource of the run's own has to be made first. One that nothing made is not there.
    fn make(&mut self, place: usize) -> Option<()> {
        let record = self.record;
        let path = record[place].request.url.path();
        let makes = |other: &usize| {
            let exchange = &record[*other];
            self.is_write(*other)
                && match exchange.request.method {
                    Method::POST => created_at(exchange, &exchange.request.url)
                        .is_some_and(|url| url.path() == path),
                    _ => exchange.request.url.path() == path,
                }
        };
        let by = (0..=place).find(makes);
        if by.is_none() && self.made.contains_key(path) {
            return Some(());
        }
        let first = by.unwrap_or(place);
        let exchange = &record[first];
        // Where a body says what the new one is called, a shell could not read it.
        let is_told = exchange.request.method != Method::POST
            || exchange
                .response()
                .is_some_and(|response| response.header("location").is_some());
        if !is_told {
            return None;
        }
        let url = &record[place].request.url;
        self.made.entry(path).or_insert(Made { url, by: exchange });
        if first != place {
            self.open.push(first);
            self.open_writes(first, place);
        }
        Some(())
    }

    /// What the run did last to each resource, if it did that to put it back.
    fn put_back(&mut self) {
        let written: BTreeMap<&str, usize> = self
            .needed
            .keys()
            .filter(|place| self.is_write(**place))
            .map(|place| (self.record[*place].request.url.path(), *place))
            .collect();
        let own = self.made.keys().map(|path| (*path, 0));
        let written: BTreeMap<&str, usize> = own.chain(written).collect();
        for (path, last) in written {
            let is_own = self.made.contains_key(path);
            let puts_back = |place: &usize| {
                let exchange = &self.record[*place];
                exchange.request.url.path() == path
                    && self.is_write(*place)
                    && match is_own {
                        true => exchange.request.method == Method::DELETE,
                        false => &*exchange.actor == RESTORER,
                    }
            };
            if let Some(place) = (last + 1..self.record.len()).rev().find(puts_back) {
                for said_by in self.need(place) {
                    self.needed.entry(said_by).or_default();
                }
            }
        }
    }

    fn excerpt(self) -> Option<Excerpt<'a>> {
        let mut steps = Vec::new();
        for (place, repeats) in self.needed {
            let exchange = &self.record[place];
            let body = &exchange.request.body;
            if body.len() > MOST_BODY || std::str::from_utf8(body).is_err() {
                return None;
            }
            steps.push(Step {
                exchange,
                is_evidence: self.evidence.contains(&place),
                repeats,
            });
        }
        Some(Excerpt {
            steps,
            made: self.made.into_values().collect(),
        })
    }

    fn is_write(&self, place: usize) -> bool {
        let exchange = &self.record[place];
        !exchange.request.method.is_safe() && exchange.is_accepted()
    }

    /// Whether both are of one resource, under whichever base URL.
    fn is_of_one_resource(&self, one: usize, other: usize) -> bool {
        let path = |place: usize| self.record[place].request.url.path();
        path(one) == path(other)
    }
}

/// Whether a field's value is this, or a list of tags that holds it.
fn repeats(value: &str, said: &str) -> bool {
    value == said || said.ends_with('"') && value.contains(said)
}
