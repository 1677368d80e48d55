//! API tokens.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base::{ExitCode, Fault};
use jiff::SignedDuration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::{Outcome, bad, check_roles};
use crate::access::credentials::{TOKEN_ID_CHARS, TOKEN_PREFIX};
use crate::access::model::{ALL, TokenCreate, TokenMade, TokenView};
use crate::access::service::{Access, hash_of};
use crate::access::store::Token;
use crate::access::{Kind, Principal};
use crate::plane::model::Page;
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, page};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const DAYS: i32 = 90;
const DAYS_MAX: i32 = 366;
/// One maker has no more.
const TOKENS_MAX: usize = 1000;

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new().routes(routes!(token_list, token_create)).routes(routes!(token_delete))
}

/// List the tokens: one's own, and those of others to whoever reads who gets in.
#[utoipa::path(get, path = "/tokens", tag = "access", params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<TokenView>)))]
async fn token_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<TokenView>>> {
    let access = state.access();
    let any = access.may(&by, "token_list_any", &ALL);
    let mut tokens = access.stored(|store| store.tokens()).await?;
    tokens.retain(|token| any || is_of(token, &by));
    let tokens = tokens.into_iter().map(TokenView::from).collect();
    Ok(Json(page(tokens, &query, |token: &TokenView| token.id.clone())))
}

fn is_of(token: &Token, by: &Principal) -> bool {
    token.made_by == by.name && token.maker == by.kind
}

/// Make a token. It is shown this once.
#[utoipa::path(post, path = "/tokens", tag = "access", request_body = TokenCreate,
    responses((status = 201, description = "The token", body = TokenMade)))]
async fn token_create(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Body(wish): Body<TokenCreate>,
) -> Outcome<Response> {
    let access = state.access();
    check_roles(access, &wish.assignments)?;
    if wish.assignments.is_empty() {
        return Err(bad("a token needs a role").into());
    }
    let judge = access.judge(&by);
    if let Some(over) = wish.assignments.iter().find(|given| !judge.covers(given)) {
        let detail = format!("{} has not all that {} allows on {}", by.name, over.role, over.scope);
        return Err(Fault::new("forbidden", "nobody gives away more than they have")
            .detail(detail)
            .exit(ExitCode::Forbidden)
            .into());
    }
    let now = access.now();
    let after = |days| now.checked_add(DAY * days).unwrap_or(now);
    let expires_at = wish.expires_at.unwrap_or_else(|| after(DAYS));
    if expires_at <= now || expires_at > after(DAYS_MAX) {
        return Err(bad("a token expires within 366 days").into());
    }
    let (id, secret) = drawn(access);
    let name = wish.name.unwrap_or_else(|| format!("token-{}", &id[..6]));
    let plain = name.trim() == name && !name.chars().any(char::is_control);
    if !plain || !(1..=64).contains(&name.chars().count()) {
        return Err(bad("a token's name has 1 to 64 characters").into());
    }
    let token = Token {
        id,
        name,
        hash: hash_of(&secret),
        assignments: wish.assignments,
        made_by: by.name,
        maker: by.kind,
        created_at: now,
        expires_at,
        used_at: None,
    };
    let made = TokenMade {
        token: format!("{TOKEN_PREFIX}{}_{}", token.id, secret.as_str()),
        shown: TokenView::from(token.clone()),
    };
    access.change(move |store| add(store, token, now)).await?;
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, no_store, Json(made)).into_response())
}

/// Names are principals' names, so two tokens never share one; an expired one gives way.
fn add(
    store: &dyn crate::access::store::AccessStore,
    token: Token,
    now: jiff::Timestamp,
) -> Result<(), Fault> {
    let others = store.tokens()?;
    let of = others.iter().filter(|other| other.made_by == token.made_by).count();
    if of >= TOKENS_MAX {
        return Err(Fault::new("too_many", "there are 1000 tokens of this maker already")
            .exit(ExitCode::Conflict));
    }
    for other in others.iter().filter(|other| other.name == token.name) {
        if other.expires_at > now {
            let message = format!("there is a token \"{}\" already", token.name);
            return Err(Fault::new("exists", message).exit(ExitCode::Conflict));
        }
        store.remove_token(&other.id)?;
    }
    store.add_token(&token)
}

/// Id and secret of a new token.
fn drawn(access: &Access) -> (String, Zeroizing<String>) {
    let hex = |n: usize| -> String {
        let mut bytes = Zeroizing::new(vec![0; n / 2]);
        access.random.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    (hex(TOKEN_ID_CHARS), Zeroizing::new(hex(64)))
}

/// Revoke a token: one's own, and those of others by whoever decides who gets in.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "access",
    responses((status = 204, description = "It is no token any more")))]
async fn token_delete(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(id): Path<String>,
) -> Outcome<StatusCode> {
    let access = state.access();
    let any = access.may(&by, "token_delete_any", &ALL);
    let own_name = match by.kind {
        Kind::Token => by.name.strip_prefix("token:").map(str::to_owned),
        _ => None,
    };
    let gone = access
        .change(move |store| {
            let found = store.token(&id)?;
            // What the caller may not see is not there. A token can end itself.
            let seen = found.filter(|token| {
                any || is_of(token, &by) || own_name.as_deref() == Some(token.name.as_str())
            });
            seen.map_or(Ok(false), |token| store.remove_token(&token.id))
        })
        .await?;
    match gone {
        true => Ok(StatusCode::NO_CONTENT),
        false => {
            Err(Fault::new("not_found", "there is no such token").exit(ExitCode::NotFound).into())
        }
    }
}
