use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use detente_check::openapi::{Description, examine_described};
use detente_check::{Creation, Effort, Family, Request, Subject, Transfer, examine};
use http::{HeaderMap, HeaderValue, Method, header};
use url::Url;

use super::field::pointer;
use super::reporting::Reporting;
use super::wire::{client, fields, run, run_and_restore, unless_interrupted};
use super::{Field, Target, Wire, is_url};
use crate::command::{Failure, progress};

/// What is examined, and how hard.
#[derive(Debug, Args)]
pub(super) struct Api {
    /// How to create another resource like it, for probes that create and delete
    #[arg(long, value_name = "METHOD URL", help_heading = "Resource")]
    create: Option<Target>,
    /// The body of `--create`; `{{nonce}}` in it stands for a new value each time
    #[arg(
        long,
        value_name = "FILE",
        requires = "create",
        help_heading = "Resource"
    )]
    body: Option<PathBuf>,
    /// The method that writes the resource [default: PUT, or PATCH if there is no PUT]
    #[arg(long, value_name = "METHOD", help_heading = "Resource")]
    method: Option<Method>,
    /// A member whose value must be unique
    #[arg(long, value_name = "POINTER", value_parser = pointer, help_heading = "Resource")]
    unique: Option<String>,
    /// A number that must not fall below 0
    #[arg(long, value_name = "POINTER", value_parser = pointer, help_heading = "Resource")]
    stock: Option<String>,
    /// The API honours Idempotency-Key
    #[arg(long, help_heading = "Resource")]
    idempotency: bool,
    /// A request that may succeed only once, or as often as there is stock; `{url}` stands for the resource's path
    #[arg(long, value_name = "METHOD URL", help_heading = "Resource")]
    transition: Option<Target>,
    /// The body of `--transition`
    #[arg(
        long,
        value_name = "FILE",
        requires = "transition",
        help_heading = "Resource"
    )]
    transition_body: Option<PathBuf>,
    /// A request that moves an amount between `--accounts`
    #[arg(
        long,
        value_name = "METHOD URL",
        requires = "accounts",
        help_heading = "Resource"
    )]
    transfer: Option<Target>,
    /// The body of `--transfer`
    #[arg(
        long,
        value_name = "FILE",
        requires = "transfer",
        help_heading = "Resource"
    )]
    transfer_body: Option<PathBuf>,
    /// The accounts: resources whose amounts must keep their sum
    #[arg(
        long,
        value_name = "URL,URL…",
        value_delimiter = ',',
        help_heading = "Resource"
    )]
    accounts: Vec<Url>,
    /// The member that holds the amount of an account
    #[arg(long, value_name = "POINTER", value_parser = pointer, default_value = "/balance", help_heading = "Resource")]
    amount: String,
    /// Another server with the same resource, such as a replica; may be repeated. With `--openapi`: the URL of the API
    #[arg(long, value_name = "URL", help_heading = "Resource")]
    base: Vec<Url>,
    /// The login of another user, as a header field; may be repeated, and writers take turns
    #[arg(long, value_name = "NAME: VALUE", help_heading = "Resource")]
    login: Vec<Field>,
    /// How many clients write at once
    #[arg(long, value_name = "N,N…", value_delimiter = ',', default_value = "2,8,32",
          value_parser = clap::value_parser!(u32).range(2..=1000), help_heading = "Effort")]
    writers: Vec<u32>,
    /// How many races to run for each number of writers
    #[arg(long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Effort")]
    rounds: u32,
    /// Run only these probes, by id or by the letter of their family: D1,B
    #[arg(
        long,
        value_name = "ID,ID…",
        value_delimiter = ',',
        help_heading = "Effort"
    )]
    only: Vec<String>,
    /// Skip these probes
    #[arg(
        long,
        value_name = "ID,ID…",
        value_delimiter = ',',
        help_heading = "Effort"
    )]
    skip: Vec<String>,
    /// The seed for all random choices
    #[arg(long, value_name = "NUMBER", help_heading = "Effort")]
    pub(super) seed: Option<u64>,
    /// Require 412 for a stale tag; 409 is not enough
    #[arg(long, help_heading = "Effort")]
    strict: bool,
}

impl Api {
    pub(super) fn examine(
        &self,
        url: &str,
        wire: &Wire,
        reporting: &Reporting,
    ) -> Result<(), Failure> {
        let place = address(url).map_err(Failure::Usage)?;
        self.asks_a_resource()?;
        let subject = self.subject(place).map_err(Failure::Usage)?;
        let effort = self.effort()?;
        let client = client(wire)?;
        let mut watch = progress::Probes::new();
        let work = examine(&client, subject, &effort, |at| watch.see(at));
        let report = run_and_restore(&client, work)?;
        watch.end();
        unless_interrupted(&client, reporting.tell(report))
    }

