//! What is measured, each as a sequence of loads.

mod batch; // many writes in one request
mod contended; // many clients write one document, and the server merges
mod contender; // a server, or several on the same data, with their clients and documents
mod contest; // put, get and get-304: Detente against the stand-ins
mod generator; // the tester's client: requests for its processor time
mod increment; // many clients, one document: no increment may be lost
mod judge; // judging recorded histories, without a server
mod merge; // merging alone, without a server, beside tools that merge lines
mod nodes; // several servers on one PostgreSQL
mod refusal; // what a refusal costs beside an accepted write
mod release; // how far apart requests arrive that were released together
mod scale; // many documents against few
mod start; // how long a start takes, and how much memory

use anyhow::Result;

use crate::arguments::{Case, DETENTE, POSTGRES, Plan};
use crate::results::Report;
use crate::servers::Launch;

/// Full size: below it, targets that are about a million documents say nothing.
const MILLION: u32 = 1_000_000;

/// Runs the cases of the plan, one after the other.
///
/// # Errors
///
/// When a server or a connection fails; broken promises are in the report.
pub(crate) async fn run(plan: &Plan, report: &mut Report) -> Result<()> {
    let launch = Launch::new(plan)?;
    contest::run(plan, &launch, report).await?;
    if plan.includes(Case::Batch) {
        batch::run(plan, &launch, report).await?;
    }
    if plan.includes(Case::Merge) {
        merge::run(plan, &launch, report).await?;
    }
    if plan.includes(Case::Judge) {
        judge::run(plan, report).await?;
    }
    if plan.includes(Case::Release) {
        release::run(plan, &launch, report).await?;
    }
    if plan.includes(Case::Generator) {
        generator::run(plan, &launch, report).await?;
    }
    if plan.includes(Case::Increment) {
        increment::run(plan, &launch, report).await?;
    }
    if plan.includes(Case::Contended) {
        contended::run(plan, &launch, report).await?;
    }
    if plan.includes(Case::Scale) {
        scale::run(plan, &launch, report).await?;
    }
    if plan.includes(Case::Nodes) && plan.measures(POSTGRES) {
        nodes::run(plan, &launch, report).await?;
    }
    if plan.includes(Case::Refusal) && plan.measures(DETENTE) {
        refusal::run(plan, &launch, report).await?;
    }
    if plan.includes(Case::Start) && plan.measures(DETENTE) {
        start::run(plan, &launch, report).await?;
    }
    Ok(())
}
