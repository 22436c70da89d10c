use std::time::Duration;

use crate::model::Exchange;
use http::header;

const FIRST: Duration = Duration::from_millis(20);
/// No server is waited for longer than this, whatever it asks for.
const LONGEST: Duration = Duration::from_secs(2);

/// Waits as long as the answer asks for (RFC 9110, section 10.2.3), or else longer with each try.
pub(super) async fn wait(exchange: &Exchange, tries: u32) {
    let asked = exchange
        .response()
        .and_then(|response| response.header(header::RETRY_AFTER.as_str()))
        .and_then(|value| value.trim().parse().ok())
        .map(Duration::from_secs);
    tokio::time::sleep(asked.unwrap_or_else(|| growing(tries)).min(LONGEST)).await;
}

pub(super) async fn back_off(tries: u32) {
    tokio::time::sleep(growing(tries)).await;
}

/// Long enough for a date that counts in seconds to say another.
pub(super) async fn second() {
    tokio::time::sleep(Duration::from_millis(1100)).await;
}

fn growing(tries: u32) -> Duration {
    (FIRST * 2_u32.saturating_pow(tries.min(10))).min(LONGEST)
}
