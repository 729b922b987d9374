//! The `scope` claim narrows what an issuer's callers may do.

use serde_json::Value;

use super::Unverified;
use crate::permission::{Permission, Permissions};

/// The scopes of 1EdTech and the permissions they stand for.
const SCOPE_URLS: &[(&str, &[Permission])] = &[
    (
        "https://purl.imsglobal.org/spec/lti-ags/scope/score",
        &[Permission::ScoresWrite],
    ),
    (
        "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly",
        &[Permission::ScoresRead],
    ),
    (
        "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem",
        &[Permission::LineItemsRead, Permission::LineItemsWrite],
    ),
    (
        "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly",
        &[Permission::LineItemsRead],
    ),
    (
        "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
        &[Permission::MembershipsRead],
    ),
];

/// What is left of `allowed`: all of it without a scope, else what the scope names.
pub fn narrow(allowed: Permissions, scope: Option<&Value>) -> Result<Permissions, Unverified> {
    let named: Permissions = match scope {
        None => return Ok(allowed),
        Some(Value::String(list)) => list.split(' ').flat_map(permissions).collect(),
        Some(Value::Array(list)) => {
            let names: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
            names
                .ok_or(Unverified::Scope)?
                .into_iter()
                .flat_map(permissions)
                .collect()
        }
        Some(_) => return Err(Unverified::Scope),
    };
    Ok(allowed.narrowed_to(named))
}

/// What one name grants; an unknown one grants nothing.
fn permissions(name: &str) -> Vec<Permission> {
    let own = Permission::ALL
        .iter()
        .copied()
        .filter(|permission| permission.name() == name);
    let by_url = SCOPE_URLS
        .iter()
        .filter(|(url, _)| *url == name)
        .flat_map(|(_, granted)| granted.iter().copied());
    own.chain(by_url).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn all() -> Permissions {
        Permission::ALL.iter().copied().collect()
    }

    #[test]
    fn names_and_urls_grant_and_anything_else_grants_nothing() {
        let score = "https://purl.imsglobal.org/spec/lti-ags/scope/score";
        for (scope, granted) in [
            (json!("scores:write"), vec![Permission::ScoresWrite]),
            (
                json!("openid scores:read  email"),
                vec![Permission::ScoresRead],
            ),
            (json!([score, "x"]), vec![Permission::ScoresWrite]),
            (
                json!("https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"),
                vec![Permission::LineItemsRead, Permission::LineItemsWrite],
            ),
            (json!(""), vec![]),
            (json!([]), vec![]),
        ] {
            assert_eq!(
                narrow(all(), Some(&scope)).unwrap(),
                granted.into_iter().collect(),
                "{scope}"
            );
        }
        assert_eq!(narrow(all(), None).unwrap(), all());
    }

    #[test]
    fn a_scope_never_widens() {
        let allowed: Permissions = [Permission::ScoresRead].into_iter().collect();
        assert_eq!(
            narrow(allowed, Some(&json!("scores:write"))).unwrap(),
            Permissions::default()
        );
    }

    #[test]
    fn any_other_type_refuses() {
        for scope in [json!(1), json!(null), json!({}), json!(["scores:write", 1])] {
            assert!(narrow(all(), Some(&scope)).is_err(), "{scope}");
        }
    }
}
