//! Asking the policies: may this one do that, here? What no policy permits is refused, and so is
//! what the schema does not know and what could not be computed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, PolicyId, PolicySet, Request,
    RestrictedExpression, SlotId,
};

use super::policy::{Action, BadPolicy, Policies};
use super::principal::{Assignment, Kind, Principal, Scope};

/// What one asks the policies.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// An operationId or a facet of the schema.
    pub operation: &'a str,
    /// What it is about.
    pub scope: &'a Scope,
    /// The server parameter that is to change.
    pub parameter: Option<&'a str>,
}

impl<'a> Question<'a> {
    /// A question about an operation on something.
    pub fn new(operation: &'a str, scope: &'a Scope) -> Self {
        Self { operation, scope, parameter: None }
    }
}

/// The policies with one principal's roles linked in; made once for a session or token, asked
/// often.
#[derive(Clone)]
pub struct Judge {
    policies: Arc<Policies>,
    set: PolicySet,
    principal: Option<Principal>,
    entity: Entity,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Judge").field(&self.principal).finish()
    }
}

impl Judge {
    /// Links the roles of `who`; nobody: not signed in.
    pub fn new(policies: &Arc<Policies>, who: Option<Principal>) -> Result<Self, BadPolicy> {
        let types = &policies.types;
        let mut set = policies.set.clone();
        let Some(who) = who else {
            let entity = Entity::new_no_attrs(types.guest(), HashSet::new());
            return Ok(Self { policies: Arc::clone(policies), set, principal: None, entity });
        };
        let uid = types.user(&who.name);
        for (n, assignment) in who.assignments.iter().enumerate() {
            let fit = policies.templates.iter().filter(|(_, role)| *role == assignment.role);
            for (template, _) in fit {
                let slots = HashMap::from([
                    (SlotId::principal(), uid.clone()),
                    (SlotId::resource(), types.resource(&assignment.scope)),
                ]);
                let id = PolicyId::new(format!("{template}#{n}"));
                set.link(template.clone(), id, slots).map_err(BadPolicy::new)?;
            }
        }
        let kind = RestrictedExpression::new_string(who.kind.as_str().to_owned());
        let attributes = HashMap::from([("kind".to_owned(), kind)]);
        let entity = Entity::new(uid, attributes, HashSet::new()).map_err(BadPolicy::new)?;
        Ok(Self { policies: Arc::clone(policies), set, principal: Some(who), entity })
    }

    /// Who is judged.
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// Whether it is allowed. A list is open to whoever may list a part of what there is; each
    /// of its items has to be asked about in turn.
    pub fn may(&self, question: Question<'_>) -> bool {
        let Some(action) = self.policies.actions.get(question.operation) else { return false };
        let decide = |scope| match self.decide(action, scope, question.parameter) {
            Ok(verdict) => verdict,
            Err(e) => {
                tracing::error!(error = %e, question.operation, "a policy could not be asked");
                false
            }
        };
        let own = self.principal.iter().flat_map(|who| &who.assignments);
        decide(question.scope)
            || (action.listing
                && *question.scope == Scope::All
                && own.map(|assignment| &assignment.scope).any(decide))
    }

    /// Whether the judged may do everything that the assignment would allow, so that passing it
    /// on gives nobody more than the giver has.
    pub fn covers(&self, given: &Assignment) -> bool {
        let Some(giver) = &self.principal else { return false };
        let taker = Principal { assignments: vec![given.clone()], ..giver.clone() };
        let Ok(taker) = Self::new(&self.policies, Some(taker)) else { return false };
        self.policies.actions.keys().all(|operation| {
            SAMPLES.into_iter().all(|parameter| {
                let parameter = Some(parameter);
                let question = Question { operation, scope: &given.scope, parameter };
                !taker.may(question) || self.may(question)
            })
        })
    }

    fn decide(
        &self,
        action: &Action,
        scope: &Scope,
        parameter: Option<&str>,
    ) -> Result<bool, BadPolicy> {
        let types = &self.policies.types;
        let parents = match scope {
            Scope::All => HashSet::new(),
            _ => HashSet::from([types.resource(&Scope::All)]),
        };
        let resource = Entity::new_no_attrs(types.resource(scope), parents);
        let context = parameter.map(|name| {
            let name = RestrictedExpression::new_string(name.to_owned());
            ("parameter".to_owned(), name)
        });
        let context = Context::from_pairs(context).map_err(BadPolicy::new)?;
        let asked = (self.entity.uid(), action.entity.uid(), resource.uid());
        let request =
            Request::new(asked.0, asked.1, asked.2, context, None).map_err(BadPolicy::new)?;
        let entities = [self.entity.clone(), action.entity.clone(), resource];
        let entities = Entities::from_entities(entities, None).map_err(BadPolicy::new)?;
        let answer = Authorizer::new().is_authorized(&request, &self.set, &entities);
        // A policy that could not be computed may have been a prohibition.
        let sound = answer.diagnostics().errors().next().is_none();
        Ok(sound && answer.decision() == Decision::Allow)
    }
}

/// One parameter about security and one that is not: whoever may change some but not all is told
/// apart by them.
const SAMPLES: [&str; 2] = ["require_secure_transport", "shared_buffers"];

/// Somebody with one role for everything.
fn with_role(kind: Kind, role: &str) -> Principal {
    let given = Assignment { role: role.to_owned(), scope: Scope::All };
    Principal { name: "somebody".to_owned(), kind, assignments: vec![given] }
}

/// The roles that would allow it to somebody of this kind.
pub fn roles_that_may<'a>(
    policies: &'a Arc<Policies>,
    kind: Kind,
    question: Question<'_>,
) -> Vec<&'a str> {
    let may = |role: &str| {
        Judge::new(policies, Some(with_role(kind, role))).is_ok_and(|judge| judge.may(question))
    };
    policies.roles().iter().map(|role| role.name.as_str()).filter(|role| may(role)).collect()
}

