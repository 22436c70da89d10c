//! Loops that end when there is no patience left. An evaluation of CEL cannot be given up half way, and
//! errors in a loop do not end it; so each loop looks at a variable of ours before each round.

use cel::IdedExpr;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, ListExpr, LiteralValue, operators,
};

/// Whether to go on. No expression can name it: it is no identifier of CEL.
pub(super) const GOES_ON: &str = "@goes_on";

/// The same expression, all of whose loops end when [`GOES_ON`] is false. What comes of it then means
/// nothing.
pub(super) fn guarded(expression: &IdedExpr) -> IdedExpr {
    let mut expression = expression.clone();
    guard(&mut expression);
    expression
}

fn guard(expression: &mut IdedExpr) {
    match &mut expression.expr {
        Expr::Call(call) => {
            call.target.as_deref_mut().into_iter().for_each(guard);
            call.args.iter_mut().for_each(guard);
        }
        Expr::Comprehension(comprehension) => guard_loop(comprehension),
        Expr::List(list) => list.elements.iter_mut().for_each(guard),
        Expr::Map(map) => map
            .entries
            .iter_mut()
            .for_each(|entry| guard_entry(&mut entry.expr)),
        Expr::Struct(made) => made
            .entries
            .iter_mut()
            .for_each(|entry| guard_entry(&mut entry.expr)),
        Expr::Select(select) => guard(&mut select.operand),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
    }
}

fn guard_entry(entry: &mut EntryExpr) {
    match entry {
        EntryExpr::StructField(field) => guard(&mut field.value),
        EntryExpr::MapEntry(entry) => {
            guard(&mut entry.key);
            guard(&mut entry.value);
        }
    }
}

fn guard_loop(of: &mut ComprehensionExpr) {
    for part in [
        &mut of.iter_range,
        &mut of.accu_init,
        &mut of.loop_step,
        &mut of.result,
    ] {
        guard(part);
    }
    // A loop that only appends is known to the interpreter by its shape, which must stay: it would copy
    // its list in each round otherwise. Its rounds go on, and do nothing.
    match appended(&mut of.loop_step) {
        Some(list) if matches!(of.loop_cond.expr, Expr::Literal(_)) => {
            for element in &mut list.elements {
                let then = std::mem::take(element);
                let otherwise = of_literal(LiteralValue::Null);
                *element = call(operators::CONDITIONAL, vec![goes_on(), then, otherwise]);
            }
        }
        _ => {
            let condition = std::mem::take(&mut of.loop_cond);
            of.loop_cond = call(operators::LOGICAL_AND, vec![goes_on(), condition]);
        }
    }
}

/// What a step appends to the result: the list in `@result + [x]`, or in `guard ? @result + [x] : @result`,
/// whose guard is guarded as well.
fn appended(step: &mut IdedExpr) -> Option<&mut ListExpr> {
    let Expr::Call(CallExpr {
        func_name, args, ..
    }) = &mut step.expr
    else {
        return None;
    };
    match (func_name.as_str(), args.as_mut_slice()) {
        (
            operators::ADD,
            [
                _,
                IdedExpr {
                    expr: Expr::List(list),
                    ..
                },
            ],
        ) => Some(list),
        (operators::CONDITIONAL, [condition, then, _]) => {
            let list = appended(then)?;
            let inner = std::mem::take(condition);
            *condition = call(operators::LOGICAL_AND, vec![goes_on(), inner]);
            Some(list)
        }
        _ => None,
    }
}

fn goes_on() -> IdedExpr {
    unplaced(Expr::Ident(GOES_ON.to_owned()))
}

fn of_literal(literal: LiteralValue) -> IdedExpr {
    unplaced(Expr::Literal(literal))
}

fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    unplaced(Expr::Call(CallExpr {
        func_name: name.to_owned(),
        target: None,
        args,
    }))
}

/// It stands nowhere in the source.
fn unplaced(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}