    pub(super) fn examine_description(
        &self,
        source: &str,
        wire: &Wire,
        reporting: &Reporting,
    ) -> Result<(), Failure> {
        let client = client(wire)?;
        let (text, found_at) = if is_url(source) {
            let url = address(source).map_err(Failure::Usage)?;
            let exchange = run(client.actor("setup").send(Request::get(url.clone())))?;
            let text = exchange
                .response()
                .filter(|response| response.status.is_success())
                .map(|response| String::from_utf8_lossy(&response.body).into_owned())
                .ok_or_else(|| Failure::Start(anyhow!("{url} gave no description")))?;
            (text, Some(url))
        } else {
            (read_text(Path::new(source)).map_err(Failure::Usage)?, None)
        };
        let description = Description::parse(&text)
            .with_context(|| source.to_owned())
            .map_err(Failure::Usage)?;
        let base = self
            .server(&description, found_at.as_ref())
            .map_err(Failure::Usage)?;
        let subject = self.subject(base.clone()).map_err(Failure::Usage)?;
        let effort = self.effort()?;
        let mut watch = progress::Probes::new();
        let work = examine_described(&client, &description, &base, &subject, &effort, |at| {
            watch.see(at)
        });
        let report = run_and_restore(&client, work)?;
        watch.end();
        unless_interrupted(&client, reporting.tell(report))
    }

    /// The URL of the API: `--base`, or the server that the description names.
    fn server(&self, description: &Description, found_at: Option<&Url>) -> anyhow::Result<Url> {
        if let Some(base) = self.base.first() {
            return Ok(base.clone());
        }
        let written = description.server();
        match (found_at, written) {
            (Some(found_at), written) => Ok(found_at.join(written.unwrap_or("/"))?),
            (None, Some(url)) if is_url(url) => address(url),
            _ => Err(anyhow!(
                "the description does not name a server: give one by --base URL"
            )),
        }
    }

    fn subject(&self, place: Url) -> anyhow::Result<Subject> {
        let body = |file: &Option<PathBuf>| file.as_deref().map_or(Ok(Vec::new()), read);
        let mut places = vec![place.clone()];
        places.extend(self.base.iter().map(|base| {
            let mut url = base.clone();
            url.set_path(&format!(
                "{}{}",
                base.path().trim_end_matches('/'),
                place.path()
            ));
            url.set_query(place.query());
            url
        }));
        let create = match &self.create {
            Some(target) => Some(Creation {
                method: target.method.clone(),
                url: target.on(&place)?,
                headers: json_type(),
                body: body(&self.body)?.into(),
            }),
            None => None,
        };
        let transfer = match &self.transfer {
            Some(target) => Some(Transfer {
                request: target.request(&place, &body(&self.transfer_body)?)?,
                accounts: self.accounts.clone(),
                amount: self.amount.clone(),
            }),
            None => None,
        };
        Ok(Subject {
            places,
            method: self.method.clone(),
            create,
            unique: self.unique.clone(),
            stock: self.stock.clone(),
            idempotency: self.idempotency,
            transition: match &self.transition {
                Some(target) => Some(target.transition(body(&self.transition_body)?)),
                None => None,
            },
            transfer,
            logins: self
                .login
                .iter()
                .map(|field| fields(std::slice::from_ref(field)))
                .collect(),
        })
    }

    /// Refuses to run only E1 on a resource: it examines a description.
    fn asks_a_resource(&self) -> Result<(), Failure> {
        let is_of_descriptions = |name: &String| {
            let mut named = detente_check::probes().filter(|probe| probe.is_named(name));
            named.any(|probe| probe.family == Family::Description)
        };
        if !self.only.is_empty() && self.only.iter().all(is_of_descriptions) {
            return Err(Failure::Usage(anyhow!(
                "E1 examines a description: give one by --openapi"
            )));
        }
        Ok(())
    }

    fn effort(&self) -> Result<Effort, Failure> {
        let effort = Effort {
            writers: self.writers.clone(),
            rounds: self.rounds,
            strict: self.strict,
            only: self.only.clone(),
            skip: self.skip.clone(),
            ..Effort::usual(self.seed.unwrap_or_else(chance), chance() as u32)
        };
        match effort.unknown_probe() {
            Some(name) => Err(Failure::Usage(anyhow!(
                "unknown probe `{name}`; the probes are {}",
                detente_check::probe_ids().collect::<Vec<_>>().join(", ")
            ))),
            None => Ok(effort),
        }
    }
}

/// Differs from run to run.
pub(super) fn chance() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1 >> 16
}

fn json_type() -> HeaderMap {
    [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )]
    .into_iter()
    .collect()
}

pub(in crate::command) fn address(url: &str) -> anyhow::Result<Url> {
    Url::parse(url).with_context(|| format!("`{url}` is not a URL"))
}

pub(in crate::command) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

pub(super) fn read_text(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
