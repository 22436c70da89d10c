use bytes::Bytes;
use detente_core::json::Draft;
use detente_service::Holding;

use crate::call::{Answer, Call};
use crate::representation::{self, Coding};
use crate::resource::collection_href;

/// The collections of a space, and how much they hold.
pub(crate) async fn read(call: &mut Call) -> Answer {
    let names = call.names();
    let space = names.space()?;
    let holdings = call.app.service.collections(&call.principal, space).await?;
    let href = |holding: &Holding| call.site.link(&collection_href(space, &holding.collection));
    let items: Vec<_> = holdings.iter().map(|it| item(it, &href(it))).collect();
    let body = Bytes::from(Draft::default().with("items", items).into_text());
    let coding = Coding::negotiate(call.inbound.headers(), body.len());
    representation::json(body, coding).await
}

fn item(holding: &Holding, href: &str) -> Draft {
    Draft::default()
        .with("name", &*holding.collection)
        .with("href", href)
        .with("documents", holding.documents)
        .with("changed_at", holding.changed_at.map(|it| it.to_string()))
}
