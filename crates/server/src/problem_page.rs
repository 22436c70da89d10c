use axum::http::request::Parts;

use crate::app::App;
use crate::call::Answer;
use crate::problem::{Problem, ProblemType, problems};
use crate::resource::PathParts;
use crate::site::Site;
use crate::status;

/// The page about a problem, at the address in `type`.
pub(crate) async fn read(app: &App, path: &PathParts, parts: &Parts) -> Answer {
    let slug = path.get("slug").unwrap_or_default();
    let found = problems().find(|row| row.slug == slug);
    let row = found.ok_or_else(|| Problem::not_found(format!("There is no problem {slug:?}.")))?;
    let site = Site::found(&app.settings, &parts.extensions);
    Ok(status::html(site.page(&page(row))))
}

fn page(row: &ProblemType) -> String {
    let link = |other: &ProblemType| format!("<a href=\"{}\">{}</a>", other.path(), other.slug);
    let others = problems().filter(|it| it.kind != row.kind);
    let others: Vec<_> = others.map(link).collect();
    include_str!("problem_page.html")
        .replace("<!-- title -->", row.title)
        .replace("<!-- slug -->", row.slug)
        .replace("<!-- error -->", row.error)
        .replace("<!-- status -->", &row.status.to_string())
        .replace("<!-- why -->", row.why)
        .replace("<!-- what -->", row.what)
        .replace("<!-- again -->", row.again)
        .replace("<!-- others -->", &others.join(" · "))
}
