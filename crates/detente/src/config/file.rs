use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use detente_core::{CollectionRules, Unconditional};
use detente_gate::Gate;
use detente_postgres::Consistency;
use detente_server::{Audit, Limits, Settings};
use detente_service::{Collection, Files, OnConflict, Policy, StaleAnswer, Undeclared};
use detente_store::Retention;
use toml::de::{DeTable, DeValue};

use super::collection::{self, Defaults};
use super::graphql;
use super::jwt::jwt;
use super::mistake::{Mistake, Mistakes, Source};
use super::rates::rates;
use super::section::Section;
use super::site::{cors_origins, hosts, site, trusted_proxies};
use super::tls::{TlsFiles, tls};
use super::tokens::tokens;
use crate::database_url::DatabaseUrl;
use crate::listen::Listen;

/// The settings in the file.
#[derive(Debug)]
pub struct Config {
    pub listen: Option<Listen>,
    /// Relative to the folder of the file.
    pub data: Option<PathBuf>,
    /// The database that has the data instead of the folder.
    pub store: Option<DatabaseUrl>,
    /// What a read of that database shows.
    pub read_consistency: Consistency,
    pub cache_bytes: Option<usize>,
    /// How much of the conflict log is kept.
    pub conflicts: Retention,
    /// How the collections are treated, and files.
    pub policy: Policy,
    /// The folder of the contents of large files; none is that of the data folder. Relative to the folder
    /// of the file.
    pub files: Option<PathBuf>,
    pub settings: Settings,
    pub tls: Option<TlsFiles>,
}

/// Reads a file.
///
/// # Errors
///
/// Every mistake in the file and in the files that it names.
pub fn load(path: &Path) -> Result<Config, Mistakes> {
    parse(path, &text_of(path)?)
}

pub(super) fn text_of(path: &Path) -> Result<String, Mistakes> {
    std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot be read: {error}");
        Mistakes(vec![Mistake {
            file: path.to_owned(),
            line: 1,
            column: 1,
            message,
        }])
    })
}

/// Reads the text of the file at `path`. Files that it names are relative to its folder.
///
/// # Errors
///
/// As [`load`].
pub fn parse(path: &Path, text: &str) -> Result<Config, Mistakes> {
    parse_then(path, text, |_, _| ())
}

/// The same, and reads more by what the file says: mistakes in that are reported with the others.
pub(super) fn parse_then(
    path: &Path,
    text: &str,
    more: impl FnOnce(&Config, &Source<'_>),
) -> Result<Config, Mistakes> {
    let found = RefCell::default();
    let source = Source::new(path, text, &found);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        source.mistake(error.span().unwrap_or(0..0), error.message());
    }
    // The settings of a file that does not parse are not checked: that would only add noise.
    let config = errors.is_empty().then(|| {
        let root = Section::new(&source, String::new(), 0..0, table.get_ref());
        let config = read(&root);
        more(&config, &source);
        config
    });
    let mut found = found.into_inner();
    match config {
        Some(config) if found.is_empty() => Ok(config),
        _ => {
            found.sort_by_key(|mistake| (mistake.file != path, mistake.line, mistake.column));
            Err(Mistakes(found))
        }
    }
}

const READ_CONSISTENCY: [(&str, Consistency); 2] = [
    ("linearizable", Consistency::Linearizable),
    ("local", Consistency::Local),
];

const UNCONDITIONAL: [(&str, Unconditional); 2] = [
    ("reject", Unconditional::Reject),
    ("allow", Unconditional::Allow),
];

const AUDIT: [(&str, Audit); 3] = [
    ("off", Audit::Off),
    ("denials", Audit::Denials),
    ("writes", Audit::Writes),
];

const ON_CONFLICT: [(&str, OnConflict); 2] =
    [("reject", OnConflict::Reject), ("merge", OnConflict::Merge)];

