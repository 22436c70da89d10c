use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::objects::{Key, Map};
use cel::{Context, Env, IdedExpr};

use super::guarded::guarded;
use super::patience::{Endless, Patience, Watch};
use super::types;
use crate::json::{Number, Value};

const OURS: &str = "self";
const STORED: &str = "oldSelf";
const CALLER: &str = "caller";

/// What an expression may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subjects(&'static [&'static str]);

impl Subjects {
    /// The proposed document and the stored one.
    const DOCUMENTS: Self = Self(&[OURS, STORED]);
    /// One document, and who asks.
    pub(super) const OF_ONE: Self = Self(&[OURS, CALLER]);
    /// The proposed document, the stored one, and who asks.
    pub(super) const OF_UPDATE: Self = Self(&[OURS, STORED, CALLER]);
}

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    environment
        .add_extension(cel::extensions::strings)
        .expect("the standard library and the strings extension do not overlap");
    Arc::new(environment)
});

/// A condition in CEL over `self`, the proposed document, and `oldSelf`, the stored one.
pub struct Expression {
    source: String,
    /// Its loops end when patience does.
    program: IdedExpr,
    mentions_ours: bool,
    mentions_stored: bool,
    mentions_caller: bool,
}

/// What conditions are about: documents, which are made ready for all of them at once.
pub(super) struct Change<'a> {
    old: Option<&'a Value>,
    new: Option<&'a Value>,
    caller: Option<&'a Value>,
    stored: OnceCell<cel::Value>,
    ours: OnceCell<cel::Value>,
    known: OnceCell<cel::Value>,
}

impl<'a> Change<'a> {
    pub(super) fn new(old: Option<&'a Value>, new: Option<&'a Value>) -> Self {
        Self {
            old,
            new,
            caller: None,
            stored: OnceCell::new(),
            ours: OnceCell::new(),
            known: OnceCell::new(),
        }
    }

    pub(super) fn by(self, caller: &'a Value) -> Self {
        Self {
            caller: Some(caller),
            ..self
        }
    }

    fn ours(&self) -> cel::Value {
        self.ours.get_or_init(|| to_cel(self.new)).clone()
    }

    fn stored(&self) -> cel::Value {
        self.stored.get_or_init(|| to_cel(self.old)).clone()
    }

    /// What is known of the caller.
    fn known(&self) -> cel::Value {
        self.known.get_or_init(|| to_cel(self.caller)).clone()
    }
}

/// What came of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    True,
    /// It is false, or cannot be evaluated.
    False,
    /// It took too long.
    TooCostly,
}

enum Unanswered {
    Failed(String),
    TooCostly,
}

/// Why a text is not a condition. `offset` counts characters from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    pub offset: usize,
    pub message: String,
}

/// How many signs that combine parts an expression may have: more would need a deep stack wherever it is
/// evaluated.
const MAX_MARKS: usize = 500;

/// Where an expression has one too many, in characters from 0. Those in texts count, too.
fn long_at(source: &str) -> Option<usize> {
    let marks = source.chars().enumerate();
    let mut marks = marks.filter(|(_, it)| "+-*/%<>=!&|?:.,([{".contains(*it));
    marks.nth(MAX_MARKS).map(|(offset, _)| offset)
}

impl Expression {
    /// Compiles a condition, and checks everything that can be checked before it runs.
    ///
    /// # Errors
    ///
    /// [`ExpressionError`] if it does not parse, uses an unknown name, applies an operator to the
    /// wrong types, or cannot be true or false.
    pub fn compile(source: &str) -> Result<Self, ExpressionError> {
        Self::compile_over(source, Subjects::DOCUMENTS)
    }

    /// The same, of a condition that may be about other things.
    pub(super) fn compile_over(source: &str, subjects: Subjects) -> Result<Self, ExpressionError> {
        // Before it is parsed: a chain of operators is parsed, and evaluated, as deep as it is long.
        if let Some(offset) = long_at(source) {
            let message =
                format!("it must have at most {MAX_MARKS} operators, dots, commas and brackets");
            return Err(ExpressionError { offset, message });
        }
        let program = ENVIRONMENT
            .compile(source)
            .map_err(|errors| describe(source, &errors))?;
        types::check_condition(&program, subjects.0)?;
        let references = program.references();
        let mentions = |name| references.has_variable(name);
        let (mentions_ours, mentions_stored) = (mentions(OURS), mentions(STORED));
        let mentions_caller = mentions(CALLER);
        Ok(Self {
            source: source.to_owned(),
            program: guarded(program.expression()),
            mentions_ours,
            mentions_stored,
            mentions_caller,
        })
    }

    /// The text that was compiled.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it mentions `oldSelf`.
    pub fn mentions_stored(&self) -> bool {
        self.mentions_stored
    }

    /// Whether everything that it mentions exists.
    pub(super) fn is_answerable(&self, about: &Change<'_>) -> bool {
        (about.old.is_some() || !self.mentions_stored)
            && (about.new.is_some() || !self.mentions_ours)
    }

