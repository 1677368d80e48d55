//! HTTP at the edge; the only crate that names axum.
//!
//! [`keyvault`] carries the key vault and the identity endpoint. Beside it stands one page that
//! says what runs, and `/healthz`: the portal comes with a later version. The page changes
//! nothing and shows no secret.

pub mod access;
pub mod client;
mod error;
mod files;
mod guard;
pub mod keyvault;
mod page;
pub mod plane;
mod tls;

#[cfg(test)]
mod tests;

use std::net::TcpListener;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use tokio::sync::watch;

pub use error::Error;
pub use page::{ServerLine, Snapshot};
pub use tls::Tls;

/// Serves the page on `listener` until dropped. `view` holds what it shows.
pub async fn serve(
    listener: TcpListener,
    tls: &Tls,
    view: watch::Receiver<Snapshot>,
) -> Result<(), Error> {
    listener.set_nonblocking(true).map_err(Error::Listen)?;
    axum_server::from_tcp_rustls(listener, tls.config())
        .map_err(Error::Listen)?
        .serve(router(view).into_make_service())
        .await
        .map_err(Error::Serve)
}

fn router(view: watch::Receiver<Snapshot>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/healthz", get(health))
        .fallback(files::serve)
        .layer(axum::middleware::from_fn(guard::guard))
        .with_state(view)
}

async fn index(State(view): State<watch::Receiver<Snapshot>>) -> impl IntoResponse {
    let page = page::render(&view.borrow());
    Html(page)
}

/// Says that the plane answers; what the servers do is another question.
async fn health() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], "{\"status\":\"ok\"}\n")
}
