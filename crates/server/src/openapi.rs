use crate::app::App;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::Response;
use std::sync::Arc;
pub(crate) async fn handle(
    State(_app): State<Arc<App>>,
    _request: Request,
) -> Result<Response, Problem> {
    Err(Problem::not_found("soon"))
}