/// What a role allows in some scope, sorted; also what it allows for some parameters only.
pub fn operations_of<'a>(
    policies: &'a Arc<Policies>,
    role: &str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    policies.allowed.get(role).into_iter().flatten().map(String::as_str)
}

/// Computes it, once.
pub(super) fn allowed(policies: &Arc<Policies>, role: &str) -> Vec<String> {
    let Ok(judge) = Judge::new(policies, Some(with_role(Kind::User, role))) else {
        return Vec::new();
    };
    let parameter = Some(SAMPLES[0]);
    let may = |operation: &&str| judge.may(Question { operation, scope: &Scope::All, parameter });
    policies.operations().into_iter().filter(may).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(kind: Kind, given: &[(&str, &str)]) -> Judge {
        let assignments = given.iter().map(|(role, scope)| Assignment {
            role: (*role).to_owned(),
            scope: scope.parse().unwrap(),
        });
        let assignments = assignments.collect();
        let who = Principal { name: "anna".to_owned(), kind, assignments };
        Judge::new(&policies(), Some(who)).unwrap()
    }

    fn policies() -> Arc<Policies> {
        Policies::embedded().unwrap()
    }

    fn may(judge: &Judge, operation: &str, scope: &str) -> bool {
        judge.may(Question::new(operation, &scope.parse().unwrap()))
    }

    #[test]
    fn nobody_and_nothing_is_denied() {
        let guest = Judge::new(&policies(), None).unwrap();
        assert!(may(&guest, "session_create", "/"));
        assert!(!may(&guest, "session_show", "/"));
        assert!(!may(&guest, "server_list", "/"));
        let bare = judge(Kind::User, &[]);
        assert!(may(&bare, "session_show", "/"));
        assert!(!may(&bare, "server_list", "/"));
        let owner = judge(Kind::User, &[("owner", "/")]);
        assert!(may(&owner, "server_delete", "/servers/demo"));
        assert!(!may(&owner, "no_such_operation", "/"));
        assert!(!may(&judge(Kind::User, &[("root", "/")]), "server_list", "/"));
    }

    #[test]
    fn a_role_ends_where_its_scope_ends() {
        let anna = judge(Kind::User, &[("reader", "/servers/a"), ("owner", "/servers/b")]);
        assert!(may(&anna, "server_list", "/"), "lists are filtered, not refused");
        assert!(may(&anna, "server_show", "/servers/a"));
        assert!(!may(&anna, "server_stop", "/servers/a"));
        assert!(may(&anna, "server_stop", "/servers/b"));
        assert!(!may(&anna, "server_show", "/servers/c"));
        assert!(!may(&anna, "server_create", "/"));
        assert!(!may(&anna, "vault_seal", "/"));
    }

    #[test]
    fn security_admin_sets_what_is_about_security() {
        let anna = judge(Kind::User, &[("security-admin", "/servers/a")]);
        let set = |parameter, scope: &str| {
            let scope = scope.parse().unwrap();
            anna.may(Question { operation: "parameter_set", scope: &scope, parameter })
        };
        assert!(set(Some("require_secure_transport"), "/servers/a"));
        assert!(set(Some("ssl_min_protocol_version"), "/servers/a"));
        assert!(!set(Some("shared_buffers"), "/servers/a"));
        assert!(!set(Some("require_secure_transport"), "/servers/b"));
        assert!(!set(None, "/servers/a"), "doubt denies");
    }

    #[test]
    fn tokens_and_foreigners_let_nobody_in() {
        for (kind, operation, expected) in [
            (Kind::Local, "login_link_create", true),
            (Kind::User, "login_link_create", false),
            (Kind::User, "user_create", true),
            (Kind::User, "token_create", true),
            (Kind::Token, "user_create", false),
            (Kind::Token, "token_create", false),
            (Kind::Token, "user_password_set", false),
            (Kind::Token, "server_delete", true),
            (Kind::Oidc, "token_create", false),
            (Kind::Oidc, "user_create", true),
        ] {
            let owner = judge(kind, &[("owner", "/")]);
            assert_eq!(may(&owner, operation, "/"), expected, "{kind:?} {operation}");
        }
    }

    #[test]
    fn nobody_passes_on_more_than_they_have() {
        let given = |role: &str, scope: &str| Assignment {
            role: role.to_owned(),
            scope: scope.parse().unwrap(),
        };
        let reader = judge(Kind::User, &[("security-reader", "/servers/a")]);
        assert!(reader.covers(&given("reader", "/servers/a")));
        assert!(!reader.covers(&given("reader", "/")));
        assert!(!reader.covers(&given("owner", "/servers/a")));
        let admin = judge(Kind::User, &[("security-admin", "/")]);
        assert!(admin.covers(&given("data-steward", "/servers/a")));
        assert!(!admin.covers(&given("key-officer", "/")));
        assert!(judge(Kind::Local, &[("owner", "/")]).covers(&given("owner", "/")));
    }

    #[test]
    fn a_refusal_can_name_the_roles() {
        let policies = policies();
        let scope = "/servers/a".parse().unwrap();
        let roles = roles_that_may(&policies, Kind::User, Question::new("networking_set", &scope));
        assert_eq!(roles, ["owner", "security-admin"]);
        let reader: Vec<_> = operations_of(&policies, "reader").collect();
        assert!(reader.contains(&"server_show") && !reader.contains(&"server_connect"));
        assert!(operations_of(&policies, "owner").count() > reader.len());
        assert_eq!(operations_of(&policies, "root").count(), 0);
    }
}
