//! Which operation a request is: found by method and matched path in the document.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
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

    /// These and one that the document leaves out.
    pub(crate) fn with(self, method: &str, path: &str, id: &str) -> Self {
        let mut all = HashMap::clone(&self.0);
        let method = method.parse().expect("because it is a method");
        let _ = all.insert((method, path.to_owned()), Arc::from(id));
        Self(Arc::new(all))
    }

    /// Which methods a path has.
    fn methods(&self, path: &str) -> Vec<&Method> {
        let of_path = self.0.keys().filter(|(_, known)| known == path);
        let mut methods: Vec<&Method> = of_path.map(|(method, _)| method).collect();
        methods.sort_by_key(|method| method.as_str());
        methods
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
    let found = path.as_deref().and_then(|path| operations.find(request.method(), path));
    if let (None, Some(path)) = (&found, &path) {
        // A method that is not there needs no permission to be told so.
        let names: Vec<&str> = operations.methods(path).into_iter().map(Method::as_str).collect();
        let allow = [(header::ALLOW, names.join(", "))];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    if let Some(operation) = found.clone() {
        request.extensions_mut().insert(operation);
    }
    let mut response = next.run(request).await;
    if let Some(operation) = found {
        response.extensions_mut().insert(operation);
    }
    response
}
