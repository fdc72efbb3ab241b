//! Rights: which scopes there are, and who may hand out which.

use crate::tenants::{self, STRANGERS};
use sdk::context::{ADMIN, OPERATOR};
use sdk::{Context, Input, Problem};

/// Every scope that a route asks for, and the three that stand for many.
pub const ALL: &[&str] = &[
    "*",
    ADMIN,
    OPERATOR,
    "customers:read",
    "customers:write",
    "conversations:read",
    "conversations:write",
    "messages:read",
    "messages:write",
    "media:read",
    "media:write",
    "notifications:read",
    "notifications:write",
    "webhooks:read",
    "webhooks:write",
];

/// Reads a list of scopes, each known and each once, sorted; `None` when the field is absent or wrong.
pub fn read(input: &mut Input, name: &str) -> Option<Vec<String>> {
    let mut scopes = input.texts(name, ALL.len())?;
    scopes.sort();
    scopes.dedup();
    for scope in &scopes {
        if !ALL.contains(&scope.as_str()) {
            input.refuse(name, &format!("`{}` is no scope; scopes are {}", shown(scope), ALL.join(", ")));
        }
    }
    if scopes.is_empty() {
        input.refuse(name, "must have at least one scope");
    }
    Some(scopes)
}

/// Enough of a made-up scope to recognise it by.
fn shown(scope: &str) -> String {
    scope.chars().take(40).collect()
}

/// Nobody hands out, changes or takes away rights that are not theirs.
pub fn check_covered(context: &Context, scopes: &[String]) -> Result<(), Problem> {
    match scopes.iter().find(|scope| !covers(context, scope)) {
        None => Ok(()),
        Some(scope) => Err(Problem::forbidden(format!("only who has the scope `{scope}` may do this"))),
    }
}

/// Who operates the platform makes each tenant's first key, so that every right within a tenant is theirs to give.
fn covers(context: &Context, scope: &str) -> bool {
    context.allows(scope) || (scope != "*" && context.allows(OPERATOR))
}

/// The tenant that a request is about: the caller's own, or another one that an operator names.
pub fn tenant(context: &Context, named: Option<&str>, pointer: &str) -> Result<String, Problem> {
    match named {
        Some(named) if !tenants::is_id(named) && named != STRANGERS => {
            Err(Problem::invalid_field(pointer, "is no name of a tenant"))
        }
        Some(named) if named != context.tenant && !context.allows(OPERATOR) => {
            Err(Problem::invalid_field(pointer, "only an operator may name another tenant"))
        }
        Some(named) => Ok(named.to_owned()),
        None => Ok(context.tenant.clone()),
    }
}