fn read(root: &Section<'_>) -> Config {
    let defaults = defaults(root, &Defaults::default());
    let undeclared = root.word(
        "undeclared_collections",
        &[("reject", false), ("allow", true)],
    );
    // A file that declares none says as little of them as no file.
    let declares_none = root.get("collections").is_none();
    let limits = limits(root);
    let (conflicts, dismiss_after) = conflicts(root);
    let allows_undeclared = undeclared.unwrap_or(declares_none);
    let (files, files_folder) = files(root, &defaults, allows_undeclared);
    let policy = Policy {
        collections: collections(root, &defaults),
        undeclared: match allows_undeclared {
            true => Undeclared::Allow(Arc::new(plain(&defaults))),
            false => Undeclared::Reject,
        },
        max_document_bytes: limits.body_bytes,
        files,
    };
    let graphql = graphql::read(root, &policy);
    let config = Config {
        listen: listen(root),
        data: root.text("data").map(|data| beside(root, &data.value)),
        store: store(root),
        read_consistency: root
            .word("read_consistency", &READ_CONSISTENCY)
            .unwrap_or_default(),
        cache_bytes: root.number("cache_bytes", 0),
        conflicts,
        policy,
        files: files_folder,
        settings: Settings {
            gate: Gate {
                tokens: tokens(root),
                jwt: jwt(root),
            },
            rates: rates(root),
            site: site(root),
            trusted_proxies: trusted_proxies(root),
            hosts: hosts(root),
            cors_origins: cors_origins(root),
            limits,
            graphql,
            audit: root.word("audit", &AUDIT).unwrap_or_default(),
            dismiss_after,
        },
        tls: tls(root),
    };
    root.finish();
    let rejects = matches!(config.policy.undeclared, Undeclared::Reject);
    if rejects && root.get("collections").is_none() {
        let message = "no collection is declared, and undeclared_collections is \"reject\": nothing could be \
                       stored";
        root.mistake(0..0, message);
    }
    config
}

/// A collection with the defaults of the file.
fn plain(defaults: &Defaults) -> Collection {
    Collection {
        stale_answer: defaults.stale_answer,
        on_conflict: defaults.on_conflict,
        rules: Arc::new(CollectionRules {
            unconditional: defaults.unconditional,
            ..CollectionRules::default()
        }),
    }
}

pub(super) fn beside(section: &Section<'_>, path: &str) -> PathBuf {
    section
        .source
        .path
        .parent()
        .unwrap_or(Path::new(""))
        .join(path)
}

/// How a section treats stale and unconditional writes; `before` where it does not say.
pub(super) fn defaults(section: &Section<'_>, before: &Defaults) -> Defaults {
    let unconditional = section.word("unconditional_writes", &UNCONDITIONAL);
    let on_conflict = section.word("on_conflict", &ON_CONFLICT);
    Defaults {
        on_conflict: on_conflict.unwrap_or(before.on_conflict),
        stale_answer: stale_answer(section).unwrap_or(before.stale_answer),
        unconditional: unconditional.unwrap_or(before.unconditional),
    }
}

fn stale_answer(section: &Section<'_>) -> Option<StaleAnswer> {
    let value = section.get("stale_status")?;
    match value.get_ref() {
        DeValue::Integer(number) if number.as_str() == "409" => Some(StaleAnswer::Conflict),
        DeValue::Integer(number) if number.as_str() == "412" => {
            Some(StaleAnswer::PreconditionFailed)
        }
        _ => {
            section.mistake(value.span(), "stale_status must be 409 or 412");
            None
        }
    }
}

fn listen(root: &Section<'_>) -> Option<Listen> {
    let listen = root.text("listen")?;
    let parsed = listen.value.parse();
    if let Err(error) = &parsed {
        root.mistake(listen.span, format!("listen {error}"));
    }
    parsed.ok()
}

fn store(root: &Section<'_>) -> Option<DatabaseUrl> {
    let store = root.text("store")?;
    let parsed = store.value.parse();
    if let Err(error) = &parsed {
        root.mistake(store.span, format!("store {error}"));
    }
    parsed.ok()
}

