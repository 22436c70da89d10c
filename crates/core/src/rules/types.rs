use cel::Program;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators,
};

use super::ExpressionError;

/// The type of a value, as far as it is known before the expression runs. Documents have no
/// declared types, so most of their values are `Unknown`, which is compatible with everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Unknown,
    Bool,
    Number,
    Text,
    Bytes,
    List,
    Map,
    Null,
}

/// The functions of CEL's standard library and of its strings extension.
const FUNCTIONS: &[&str] = &[
    "bool",
    "bytes",
    "charAt",
    "contains",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "format",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "matches",
    "replace",
    "reverse",
    "size",
    "split",
    "startsWith",
    "string",
    "substring",
    "timestamp",
    "trim",
    "type",
    "uint",
    "upperAscii",
];

/// The names of CEL's types, to compare with `type()`.
const NAMES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];

/// Checks that an expression can be true or false, that its names exist and its operators fit.
pub(super) fn check_condition(
    program: &Program,
    variables: &[&str],
) -> Result<(), ExpressionError> {
    let checker = Checker { program, variables };
    let mut scope: Vec<&str> = variables.to_vec();
    let root = program.expression();
    match checker.type_of(root, &mut scope)? {
        Type::Bool | Type::Unknown => Ok(()),
        found => checker.fail(
            root,
            format!("the expression is {}, not a condition", found.name()),
        ),
    }
}

struct Checker<'p> {
    program: &'p Program,
    /// What the condition may be about.
    variables: &'p [&'p str],
}

type Checked = Result<Type, ExpressionError>;

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "of unknown type",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Bytes => "bytes",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Null => "null",
        }
    }

    fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Unknown || other == Self::Unknown
    }
}

impl<'p> Checker<'p> {
    fn fail<T>(&self, at: &IdedExpr, message: String) -> Result<T, ExpressionError> {
        let offset = self.program.source_info().offset_for(at.id);
        Err(ExpressionError {
            offset: offset.map_or(0, |(start, _)| start as usize),
            message,
        })
    }

    fn type_of(&self, at: &'p IdedExpr, scope: &mut Vec<&'p str>) -> Checked {
        match &at.expr {
            Expr::Literal(literal) => Ok(literal_type(literal)),
            Expr::Ident(name) => self.variable(at, name, scope),
            Expr::Call(call) => self.call(at, call, scope),
            Expr::Select(select) => {
                self.type_of(&select.operand, scope)?;
                Ok(if select.test {
                    Type::Bool
                } else {
                    Type::Unknown
                })
            }
            Expr::List(list) => {
                list.elements
                    .iter()
                    .try_for_each(|item| self.type_of(item, scope).map(drop))?;
                Ok(Type::List)
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.type_of(&entry.key, scope)?;
                        self.type_of(&entry.value, scope)?;
                    }
                }
                Ok(Type::Map)
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, scope),
            Expr::Struct(_) | Expr::Unspecified => {
                self.fail(at, "a condition cannot contain messages".into())
            }
        }
    }

    fn variable(&self, at: &IdedExpr, name: &str, scope: &[&str]) -> Checked {
        if scope.contains(&name) || NAMES.contains(&name) {
            return Ok(Type::Unknown);
        }
        let known = self.variables.join(" or ");
        self.fail(at, format!("unknown name {name:?}; use {known}"))
    }

    fn comprehension(&self, it: &'p ComprehensionExpr, scope: &mut Vec<&'p str>) -> Checked {
        self.type_of(&it.iter_range, scope)?;
        self.type_of(&it.accu_init, scope)?;
        let outer = scope.len();
        scope.push(&it.accu_var);
        scope.push(&it.iter_var);
        scope.extend(it.iter_var2.as_deref());
        self.type_of(&it.loop_cond, scope)?;
        self.type_of(&it.loop_step, scope)?;
        let result = self.type_of(&it.result, scope);
        scope.truncate(outer);
        result
    }

    fn call(&self, at: &IdedExpr, call: &'p CallExpr, scope: &mut Vec<&'p str>) -> Checked {
        let operands = call.target.as_deref().into_iter().chain(&call.args);
        let types: Vec<Type> = operands
            .map(|it| self.type_of(it, scope))
            .collect::<Result<_, _>>()?;
        match call.func_name.as_str() {
            operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::NOT_STRICTLY_FALSE => {
                self.all(at, &types, &[Type::Bool])?;
                Ok(Type::Bool)
            }
            operators::EQUALS | operators::NOT_EQUALS => Ok(Type::Bool),
            operators::IN => {
                self.all(at, &types[1..], &[Type::List, Type::Map])?;
                Ok(Type::Bool)
            }
            operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS => {
                self.same(at, &types)?;
                Ok(Type::Bool)
            }
            operators::ADD => {
                self.all(
                    at,
                    &types,
                    &[Type::Number, Type::Text, Type::List, Type::Bytes],
                )?;
                self.same(at, &types)
            }
            operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO
            | operators::NEGATE => {
                self.all(at, &types, &[Type::Number])?;
                self.same(at, &types)
            }
            operators::CONDITIONAL => {
                self.all(at, &types[..1], &[Type::Bool])?;
                Ok(if types[1] == types[2] {
                    types[1]
                } else {
                    Type::Unknown
                })
            }
            operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT => Ok(Type::Unknown),
            name => self.function(at, name),
        }
    }

    fn all(&self, at: &IdedExpr, types: &[Type], wanted: &[Type]) -> Result<(), ExpressionError> {
        let misfit = types
            .iter()
            .find(|found| !wanted.iter().any(|wanted| found.may_be(*wanted)));
        match misfit {
            None => Ok(()),
            Some(found) => self.fail(
                at,
                format!("this operator does not work on {}", found.name()),
            ),
        }
    }

    fn same(&self, at: &IdedExpr, types: &[Type]) -> Checked {
        match types {
            [one, other] if !one.may_be(*other) => {
                let message = format!("cannot combine {} with {}", one.name(), other.name());
                self.fail(at, message)
            }
            [Type::Unknown, other] => Ok(*other),
            [one, ..] => Ok(*one),
            [] => Ok(Type::Unknown),
        }
    }

    fn function(&self, at: &IdedExpr, name: &str) -> Checked {
        match name {
            "size" | "int" | "uint" | "double" | "indexOf" | "lastIndexOf" => Ok(Type::Number),
            "contains" | "startsWith" | "endsWith" | "matches" | "bool" => Ok(Type::Bool),
            "string" | "lowerAscii" | "upperAscii" | "trim" | "join" => Ok(Type::Text),
            _ if FUNCTIONS.contains(&name) => Ok(Type::Unknown),
            // The expansion of a macro, which is always correct.
            _ if name.starts_with(['@', '_', '!']) => Ok(Type::Unknown),
            _ => self.fail(at, format!("unknown function {name:?}")),
        }
    }
}

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => Type::Number,
        LiteralValue::String(_) => Type::Text,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Null => Type::Null,
    }
}
