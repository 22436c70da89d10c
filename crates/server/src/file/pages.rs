use std::io;

use axum::body::Body;
use bytes::Bytes;
use detente_service::Outcome;
use futures_util::stream::unfold;

/// What is sent in pieces, as it is read: a folder may have more in it than is to be held at one time.
pub(crate) trait Pages: Send + Sync + 'static {
    /// What is behind the last.
    const END: &'static str;

    /// Adds the page behind a name; the name that the next one is behind, if there is one.
    fn push(
        &self,
        text: &mut String,
        after: Option<&str>,
    ) -> impl Future<Output = Outcome<Option<String>>> + Send;
}

/// A piece that is to be sent, and the name behind which the next one begins.
struct Piece<P> {
    text: String,
    after: Option<String>,
    pages: P,
}

/// `text` and then all pages. The first page is read before the answer begins, so that what keeps it from being
/// read is the answer.
pub(crate) async fn in_pieces<P: Pages>(pages: P, mut text: String) -> Outcome<Body> {
    let after = pages.push(&mut text, None).await?;
    let first = Piece { text, after, pages };
    Ok(Body::from_stream(unfold(Some(first), async |piece| {
        let Piece {
            mut text,
            after,
            pages,
        } = piece?;
        let Some(after) = after else {
            text.push_str(P::END);
            return Some((Ok(Bytes::from(text)), None));
        };
        let piece = Bytes::from(text);
        let mut text = String::new();
        match pages.push(&mut text, Some(&after)).await {
            Ok(after) => Some((Ok(piece), Some(Piece { text, after, pages }))),
            Err(refused) => {
                tracing::error!(?refused, "a folder cannot be listed to its end");
                Some((Err(io::Error::other("a folder cannot be read")), None))
            }
        }
    })))
}
