//! The OpenAPI document, made from the handlers.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder};
use utoipa::openapi::security::{SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref,
    ResponseBuilder, ServerBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

use super::model::{BaselineFixPlan, BaselineFixRadius};
use super::operation::methods_mut;
use super::{ErrorBody, ErrorShape, PREFIX, PlaneState, ops};

/// The document of everything that is served below `/api/v1`.
pub fn openapi() -> OpenApi {
    finished(router().to_openapi())
}

/// Every operation below its prefix.
pub(crate) fn router() -> OpenApiRouter<PlaneState> {
    let all = OpenApiRouter::new().merge(ops::router()).merge(crate::access::router());
    OpenApiRouter::with_openapi(about()).nest(PREFIX, all)
}

fn about() -> OpenApi {
    let licence = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("pgkeep")
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(licence))
        .description(Some(
            "Everything that the portal and the command line do. JSON in snake_case, times as \
             RFC 3339. Lists answer {\"items\", \"next\"}; give `next` as `after` for the next \
             page. What can be changed has an ETag; a change with If-Match is refused (412) when \
             somebody else was faster. Long work answers 202 with a job; follow it at \
             /api/v1/jobs/{id} or its events. Browsers send the header `X-Pgkeep-Csrf: 1` with \
             every change.",
        ))
        .build();
    let components = ComponentsBuilder::new()
        .security_scheme(
            "token",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .bearer_format("pgk_…")
                    .description(Some("A token of pgkeep: pgkeep token create"))
                    .build(),
            ),
        )
        .security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                "__Host-pgkeep",
                "The session of a browser; changes need the header X-Pgkeep-Csrf, too",
            ))),
        )
        .schema(ErrorShape::name(), ErrorShape::schema())
        .schema(ErrorBody::name(), ErrorBody::schema())
        // What comes of jobs, where no answer has it.
        .schema(BaselineFixPlan::name(), BaselineFixPlan::schema())
        .schema(BaselineFixRadius::name(), BaselineFixRadius::schema())
        .build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .components(Some(components))
        .security(Some(
            ["token", "session"]
                .map(|name| SecurityRequirement::new::<_, [&str; 0], &str>(name, [])),
        ))
        .build()
}

/// Every operation can fail in the same shape; the statuses are those of `super::error`.
fn finished(mut document: OpenApi) -> OpenApi {
    let shape =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorShape::name()))).build();
    let failure = ResponseBuilder::new()
        .description("What went wrong; the same shape for every status")
        .content("application/json", shape)
        .build();
    for item in document.paths.paths.values_mut() {
        for (_, operation) in methods_mut(item) {
            operation.responses.responses.insert("default".to_owned(), failure.clone().into());
        }
    }
    document
}
