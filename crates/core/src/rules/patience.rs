use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

use cel::common::types::CelNull;
use cel::common::value::CowVal;
use cel::context::VariableResolver;

/// How long the rules of one write may take. Whoever has a clock says when it is over.
pub trait Patience: Debug + Send + Sync {
    /// Whether it is.
    fn is_over(&self) -> bool;
}

/// Waits for ever.
#[derive(Clone, Copy, Debug)]
pub struct Endless;

impl Patience for Endless {
    fn is_over(&self) -> bool {
        false
    }
}

/// Asked for each free variable of an expression, so for each round of a loop that looks at the
/// document anew. In between, an expression takes time in proportion to the document.
pub(super) struct Watch<'p> {
    patience: &'p dyn Patience,
    is_over: AtomicBool,
}

impl<'p> Watch<'p> {
    pub(super) fn new(patience: &'p dyn Patience) -> Self {
        Self {
            patience,
            is_over: AtomicBool::new(false),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl VariableResolver for Watch<'_> {
    /// Once it is over every variable is null, so that what is left of the expression ends soon.
    fn resolve<'b>(&'b self, _: &str) -> Option<CowVal<'b, 'b>> {
        if !self.is_over() && self.patience.is_over() {
            self.is_over.store(true, Ordering::Relaxed);
        }
        self.is_over().then(|| CowVal::owned(CelNull))
    }
}
