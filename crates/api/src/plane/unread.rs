//! What a handler left unread of a request's body: read to its end and thrown away, so that a
//! caller who is refused in the middle of sending still gets the answer.
//!
//! A connection that ends while bytes are on their way is reset, and over TLS the caller then sees
//! its end instead of what was answered. Both bounds keep this from being a way to hold a
//! connection: beyond them it is closed, and the answer says so.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;

/// So much is read; who sends more does not mean this API.
const UNREAD_MAX_BYTES: u64 = 16 << 20;
/// Reading it ends by then.
const UNREAD_MAX: Duration = Duration::from_secs(10);

/// Reads what the request's handlers did not.
pub(crate) async fn drain(request: Request, next: Next) -> Response {
    // Who asks before sending (RFC 9110, 10.1.1) and is refused sends nothing.
    let asks_first = request.headers().contains_key(header::EXPECT);
    let (give_back, mut given_back) = oneshot::channel();
    let request =
        request.map(|body| Body::new(Lent { body, asked: false, give_back: Some(give_back) }));
    let mut response = next.run(request).await;
    let whole = match given_back.try_recv() {
        Ok((_, asked)) if asks_first && !asked => false,
        Ok((body, _)) => drained(body, UNREAD_MAX).await,
        // Somebody reads it still: that is no refusal.
        Err(_) => true,
    };
    if !whole {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

/// True when the body came to its end, within so much time and [`UNREAD_MAX_BYTES`].
async fn drained(mut body: Body, within: Duration) -> bool {
    if body.is_end_stream() {
        return true;
    }
    if body.size_hint().lower() > UNREAD_MAX_BYTES {
        return false;
    }
    let reading = async {
        let mut n_bytes = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            n_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            if n_bytes > UNREAD_MAX_BYTES {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(within, reading).await.unwrap_or(false)
}

/// A body that comes back when its reader drops it, with whether it was ever asked for bytes.
struct Lent {
    body: Body,
    asked: bool,
    give_back: Option<oneshot::Sender<(Body, bool)>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.asked = true;
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(give_back) = self.give_back.take() {
            // Refused when nobody waits any more: then the connection is gone.
            let _ = give_back.send((std::mem::take(&mut self.body), self.asked));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    /// A body of this many pieces of 1 MiB whose length is not told.
    fn pieces(n: usize) -> Body {
        let piece = || Ok::<_, Infallible>(Bytes::from_static(&[0; 1 << 20]));
        Body::from_stream(stream::iter((0..n).map(move |_| piece())))
    }

    #[tokio::test]
    async fn reads_to_the_end_within_its_bounds() {
        let told = Body::from(vec![0; 17 << 20]);
        let silent = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let broken = Body::from_stream(stream::iter([Err::<Bytes, _>("gone")]));
        for (name, body, expected) in [
            ("empty", Body::empty(), true),
            ("16 MiB", pieces(16), true),
            ("17 MiB", pieces(17), false),
            ("17 MiB, as told", told, false),
            ("broken", broken, false),
        ] {
            assert_eq!(drained(body, UNREAD_MAX).await, expected, "{name}");
        }
        assert!(!drained(silent, Duration::from_millis(50)).await, "a sender who never goes on");
    }
}