fn limits(root: &Section<'_>) -> Limits {
    let default = Limits::default();
    let Some(section) = root.section("limits") else {
        return default;
    };
    let seconds = section
        .number("shutdown_grace_s", 0)
        .map(|it| Duration::from_secs(it as u64));
    let limits = Limits {
        body_bytes: section
            .number("body_bytes", 1)
            .unwrap_or(default.body_bytes),
        header_bytes: section
            .number("header_bytes", 1024)
            .unwrap_or(default.header_bytes),
        connections: section
            .number("connections", 1)
            .unwrap_or(default.connections),
        connections_of_one_address: section
            .number("connections_of_one_address", 1)
            .unwrap_or(default.connections_of_one_address),
        queued_writes: section
            .number("queued_writes", 1)
            .unwrap_or(default.queued_writes),
        shutdown_grace: seconds.unwrap_or(default.shutdown_grace),
    };
    section.finish();
    limits
}

/// How much of the conflict log is kept, and when its open entries are dismissed.
fn conflicts(root: &Section<'_>) -> (Retention, Option<Duration>) {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let default = Retention::default();
    let Some(section) = root.section("conflicts") else {
        return (default, None);
    };
    let days = section.number("keep_days", 1).map(|days| days as u64);
    let bytes = section.number("max_bytes", 0).map(|bytes| bytes as u64);
    let open_days = section.number("dismiss_after_days", 1);
    let open_ms = open_days.map(|days| (days as u64).saturating_mul(DAY_MS));
    let retention = Retention {
        age_ms: days.map_or(default.age_ms, |days| days.saturating_mul(DAY_MS)),
        bytes: bytes.unwrap_or(default.bytes),
    };
    section.finish();
    (retention, open_ms.map(Duration::from_millis))
}

/// How files are treated, if there are any, and where large contents are. A file that says nothing of them has
/// them where it also has collections that it does not name.
fn files(
    root: &Section<'_>,
    defaults: &Defaults,
    allows_undeclared: bool,
) -> (Option<Files>, Option<PathBuf>) {
    let of = |bytes| Files::new(None, bytes, defaults.unconditional);
    let Some(section) = root.section("files") else {
        return (allows_undeclared.then(|| of(Files::MAX_BYTES)), None);
    };
    let is_on = section.boolean("enabled").unwrap_or(true);
    let max = section
        .number("max_bytes", 1)
        .map_or(Files::MAX_BYTES, |bytes| bytes as u64);
    let folder = section.text("folder");
    let folder = folder.map(|folder| beside(root, &folder.value));
    let has_remote_storage = section.boolean("remote_storage").unwrap_or(false);
    section.finish();
    let mut files = of(max);
    files.has_remote_storage = has_remote_storage;
    (is_on.then_some(files), folder)
}

