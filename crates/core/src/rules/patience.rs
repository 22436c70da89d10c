use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

use cel::common::types::{CelBool, CelNull};
use cel::common::value::CowVal;
use cel::context::VariableResolver;

use super::guarded::GOES_ON;

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

/// Asked before each round of each loop, and for each look at the document. In between, an expression
/// takes time in proportion to the document.
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

    /// Whether there is patience left.
    pub(super) fn goes_on(&self) -> bool {
        if !self.is_over.load(Ordering::Relaxed) && self.patience.is_over() {
            self.is_over.store(true, Ordering::Relaxed);
        }
        !self.is_over.load(Ordering::Relaxed)
    }
}

impl VariableResolver for Watch<'_> {
    /// Once it is over every loop ends and every variable is null, so that what is left of the
    /// expression ends soon.
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let goes_on = self.goes_on();
        match name {
            GOES_ON => Some(CowVal::owned(CelBool::from(goes_on))),
            _ => (!goes_on).then(|| CowVal::owned(CelNull)),
        }
    }
}
