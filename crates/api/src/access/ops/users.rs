//! Accounts and roles.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base::{ExitCode, Fault, Secret};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, bad, check_roles, refused};
use crate::access::judge::{Question, operations_of};
use crate::access::layer::refusal;
use crate::access::model::{
    ALL, PasswordSet, RoleView, RolesSet, UserCreate, UserUpdate, UserView,
};
use crate::access::principal::Kind;
use crate::access::service::Access;
use crate::access::sign_in::{is_user_name, no_user};
use crate::access::store::User;
use crate::access::{Principal, cookie, password};
use crate::plane::model::Page;
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, etag, page};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(user_list, user_create))
        .routes(routes!(user_show, user_update, user_delete))
        .routes(routes!(user_password_set))
        .routes(routes!(user_roles_set))
        .routes(routes!(role_list))
}

/// List the accounts.
#[utoipa::path(get, path = "/users", tag = "access", params(PageQuery),
    responses((status = 200, description = "Accounts by name", body = Page<UserView>)))]
async fn user_list(
    State(state): State<PlaneState>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<UserView>>> {
    let users = state.access().stored(|store| store.users()).await?;
    let users = users.into_iter().map(UserView::from).collect();
    Ok(Json(page(users, &query, |user: &UserView| user.name.clone())))
}

/// Make an account.
#[utoipa::path(post, path = "/users", tag = "access", request_body = UserCreate,
    responses((status = 201, description = "It was made", body = UserView)))]
async fn user_create(
    State(state): State<PlaneState>,
    Body(wish): Body<UserCreate>,
) -> Outcome<Response> {
    let access = state.access();
    let UserCreate { name, assignments, password } = wish;
    if !is_user_name(&name) {
        return Err(bad("this is no name for a user")
            .hint("1 to 64 of a-z, 0-9, \".\", \"_\" and \"-\", beginning with a letter")
            .into());
    }
    check_roles(access, &assignments)?;
    let now = access.now();
    let password_set_at = password.as_ref().map(|_| now);
    let password = match password {
        None => None,
        Some(password) => Some(taken(access, &name, password).await?),
    };
    let user = User {
        name: name.clone(),
        enabled: true,
        password,
        assignments,
        created_at: now,
        password_set_at,
        signed_in_at: None,
        version: 1,
    };
    let shown = UserView::from(user.clone());
    if !access.change(move |store| store.add_user(&user)).await? {
        return Err(Fault::new("exists", format!("there is a user \"{name}\" already"))
            .exit(ExitCode::Conflict)
            .into());
    }
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// The stored form of a password that is good enough.
async fn taken(access: &Access, name: &str, password: Secret<String>) -> Result<String, Fault> {
    password::check(name, password.expose())?;
    access.hashed(password).await
}

/// Show an account.
#[utoipa::path(get, path = "/users/{name}", tag = "access",
    responses((status = 200, description = "The account", body = UserView)))]
async fn user_show(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Outcome<Response> {
    let user = find(state.access(), &name).await?;
    let tag = tag(&user);
    Ok(etag::answer_tagged(&headers, &tag, &UserView::from(user)))
}

fn tag(user: &User) -> String {
    format!("\"{}\"", user.version)
}

async fn find(access: &Access, name: &str) -> Result<User, Fault> {
    let of = name.to_owned();
    let found = access.stored(move |store| store.user(&of)).await?;
    found.ok_or_else(|| no_user(name))
}

/// Enable or disable an account.
#[utoipa::path(patch, path = "/users/{name}", tag = "access", request_body = UserUpdate,
    responses((status = 200, description = "What holds now", body = UserView)))]
async fn user_update(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Body(update): Body<UserUpdate>,
) -> Outcome<Json<UserView>> {
    let enabled = update.enabled.ok_or_else(|| bad("nothing to change was named"))?;
    let change = |user: &mut User| user.enabled = enabled;
    Ok(Json(changed(state.access(), &headers, &name, change, !enabled).await?))
}