fn collections(root: &Section<'_>, defaults: &Defaults) -> BTreeMap<String, Arc<Collection>> {
    let Some(section) = root.section("collections") else {
        return BTreeMap::new();
    };
    let read = |(name, section)| collection::read(&name, &section, defaults);
    section.members().into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        match parse(Path::new("detente.toml"), text) {
            Ok(_) => Vec::new(),
            Err(Mistakes(found)) => found
                .iter()
                .map(|it| format!("{}:{} {}", it.line, it.column, it.message))
                .collect(),
        }
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let text = r#"listen = "nowhere"
stale_status = 410
unconditonal_writes = "allow"
cors_origins = ["example.org"]
public_url = "example.org"
trusted_proxies = ["::1", "localhost"]

[limits]
body_bytes = 0

[collections.-users]

[collections.users]
schema = { type = "objekt" }
[[collections.users.unique]]
name = "email"
fields = ["email"]
[[collections.users.unique]]
name = "email"
where = "self.status = 'x'"
[[collections.users.rules]]
name = "R"
check = "slef.x > 1"
message = "{oops}"
[collections.users.lifecycle]
field = "/status"
initial = ["new"]
[collections.users.lifecycle.states]
draft = ["gone"]

[[tokens]]
name = "a"
secret_sha256 = "xyz"
"#;
        let found = mistakes(text);
        let expected = [
            "1:10 listen must be",
            "2:16 stale_status must be 409 or 412",
            "3:1 unknown setting unconditonal_writes; did you mean unconditional_writes?",
            "4:17 an origin must be",
            "5:14 public_url must be a URL",
            "6:27 a proxy must be an address or a network",
            "9:14 limits.body_bytes must be a whole number of at least 1",
            "11:14 \"-users\" is not a collection name",
            "14:19 \"objekt\" is not",
            "17:11 a JSON Pointer must be empty or start with `/`",
            "18:1 collections.users.unique needs fields",
            "19:8 this collection has another unique key named \"email\"",
            "20:22 ",
            "23:10 unknown name \"slef\"",
            "24:12 {oops} is neither",
            "27:12 \"new\" is not one of the states",
            "29:10 \"gone\" is not one of the states",
            "33:17 secret_sha256 must be 64 hexadecimal digits",
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                found.starts_with(expected),
                "found {found}, expected {expected}"
            );
        }
        assert_eq!(found.len(), expected.len(), "{found:#?}");
    }

    #[test]
    fn settings_that_make_a_server_useless_are_mistakes() {
        let cases = [
            (
                "undeclared_collections = \"reject\"",
                "no collection is declared",
            ),
            ("tokens = []\n[collections.a]\n", "locks everybody out"),
            (
                "[collections.a.lifecycle]\nfield = \"/s\"\ninitial = []\nstates = {}\n",
                "at least one",
            ),
            (
                "[[collections.a.rules]]\nname = \"\"\ncheck = \"true\"\n",
                "a rule's name must not be empty",
            ),
        ];
        for (text, message) in cases {
            let found = mistakes(text);
            assert!(
                found.iter().any(|it| it.contains(message)),
                "{text}: {found:#?}"
            );
        }
        assert_eq!(mistakes("undeclared_collections = \"allow\"\n"), [""; 0]);
    }

    #[test]
    fn a_store_is_read_and_its_mistakes_are_told_without_the_password() {
        let text = "store = \"postgres://ann:s3cret@host/name\"\nread_consistency = \"local\"\n";
        let config = parse(Path::new("detente.toml"), text).unwrap();
        assert_eq!(config.read_consistency, Consistency::Local);
        assert!(!format!("{config:?}").contains("s3cret"));
        let cases = [
            (
                "\n  store = \"mysql://ann:s3cret@host/name\"",
                "2:11 store must be the URL of a PostgreSQL database",
            ),
            (
                "store = \"postgres://ann:s3cret@host:x/name\"",
                "1:9 store has a port",
            ),
            ("store = 5432", "1:9 store must be a string"),
            (
                "read_consistency = \"eventual\"",
                "1:20 read_consistency must be \"linearizable\" or \"local\"",
            ),
        ];
        for (text, expected) in cases {
            let found = mistakes(text);
            assert_eq!(found.len(), 1, "{text}: {found:#?}");
            assert!(found[0].starts_with(expected), "{text}: {found:#?}");
            assert!(!found[0].contains("s3cret"), "{found:#?}");
        }
    }

    #[test]
    fn numbers_of_an_inline_schema_are_kept_or_reported() {
        for (number, is_kept) in [
            ("+1.5", true),
            ("1_000", true),
            ("0x10", true),
            ("inf", false),
            ("nan", false),
        ] {
            let text = format!("[collections.a.schema]\nminimum = {number}\n");
            match parse(Path::new("detente.toml"), &text) {
                Ok(config) => {
                    let collection = config.policy.collection("a").unwrap();
                    assert!(
                        is_kept && collection.rules.rules.schema.is_some(),
                        "{number}"
                    );
                }
                Err(Mistakes(found)) => {
                    assert!(!is_kept, "{number}: {found:?}");
                    assert_eq!((found[0].line, found[0].column), (2, 11), "{number}");
                }
            }
        }
    }

    #[test]
    fn broken_toml_is_reported_once() {
        let found = mistakes("a = \nb = 1\n[collections.x\n");
        assert!(found[0].starts_with("1:"), "{found:#?}");
    }

    #[test]
    fn the_file_of_the_documentation_has_no_mistakes() {
        let text = include_str!("../../../../docs/detente.toml");
        let config = parse(Path::new("docs/detente.toml"), text).unwrap();
        assert_eq!(config.data, Some(PathBuf::from("docs/data")));
        let orders = config.policy.collection("orders").unwrap();
        assert_eq!(orders.rules.rules.checks.len(), 1);
        assert!(config.policy.collection("others").is_none());
    }
}
