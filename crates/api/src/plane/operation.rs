//! Which operation a request is: found by method and matched path in the document.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use utoipa::openapi::{HttpMethod, OpenApi};

/// The `operationId` of a request; in its extensions where it is one of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation(pub Arc<str>);

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operations(Arc<HashMap<(Method, String), Arc<str>>>);

impl Operations {
    /// Those of `document`.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let mut all = HashMap::new();
        for (path, item) in &document.paths.paths {
            for (method, operation) in methods(item) {
                let id = operation.operation_id.clone().unwrap_or_default();
                let _ = all.insert((method, path.clone()), Arc::from(id));
            }
        }
        Self(Arc::new(all))
    }

    fn find(&self, method: &Method, path: &str) -> Option<Operation> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.0.get(&(method.clone(), path.to_owned())).cloned().map(Operation)
    }
}

type Item = utoipa::openapi::PathItem;
type One = utoipa::openapi::path::Operation;

/// The operations of one path.
pub(crate) fn methods(item: &Item) -> Vec<(Method, &One)> {
    [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_ref().map(|operation| (method, operation)))
    .collect()
}

/// The same to be changed.
pub(crate) fn methods_mut(item: &mut Item) -> Vec<(HttpMethod, &mut One)> {
    [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Delete, &mut item.delete),
        (HttpMethod::Patch, &mut item.patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
    .collect()
}

/// Notes the operation in the request.
pub(crate) async fn note(
    State(operations): State<Operations>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let found = path.and_then(|path| operations.find(request.method(), &path));
    if let Some(operation) = found.clone() {
        request.extensions_mut().insert(operation);
    }
    let mut response = next.run(request).await;
    if let Some(operation) = found {
        response.extensions_mut().insert(operation);
    }
    response
}
