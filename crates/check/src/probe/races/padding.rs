use bytes::BytesMut;
use http::Method;

use crate::lab::{Halt, Lab, Shape};
use crate::model::{Request, set};

/// A body of this length takes its time to be read, parsed and stored, and most servers still take it.
const LENGTH: usize = 20_000;

/// How a body is made long without changing what it says.
pub(super) enum Padding {
    /// A member of this pointer, beside the one that is written.
    Member(String),
    /// White space after the text.
    Trailing,
}

impl Padding {
    /// Learns with one client what is taken; `None` if nothing is.
    pub(super) async fn learn(lab: &Lab) -> Result<Option<Self>, Halt> {
        let form = &lab.habits().form;
        let padding = match &form.shape {
            // In a patch a member would stay.
            Shape::Json { at, seen_at, .. } if form.method == Method::PUT && at == seen_at => {
                let parent = at.rsplit_once('/').map_or("", |(parent, _)| parent);
                Self::Member(format!("{parent}/padding"))
            }
            Shape::Opaque => Self::Trailing,
            _ => return Ok(None),
        };
        let base = lab.settled().await?;
        let nonce = lab.nonce();
        let request = padding.applied(lab.write(&nonce, &lab.from(&base)));
        let written = lab
            .attempt_request(&lab.actor("alice"), nonce, request)
            .await?;
        let after = lab.read_until(&written.nonce).await?;
        let is_kept =
            written.is_applied() && after.shows(&written.nonce) && after.body().len() >= LENGTH;
        Ok(is_kept.then_some(padding))
    }

    /// Makes the body of a write longer.
    pub(super) fn applied(&self, mut request: Request) -> Request {
        match self {
            Self::Member(pointer) => {
                if let Ok(mut body) = serde_json::from_slice(&request.body) {
                    set(&mut body, pointer, "x".repeat(LENGTH).into());
                    request.body = body.to_string().into();
                }
            }
            Self::Trailing => {
                let mut body = BytesMut::from(&request.body[..]);
                body.resize(request.body.len() + LENGTH, b' ');
                request.body = body.into();
            }
        }
        request
    }
}