/// Changes an account as it was seen; somebody who was faster is not overwritten.
async fn changed(
    access: &Access,
    headers: &HeaderMap,
    name: &str,
    change: impl FnOnce(&mut User),
    end_sessions: bool,
) -> Result<UserView, Fault> {
    let mut user = find(access, name).await?;
    etag::check(headers, &tag(&user))?;
    change(&mut user);
    let shown = UserView::from(user.clone());
    match access.change(move |store| store.set_user(&user, end_sessions)).await? {
        true => Ok(shown),
        false => Err(Fault::new("conflict", "somebody else changed this user meanwhile")
            .exit(ExitCode::Conflict)),
    }
}

/// Delete an account, with its sessions and tokens.
#[utoipa::path(delete, path = "/users/{name}", tag = "access",
    responses((status = 204, description = "It is gone")))]
async fn user_delete(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Outcome<StatusCode> {
    let access = state.access();
    etag::check(&headers, &tag(&find(access, &name).await?))?;
    let of = name.clone();
    match access.change(move |store| store.remove_user(&of)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(no_user(&name).into()),
    }
}

/// Set a password. All sessions of the account end, but the one that asks.
#[utoipa::path(post, path = "/users/{name}/password", tag = "access",
    request_body = PasswordSet,
    responses((status = 204, description = "It is set")))]
async fn user_password_set(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path(name): Path<String>,
    Body(wish): Body<PasswordSet>,
) -> Outcome<Response> {
    let access = state.access();
    let own = by.kind == Kind::User && by.name == name;
    if !access.may(&by, "user_password_set_any", &ALL) {
        if !own {
            let question = Question::new("user_password_set_any", &ALL);
            return Err(refusal(access, &by, question).into());
        }
        let current = wish.current_password.ok_or_else(|| {
            bad("the password that holds now was not given").hint("give current_password, too")
        })?;
        if let Err(why) = access.checked(&name, current).await {
            return Ok(refused(why));
        }
    }
    let password = Some(taken(access, &name, wish.password).await?);
    let now = access.now();
    let set = |user: &mut User| {
        user.password = password;
        user.password_set_at = Some(now);
    };
    changed(access, &headers, &name, set, true).await?;
    let of = name.clone();
    access.stored(move |store| store.clear_failures(&of)).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if own {
        let Principal { name, kind, assignments } = by;
        let session = access.begin(Principal { name, kind, assignments }, None).await?;
        let cookie = cookie::session(&session.cookie);
        response.headers_mut().append(axum::http::header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Set the roles of an account; they hold from the next request on.
#[utoipa::path(put, path = "/users/{name}/roles", tag = "access", request_body = RolesSet,
    responses((status = 200, description = "What holds now", body = UserView)))]
async fn user_roles_set(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    Path(name): Path<String>,
    Body(wish): Body<RolesSet>,
) -> Outcome<Json<UserView>> {
    let access = state.access();
    check_roles(access, &wish.assignments)?;
    let set = |user: &mut User| user.assignments = wish.assignments;
    Ok(Json(changed(access, &headers, &name, set, false).await?))
}

/// List the roles and what each may do, as the policies say.
#[utoipa::path(get, path = "/roles", tag = "access", params(PageQuery),
    responses((status = 200, description = "The roles", body = Page<RoleView>)))]
async fn role_list(
    State(state): State<PlaneState>,
    Query(query): Query<PageQuery>,
) -> Json<Page<RoleView>> {
    let policies = state.access().policies();
    let view = |role: &crate::access::policy::Role| RoleView {
        name: role.name.clone(),
        description: role.doc.clone(),
        operations: operations_of(policies, &role.name).map(str::to_owned).collect(),
    };
    let roles = policies.roles().iter().map(view).collect();
    Json(page(roles, &query, |role: &RoleView| role.name.clone()))
}