    /// Whether it is true. An expression that cannot be evaluated, such as a comparison with an
    /// absent member, is not true.
    pub fn holds(&self, old: Option<&Value>, new: Option<&Value>) -> bool {
        self.answer(&Change::new(old, new), &Endless) == Answer::True
    }

    /// The same, as far as there is patience.
    pub(super) fn answer(&self, about: &Change<'_>, patience: &dyn Patience) -> Answer {
        match self.evaluate(about, patience) {
            Ok(true) => Answer::True,
            Ok(false) | Err(Unanswered::Failed(_)) => Answer::False,
            Err(Unanswered::TooCostly) => Answer::TooCostly,
        }
    }

    /// Why it cannot be evaluated, if so.
    pub(super) fn reason(&self, about: &Change<'_>, patience: &dyn Patience) -> Option<String> {
        match self.evaluate(about, patience) {
            Err(Unanswered::Failed(why)) => Some(why),
            _ => None,
        }
    }

    fn evaluate(&self, about: &Change<'_>, patience: &dyn Patience) -> Result<bool, Unanswered> {
        let watch = Watch::new(patience);
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        if self.mentions_ours {
            context.add_variable_from_value(OURS, about.ours());
        }
        if self.mentions_stored {
            context.add_variable_from_value(STORED, about.stored());
        }
        if self.mentions_caller {
            context.add_variable_from_value(CALLER, about.known());
        }
        context.set_variable_resolver(&watch);
        let result = context.resolve(&self.program);
        if !watch.goes_on() {
            return Err(Unanswered::TooCostly);
        }
        match result {
            Ok(cel::Value::Bool(value)) => Ok(value),
            Ok(other) => Err(Unanswered::Failed(format!(
                "the result is of type {}, not a boolean",
                other.type_of()
            ))),
            Err(error) => Err(Unanswered::Failed(error.to_string())),
        }
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

fn describe(source: &str, errors: &cel::ParseErrors) -> ExpressionError {
    let Some(first) = errors.errors.first() else {
        return ExpressionError {
            offset: 0,
            message: "not an expression".into(),
        };
    };
    let (line, column) = first.pos;
    let (line, column) = (
        usize::try_from(line).unwrap_or(0).saturating_sub(1),
        usize::try_from(column).unwrap_or(0).saturating_sub(1),
    );
    let before: usize = source
        .split_inclusive('\n')
        .take(line)
        .map(|line| line.chars().count())
        .sum();
    ExpressionError {
        offset: before + column,
        message: first.msg.clone(),
    }
}

fn to_cel(value: Option<&Value>) -> cel::Value {
    match value {
        None | Some(Value::Null) => cel::Value::Null,
        Some(Value::Bool(value)) => cel::Value::Bool(*value),
        Some(Value::Number(number)) => to_cel_number(number),
        Some(Value::String(text)) => cel::Value::String(Arc::new(text.clone())),
        Some(Value::Array(items)) => cel::Value::List(Arc::new(
            items.iter().map(|item| to_cel(Some(item))).collect(),
        )),
        Some(Value::Object(members)) => {
            let pair = |(name, value): (&String, &Value)| {
                (Key::String(Arc::new(name.clone())), to_cel(Some(value)))
            };
            let map: HashMap<Key, cel::Value> = members.iter().map(pair).collect();
            cel::Value::Map(Map { map: Arc::new(map) })
        }
    }
}

/// An integer if the digits are one that fits, otherwise a double.
fn to_cel_number(number: &Number) -> cel::Value {
    match number.as_i64() {
        Some(whole) => cel::Value::Int(whole),
        None => cel::Value::Float(number.as_f64()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::json::parse;

    #[test]
    fn conditions_over_documents() {
        let cases = [
            ("self.n >= 0", r#"{"n":1}"#, true),
            ("self.n >= 0", r#"{"n":1.5}"#, true),
            ("self.n == 1.0", r#"{"n":1}"#, true),
            ("self.n >= 0", "{}", false),
            ("self.n >= 0", r#"{"n":"x"}"#, false),
            ("!has(self.n)", "{}", true),
            (
                "self.tags.all(t, t.startsWith('a'))",
                r#"{"tags":["ab","a"]}"#,
                true,
            ),
            (
                "self.status in ['pending', 'running']",
                r#"{"status":"done"}"#,
                false,
            ),
            ("self['a-b'] == null", r#"{"a-b":null}"#, true),
            (
                "self.e.lowerAscii().matches('^[a-z]+@x[.]org$')",
                r#"{"e":"A@X.org"}"#,
                true,
            ),
            (
                "timestamp(self.a) < timestamp(self.b)",
                r#"{"a":"2026-01-01T00:00:00Z","b":"2026-01-01T01:30:00+01:00"}"#,
                true,
            ),
            (
                "size(self.items) <= 2 && self.items.exists(i, i.ok)",
                r#"{"items":[{"ok":true}]}"#,
                true,
            ),
            (
                "self.tags.exists_one(t, t == 'b')",
                r#"{"tags":["a","b"]}"#,
                true,
            ),
            (
                "type(self.n) == int && type('a') == string",
                r#"{"n":1}"#,
                true,
            ),
            ("double(self.n) * self.x < 10.0", r#"{"n":3,"x":1.5}"#, true),
            ("self.n * self.x < 10.0", r#"{"n":3,"x":1.5}"#, false),
            ("self == self", r#"{"a":[1,{"b":2.0}]}"#, true),
        ];
        for (source, document, expected) in cases {
            let expression = Expression::compile(source).unwrap();
            let document = parse(document.as_bytes()).unwrap();
            assert_eq!(
                expression.holds(None, Some(&document)),
                expected,
                "{source} on {document}"
            );
        }
    }

    /// Counts the questions, and loses patience after so many.
    #[derive(Debug)]
    struct Counting {
        asked: AtomicUsize,
        most: usize,
    }

    impl Patience for Counting {
        fn is_over(&self) -> bool {
            self.asked.fetch_add(1, Ordering::Relaxed) >= self.most
        }
    }

    /// Loops over what another loop is at look at no variable of the document.
    #[test]
    fn every_loop_ends_when_patience_does() {
        let numbers = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
        let text = format!(r#"{{"a":[{{"b":[{}]}}]}}"#, numbers(300).join(","));
        let document = parse(text.as_bytes()).unwrap();
        let sources = [
            "self.a.all(x, x.b.all(y, x.b.exists(z, z == y)))",
            "self.a.all(x, x.b.all(y, x.b.all(z, z >= 0 || z.c)))",
            "self.a.exists(x, x.b.exists(y, x.b.exists(z, z == y - 1000)))",
            "self.a.exists_one(x, x.b.exists_one(y, x.b.exists_one(z, z == y && y == 299)))",
            "size(self.a.map(x, x.b.map(y, x.b.map(z, z + y)))) == 1",
            "size(self.a.filter(x, size(x.b.filter(y, size(x.b.filter(z, z == y)) == 1)) == 300)) == 1",
            "size(self.a.map(x, x.b.exists(y, y == 299), x.b.map(z, z < 200, {'k': [z]}))) == 1",
        ];
        for source in sources {
            let expression = Expression::compile(source).unwrap();
            let endless = expression.holds(None, Some(&document));
            for most in [0, 1, 7, 100] {
                let asked = AtomicUsize::new(0);
                let patience = Counting { asked, most };
                let answer = expression.answer(&Change::new(None, Some(&document)), &patience);
                assert_eq!(answer, Answer::TooCostly, "{source} {most}");
                // It is not asked again, and nothing goes on for long.
                assert!(patience.asked.into_inner() <= most + 1, "{source}");
            }
            let most = usize::MAX;
            let asked = AtomicUsize::new(0);
            let patience = Counting { asked, most };
            let answer = expression.answer(&Change::new(None, Some(&document)), &patience);
            assert_eq!(answer == Answer::True, endless, "{source}");
            assert!(
                patience.asked.into_inner() > 300,
                "{source}: its loops do not ask"
            );
        }
    }

    #[test]
    fn what_cannot_be_a_condition_is_found_before_it_runs() {
        let cases = [
            ("self.n >=", 9),
            ("self.n > 1 &&& true", 13),
            ("slef.n > 1", 0),
            ("self.n > 1 && old.x", 14),
            ("sizes(self.n) > 1", 0),
            ("self.name.beginsWith('a')", 0),
            ("1 + 2", 0),
            ("'a' == 'b' && 1 + 'a' == 2", 14),
            ("!1", 0),
            ("self.n > 1 ? 'a' : 'b'", 0),
            ("[1, 2]", 0),
            ("self.n > 1 || 'x'", 0),
            ("'a' - 'b' == 'c'", 0),
            ("1 < 'a'", 0),
            ("base64.encode(b'a') == self.x", 0),
        ];
        for (source, _offset) in cases {
            assert!(Expression::compile(source).is_err(), "{source}");
        }
    }

    /// A chain is evaluated as deep as it is long, on a stack that may be small.
    #[test]
    fn long_chains_are_refused_and_others_have_room() {
        let chain = |links: usize| format!("1{} > 0", "+1".repeat(links));
        let run = |source: String| {
            let small = std::thread::Builder::new().stack_size(1 << 20);
            let holds = move || Expression::compile(&source).map(|it| it.holds(None, None));
            small.spawn(holds).unwrap().join().unwrap()
        };
        assert_eq!(run(chain(MAX_MARKS - 1)), Ok(true));
        assert_eq!(run(format!("{}true", "!".repeat(400))), Ok(true));
        assert!(run(format!("has(self{})", ".a".repeat(400))).is_ok());
        let refused = run(chain(100_000)).unwrap_err();
        assert_eq!(refused.offset, 2 * MAX_MARKS + 1);
    }
}
