//! How often somebody may ask.
//!
//! Nothing here knows HTTP or reads a clock: what came in, and when, are arguments.

mod limit; // how often somebody may ask

pub use limit::{Class, Exceeded, Limiter, Limits, NotARate, Rate, Standing, Who};
