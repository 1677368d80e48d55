//! The rules of access as Cedar reads them from `content/access/`. No rule stands here.
//!
//! A role is a set of policy templates that bear its name. How they are asked is in
//! [`super::judge`].

use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;
use std::sync::{Arc, OnceLock};

use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid, PolicyId, PolicySet, Schema};

use super::principal::Scope;

const POLICY: &str = include_str!("../../../../content/access/policy.cedar");
const SCHEMA: &str = include_str!("../../../../content/access/schema.cedarschema");

/// The one installation, in policies.
const HERE: &str = "pgkeep";

/// Why policies cannot be used. The embedded ones are tested, so this is a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the policies of access cannot be used: {0}")]
pub struct BadPolicy(String);

impl BadPolicy {
    pub(super) fn new(why: impl std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}

/// A role as the policies have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name in assignments.
    pub name: String,
    /// What it is for, in a sentence or two.
    pub doc: String,
}

/// An operation or facet that can be asked about.
pub(super) struct Action {
    /// With its groups as ancestors.
    pub(super) entity: Entity,
    /// Lists are open to whoever may list a part.
    pub(super) listing: bool,
}

/// The policies, read once.
pub struct Policies {
    pub(super) set: PolicySet,
    /// Template and the role whose it is.
    pub(super) templates: Vec<(PolicyId, String)>,
    pub(super) actions: HashMap<String, Action>,
    pub(super) types: Types,
    /// Role and what it allows.
    pub(super) allowed: HashMap<String, Vec<String>>,
    roles: Vec<Role>,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").field("roles", &self.roles).finish_non_exhaustive()
    }
}

impl Policies {
    /// The policies that the binary carries, read once. That they fit their schema is tested.
    pub fn embedded() -> Result<Arc<Self>, BadPolicy> {
        static READ: OnceLock<Arc<Policies>> = OnceLock::new();
        if let Some(policies) = READ.get() {
            return Ok(Arc::clone(policies));
        }
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(BadPolicy::new)?;
        let policies = Arc::new(Self::read(POLICY, &schema)?);
        let roles = policies.roles.iter().map(|role| &role.name);
        let allowed =
            roles.map(|role| (role.clone(), super::judge::allowed(&policies, role))).collect();
        let policies = Arc::try_unwrap(policies).map_err(|_| BadPolicy::new("they are in use"))?;
        Ok(Arc::clone(READ.get_or_init(|| Arc::new(Self { allowed, ..policies }))))
    }

    fn read(policy: &str, schema: &Schema) -> Result<Self, BadPolicy> {
        let set = PolicySet::from_str(policy).map_err(BadPolicy::new)?;
        let types = Types::new()?;
        let actions = actions_of(schema, &types)?;
        let (templates, roles) = roles_of(&set)?;
        Ok(Self { set, templates, actions, types, allowed: HashMap::new(), roles })
    }

    /// The roles in the order of the file.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Whether there is such a role.
    pub fn knows_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.name == name)
    }

    /// Every operation and facet that the schema knows, sorted.
    pub fn operations(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.actions.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

fn actions_of(schema: &Schema, types: &Types) -> Result<HashMap<String, Action>, BadPolicy> {
    let hierarchy = schema.action_entities().map_err(BadPolicy::new)?;
    let listing = types.action_named("listing");
    let mut actions = HashMap::new();
    // Groups apply to nothing, so they are in no request.
    for uid in schema.request_envs().map(|env| env.action().clone()).collect::<HashSet<_>>() {
        let ancestors: HashSet<EntityUid> =
            hierarchy.ancestors(&uid).into_iter().flatten().cloned().collect();
        let name = uid.id().unescaped().to_owned();
        let listing = ancestors.contains(&listing);
        let entity = Entity::new_no_attrs(uid, ancestors);
        actions.insert(name, Action { entity, listing });
    }
    Ok(actions)
}

type Templates = Vec<(PolicyId, String)>;

fn roles_of(set: &PolicySet) -> Result<(Templates, Vec<Role>), BadPolicy> {
    let mut templates = Vec::new();
    for template in set.templates() {
        let role = template
            .annotation("role")
            .ok_or_else(|| BadPolicy::new(format!("{} has no @role", template.id())))?;
        templates.push((template.id().clone(), role.to_owned()));
    }
    // Cedar numbers policies as they stand in the file: policy0, policy1, …
    let place = |id: &PolicyId| {
        let id: &str = id.as_ref();
        id.trim_start_matches("policy").parse().unwrap_or(usize::MAX)
    };
    templates.sort_by_key(|(id, _)| place(id));
    let mut roles: Vec<Role> = Vec::new();
    for (id, name) in &templates {
        if roles.iter().any(|role| role.name == *name) {
            continue;
        }
        let doc = set
            .template_annotation(id, "doc")
            .ok_or_else(|| BadPolicy::new(format!("the first template of {name} has no @doc")))?;
        roles.push(Role { name: name.clone(), doc: doc.to_owned() });
    }
    Ok((templates, roles))
}

/// Names of the entity types of the schema.
pub(super) struct Types {
    action: EntityTypeName,
    guest: EntityTypeName,
    user: EntityTypeName,
    installation: EntityTypeName,
    server: EntityTypeName,
    keyvault: EntityTypeName,
}

impl Types {
    fn new() -> Result<Self, BadPolicy> {
        let named = |name| EntityTypeName::from_str(name).map_err(BadPolicy::new);
        Ok(Self {
            action: named("Action")?,
            guest: named("Guest")?,
            user: named("User")?,
            installation: named("Installation")?,
            server: named("Server")?,
            keyvault: named("KeyVault")?,
        })
    }

    fn action_named(&self, name: &str) -> EntityUid {
        uid(&self.action, name)
    }

    pub(super) fn guest(&self) -> EntityUid {
        uid(&self.guest, "")
    }

    pub(super) fn user(&self, name: &str) -> EntityUid {
        uid(&self.user, name)
    }

    pub(super) fn resource(&self, scope: &Scope) -> EntityUid {
        match scope {
            Scope::All => uid(&self.installation, HERE),
            Scope::Server(name) => uid(&self.server, name),
            Scope::Keyvault(name) => uid(&self.keyvault, name),
        }
    }
}

fn uid(of: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(name))
}

#[cfg(test)]
mod tests {
    use cedar_policy::{ValidationMode, Validator};

    use super::*;

    #[test]
    fn there_are_the_roles_that_the_contract_names() {
        let policies = Policies::embedded().unwrap();
        let names: Vec<_> = policies.roles().iter().map(|role| role.name.as_str()).collect();
        let all = "owner security-admin security-reader data-steward auditor key-officer reader";
        assert_eq!(names, all.split(' ').collect::<Vec<_>>());
        assert!(!policies.knows_role("root"));
    }

    #[test]
    fn the_policies_fit_their_schema() {
        let (schema, warnings) = Schema::from_cedarschema_str(SCHEMA).unwrap();
        assert_eq!(warnings.count(), 0);
        let fits = |policy: &str| {
            let set = PolicySet::from_str(policy).unwrap();
            let verdict = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
            verdict.validation_passed_without_warnings().then_some(()).ok_or(verdict.to_string())
        };
        assert_eq!(fits(POLICY), Ok(()));
        assert!(fits("permit (principal, action in Action::\"whatever\", resource);").is_err());
        let bare = "permit (principal == ?principal, action, resource in ?resource);";
        assert!(Policies::read(bare, &schema).is_err(), "a template without a role");
    }
}
