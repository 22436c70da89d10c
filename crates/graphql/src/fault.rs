use apollo_compiler::response::GraphQLError;
use detente_core::json::{Draft, RawText, Value};

/// Why a request, or a field of it, has no result (October 2021, section 7.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    /// Lines and columns of the document that was sent, from 1.
    pub locations: Vec<(usize, usize)>,
    /// Where in the data there is no value.
    pub path: Vec<Segment>,
    pub extensions: Extensions,
}

/// A step to a place in the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Key(String),
    Index(usize),
}

/// What programs go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extensions {
    /// In capitals, such as `UPDATE_CONFLICT`.
    pub code: String,
    /// The members that follow the code, each a JSON text.
    pub members: Vec<(&'static str, String)>,
}

impl Extensions {
    /// The code alone.
    pub fn code(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            members: Vec::new(),
        }
    }
}

impl Fault {
    /// The code of a document that is none.
    pub const PARSE: &'static str = "GRAPHQL_PARSE_FAILED";
    /// The code of a document that does not fit the schema.
    pub const VALIDATION: &'static str = "GRAPHQL_VALIDATION_FAILED";
    /// The code of arguments and variables that cannot be.
    pub const INPUT: &'static str = "BAD_USER_INPUT";
    /// The code of an operation that the document does not have.
    pub const OPERATION: &'static str = "OPERATION_RESOLUTION_FAILURE";
    /// The code of a request that asks for more than it may.
    pub const TOO_COSTLY: &'static str = "QUERY_TOO_COSTLY";
    /// The code of a stored value that does not have the type of its field.
    pub const UNFIT: &'static str = "VALUE_DOES_NOT_FIT";

    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: shortened(message.into()),
            locations: Vec::new(),
            path: Vec::new(),
            extensions: Extensions::code(code),
        }
    }

    /// An argument or a variable that cannot be.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Self::INPUT, message)
    }

    /// That a request asks for more than `limit`.
    pub(crate) fn over(message: String, limit: u64) -> Self {
        Self::new(Self::TOO_COSTLY, message).with("limit", limit.to_string())
    }

    /// With one more member of its extensions, a JSON text.
    pub fn with(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.extensions.members.push((name, text.into()));
        self
    }

    pub(crate) fn at(mut self, location: Option<(usize, usize)>) -> Self {
        self.locations.extend(location);
        self
    }

    pub(crate) fn of(code: &'static str, error: GraphQLError) -> Self {
        Self {
            locations: error
                .locations
                .iter()
                .map(|it| (it.line, it.column))
                .collect(),
            ..Self::new(code, error.message)
        }
    }

    /// Several, as the `errors` of a response are.
    pub fn list(faults: &[Self]) -> String {
        let texts: Vec<_> = faults.iter().map(Self::to_text).collect();
        format!("[{}]", texts.join(","))
    }

    /// As a response has it.
    pub fn to_text(&self) -> String {
        let mut error = Draft::default().with("message", &self.message);
        if !self.locations.is_empty() {
            let place = |(line, column): &(usize, usize)| {
                let place = Draft::default().with("line", *line as u64);
                place.with("column", *column as u64)
            };
            let places: Vec<_> = self.locations.iter().map(place).collect();
            error.add("locations", places);
        }
        if !self.path.is_empty() {
            let segment = |segment: &Segment| match segment {
                Segment::Key(key) => Value::from(key.as_str()),
                Segment::Index(index) => Value::from(*index as u64),
            };
            let path: Vec<_> = self.path.iter().map(segment).collect();
            error.add("path", path);
        }
        let mut extensions = Draft::default().with("code", &self.extensions.code);
        for (name, text) in &self.extensions.members {
            extensions.add(name, RawText(text));
        }
        error.add("extensions", extensions);
        error.into_text()
    }
}

/// A complaint names what it is about, which may be as long as a request.
fn shortened(message: String) -> String {
    const MOST: usize = 500;
    match message.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &message[..at]),
        None => message,
    }
}
