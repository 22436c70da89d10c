//! From samples to what is printed: medians, ratios, targets, and the tables.

mod figure; // numbers as people read them
mod finding; // one number that matters, beside its target
mod report; // all rows and findings, as text and as JSON
mod row; // the samples of one server in one case
mod statistics; // median, spread, ratio
mod table; // columns, aligned
mod throughput; // how fast one merger merged one set of documents

pub(crate) use finding::{Finding, Target, Unit};
pub(crate) use report::Report;
pub(crate) use row::Row;
pub(crate) use statistics::Spread;
pub(crate) use throughput::Throughput;
