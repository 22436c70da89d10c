use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use apollo_compiler::Name;
use apollo_compiler::collections::HashMap as ApolloMap;
use apollo_compiler::schema::Implementers;
use apollo_compiler::validation::Valid;

use crate::document::{Document, Documents};
use crate::fault::Fault;
use crate::names::{Names, is_name};
use crate::sdl::{COMMON, Described, OPERATORS, SHARED_FIELDS, SUFFIXES, root_fields, sdl};
use crate::shape::Shapes;

/// A collection, as far as its schema goes by it.
#[derive(Clone, Copy, Debug)]
pub struct Collection<'a> {
    pub name: &'a str,
    /// What the type of its documents is called, where somebody chose it.
    pub type_name: Option<&'a str>,
    /// The JSON Schema of its documents.
    pub schema: Option<&'a serde_json::Value>,
    /// Whether a write must name the version that it changes.
    pub needs_condition: bool,
}

/// What a field of a root does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resolver {
    One,
    Many,
    Versions,
    Preview,
    Create,
    Replace,
    Patch,
    Delete,
    Merge,
    Changed,
    Position,
    Conflicts,
    Conflict,
    Resolve,
    Dismiss,
    Batch,
    Changes,
}

/// A field of a root, as far as its name says what it is.
#[derive(Clone, Debug)]
pub struct RootField {
    pub resolver: Resolver,
    /// The collection that it is about, where its name says so.
    pub collection: Option<Arc<CollectionType>>,
}

/// A collection as its types have it.
#[derive(Debug)]
pub struct CollectionType {
    /// `None`: an argument says which.
    pub name: Option<String>,
    /// `Product`.
    pub type_name: String,
    /// `ProductVersion` and `ProductChange`.
    pub version_type: String,
    pub change_type: String,
    /// Whether `data` has a type of its own; else it is JSON.
    pub is_typed: bool,
}

/// Two things that have one name. The first was there before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    #[error(
        "{name:?} is no name that GraphQL has: letters, digits and underscores, no digit first"
    )]
    NoName { collection: String, name: String },
    #[error(
        "its GraphQL name {name} is that of {other}; say graphql_type, so that it has another one"
    )]
    Taken {
        collection: String,
        name: String,
        other: String,
    },
    /// A schema that GraphQL cannot say.
    #[error("its types are no GraphQL: {message}")]
    Unsayable { collection: String, message: String },
}

impl Clash {
    /// The collection that cannot have its name.
    pub fn collection(&self) -> &str {
        match self {
            Self::NoName { collection, .. }
            | Self::Taken { collection, .. }
            | Self::Unsayable { collection, .. } => collection,
        }
    }
}

