//! The portal's files over HTTP: everything outside the API falls through to here.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use portal::Answer;

/// Answers with a file of the portal, or with its page, which then finds the way by the path.
///
/// `Cache-Control` is set here: a layer outside must keep it where it stands.
pub(crate) async fn serve(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    let headers = request.headers();
    let accept = text(headers, &header::ACCEPT_ENCODING).unwrap_or_default();
    let known = text(headers, &header::IF_NONE_MATCH);
    let mut response = match portal::answer(request.uri().path(), accept, known) {
        Answer::File(file) => {
            let of_file = [
                (header::CONTENT_TYPE, file.content_type.to_owned()),
                (header::ETAG, file.etag),
                (header::CACHE_CONTROL, file.cache_control.to_owned()),
            ];
            let encoded = file.content_encoding.map(|name| [(header::CONTENT_ENCODING, name)]);
            (of_file, encoded, Body::from(file.body.into_owned())).into_response()
        }
        Answer::NotModified { etag, cache_control } => {
            let same = [(header::ETAG, etag), (header::CACHE_CONTROL, cache_control.to_owned())];
            (StatusCode::NOT_MODIFIED, same).into_response()
        }
        Answer::NotFound => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    };
    let vary = header::HeaderValue::from_static("accept-encoding");
    response.headers_mut().insert(header::VARY, vary);
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{Request, StatusCode, header};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    async fn ask(method: &str, path: &str, known: Option<&str>) -> axum::response::Response {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::ACCEPT_ENCODING, "br");
        let request =
            known.into_iter().fold(request, |r, tag| r.header(header::IF_NONE_MATCH, tag));
        let app: Router = Router::new().fallback(super::serve);
        app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// Holds for a binary with the portal in it and for one without.
    #[tokio::test]
    async fn there_is_always_a_page() {
        let response = ask("GET", "/servers/demo", None).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
        if !portal::is_built() {
            let page = response.into_body().collect().await.unwrap().to_bytes();
            let page = String::from_utf8(page.to_vec()).unwrap();
            assert!(page.contains("cargo xtask build"), "{page}");
            return;
        }
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        let etag = response.headers()[header::ETAG].to_str().unwrap();
        let again = ask("GET", "/servers", Some(etag)).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn only_reading_and_only_what_is_there() {
        assert_eq!(ask("POST", "/", None).await.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(ask("GET", "/assets/none.js", None).await.status(), StatusCode::NOT_FOUND);
    }
}