/// The schema of some collections, ready to be asked.
pub struct Api {
    sdl: String,
    pub(crate) schema: Valid<apollo_compiler::Schema>,
    pub(crate) implementers: ApolloMap<Name, Implementers>,
    /// Names of inputs whose fields are the operators of a filter.
    pub(crate) operators: HashSet<String>,
    fields: HashMap<String, RootField>,
    by_collection: HashMap<String, Arc<CollectionType>>,
    any: Option<Arc<CollectionType>>,
    documents: Documents,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

/// What those have in common that are not declared.
const ANY: &str = "documents";

/// Who has the names that all schemas have.
const OWN: &str = "the schema's own";

impl Api {
    /// The schema of collections; with `has_others` it also has fields for those that are not among them.
    ///
    /// # Errors
    ///
    /// Names that cannot be, of all collections.
    pub fn of(collections: &[Collection<'_>], has_others: bool) -> Result<Self, Vec<Clash>> {
        let mut taken = Taken::new();
        let mut clashes = Vec::new();
        let mut all = Vec::new();
        if has_others {
            let names = Names::of(ANY, None);
            taken.take_all("undeclared collections", &names, &mut clashes);
            all.push(Described {
                collection: None,
                names,
                shapes: None,
            });
        }
        // Those whose names somebody chose give way to those who have no choice.
        let (chosen, usual): (Vec<&Collection<'_>>, Vec<_>) =
            collections.iter().partition(|it| it.type_name.is_some());
        for collection in usual.into_iter().chain(chosen) {
            if let Some(given) = collection.type_name.filter(|name| !is_name(name)) {
                clashes.push(Clash::NoName {
                    collection: collection.name.to_owned(),
                    name: given.to_owned(),
                });
                continue;
            }
            let mut names = Names::of(collection.name, collection.type_name);
            if collection.type_name.is_some() && taken.0.contains_key(&names.many) {
                names.many = format!("{}List", names.one);
            }
            taken.take_all(collection.name, &names, &mut clashes);
            all.push(Described {
                collection: Some(collection),
                names,
                shapes: None,
            });
        }
        if !clashes.is_empty() {
            return Err(clashes);
        }
        for described in &mut all {
            let schema = described.collection.and_then(|it| it.schema);
            let stem = &described.names.type_name;
            described.shapes =
                schema.and_then(|schema| Shapes::of(schema, stem, &mut |name| taken.free(name)));
        }
        Self::compile(&all).map_err(|clash| vec![clash])
    }

    fn compile(all: &[Described<'_>]) -> Result<Self, Clash> {
        let sdl = sdl(all);
        let schema = apollo_compiler::Schema::parse_and_validate(&sdl, "schema.graphql");
        let schema = schema.map_err(|error| unsayable(all, &error.errors.to_string()))?;
        let mut fields = HashMap::new();
        let mut operators: HashSet<_> = OPERATORS.map(str::to_owned).into();
        let mut by_collection = HashMap::new();
        let mut any = None;
        for described in all {
            let name = described.collection.map(|it| it.name.to_owned());
            let type_name = &described.names.type_name;
            let collection = Arc::new(CollectionType {
                type_name: type_name.clone(),
                version_type: format!("{type_name}Version"),
                change_type: format!("{type_name}Change"),
                is_typed: described.shapes.is_some(),
                name: name.clone(),
            });
            for (resolver, name) in root_fields(&described.names) {
                let collection = Some(Arc::clone(&collection));
                fields.insert(
                    name,
                    RootField {
                        resolver,
                        collection,
                    },
                );
            }
            let choices = described.shapes.iter().flat_map(|it| &it.choices);
            operators.extend(choices.map(|it| format!("{}Where", it.name)));
            match name {
                Some(name) => {
                    by_collection.insert(name, collection);
                }
                None => any = Some(collection),
            }
        }
        for (resolver, name) in SHARED_FIELDS {
            let collection = None;
            fields.insert(
                name.to_owned(),
                RootField {
                    resolver,
                    collection,
                },
            );
        }
        Ok(Self {
            implementers: schema.implementers_map(),
            sdl,
            schema,
            operators,
            fields,
            by_collection,
            any,
            documents: Documents::default(),
        })
    }

    /// The schema in the language of GraphQL.
    pub fn sdl(&self) -> &str {
        &self.sdl
    }

    /// What a field of a root does.
    pub fn field(&self, name: &str) -> Option<&RootField> {
        self.fields.get(name)
    }

    /// The types of a collection's documents; `None` if the schema has no documents of it.
    pub fn collection(&self, name: &str) -> Option<&Arc<CollectionType>> {
        self.by_collection.get(name).or(self.any.as_ref())
    }

    /// What a client sent, read against the schema. It is kept, for clients send the same again and again.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn document(&self, text: &str) -> Result<Arc<Document>, Vec<Fault>> {
        self.documents
            .find_or(text, || Document::read(text, &self.schema))
    }
}

/// Which collection a compiler's complaint is about cannot be told from its text alone: the first that has a
/// schema is named.
fn unsayable(all: &[Described<'_>], message: &str) -> Clash {
    let mut declared = all.iter().filter_map(|it| it.collection);
    let first = declared.find(|it| it.schema.is_some());
    Clash::Unsayable {
        collection: first.map(|it| it.name.to_owned()).unwrap_or_default(),
        message: message.to_owned(),
    }
}

/// The names that are taken, of types and of fields of the roots, each with whose it is.
struct Taken(BTreeMap<String, String>);

/// What the names of the types end in that a nested object or an enum may have.
const FORMS: [&str; 3] = ["", "Input", "Where"];

impl Taken {
    fn new() -> Self {
        let words = COMMON.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let is_definition =
                |it: &str| ["scalar", "interface", "type", "enum", "input"].contains(&it);
            words.next().filter(|it| is_definition(it))?;
            words.next().map(str::to_owned)
        });
        let built_in = ["Query", "Mutation", "Subscription", "BatchOperation"]
            .into_iter()
            .chain(["Int", "Float", "String", "Boolean", "ID"])
            .map(str::to_owned);
        let shared = SHARED_FIELDS.iter().map(|(_, name)| (*name).to_owned());
        let own = |name: String| (name, OWN.to_owned());
        Self(words.chain(built_in).chain(shared).map(own).collect())
    }

    fn take_all(&mut self, owner: &str, names: &Names, clashes: &mut Vec<Clash>) {
        let name = &names.type_name;
        let suffixed = SUFFIXES.iter().map(|suffix| format!("{name}{suffix}"));
        let own = ["Data", "Input", "Where"].map(|suffix| format!("{name}{suffix}"));
        let operations =
            ["Create", "Replace", "Patch", "Delete"].map(|verb| format!("{verb}{name}Operation"));
        let types = suffixed.chain(own).chain(operations);
        let fields = root_fields(names).map(|(_, field)| field);
        let all = std::iter::once(name.clone()).chain(fields).chain(types);
        for name in all {
            match self.0.get(&name) {
                Some(other) => {
                    clashes.push(Clash::Taken {
                        collection: owner.to_owned(),
                        name,
                        other: other.clone(),
                    });
                    return;
                }
                None => {
                    self.0.insert(name, owner.to_owned());
                }
            }
        }
    }

    /// A name that is still free, this one if it is. Nested types have names of their own makers alone.
    fn free(&mut self, wanted: String) -> String {
        let is_free = |name: &String| {
            let mut forms = FORMS.iter().map(|suffix| format!("{name}{suffix}"));
            forms.all(|form| !self.0.contains_key(&form))
        };
        let others = (1..).map(|number| match number {
            1 => format!("{wanted}Value"),
            number => format!("{wanted}Value{number}"),
        });
        let name = std::iter::once(wanted.clone()).chain(others).find(is_free);
        let name = name.unwrap_or(wanted);
        for suffix in FORMS {
            self.0.insert(format!("{name}{suffix}"), name.clone());
        }
        name
    }
}
