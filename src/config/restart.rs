//! What only a restart can change: sockets and threads, and what is sized when they start.

use serde_json::Value;

use crate::ledger::Place;

/// The keys that a reload must leave as they are.
const KEYS: &[&str] = &[
    "server.listen",
    "server.workers",
    "ledger.ca_file",
    "ledger.durability",
    "ledger.on_failure",
    "ledger.retention",
    "server.max_in_flight",
    "server.max_connections",
    "admin.listen",
    "log.format",
    "ledger.url",
    "traces",
];

/// What of a configuration is compared.
#[derive(Clone, Copy)]
pub struct Compared<'a> {
    /// With all defaults, and secrets as `***`.
    pub view: &'a Value,
    /// Holds secrets that the view does not show.
    pub ledger: Option<&'a Place>,
}

/// Those of the keys in which two configurations differ.
pub fn needs_restart(before: Compared<'_>, after: Compared<'_>) -> Vec<&'static str> {
    let differs = |key: &&&str| {
        let pointer = format!("/{}", key.replace('.', "/"));
        before.view.pointer(&pointer) != after.view.pointer(&pointer)
            || differs_secretly(key, before.ledger, after.ledger)
    };
    KEYS.iter().filter(differs).copied().collect()
}

fn differs_secretly(key: &str, before: Option<&Place>, after: Option<&Place>) -> bool {
    let (Some(Place::Postgres(before)), Some(Place::Postgres(after))) = (before, after) else {
        return false;
    };
    // Not its password: the next connection is made with the new one.
    key == "ledger.url" && !before.leads_where(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::json_schema;
    use crate::ledger::PostgresPlace;

    #[test]
    fn every_key_is_one_of_the_configuration() {
        let schema = json_schema();
        for key in KEYS {
            let pointer = format!("/properties/{}", key.replace('.', "/properties/"));
            assert!(schema.pointer(&pointer).is_some(), "{key}");
        }
    }

    #[test]
    fn names_what_differs() {
        let view = |listen: &str, level: &str| serde_json::json!({"server": {"listen": listen}, "log": {"level": level}});
        let (one, other) = (view("a", "info"), view("b", "debug"));
        let compared = |view| Compared { view, ledger: None };
        let needed = |after| needs_restart(compared(&one), compared(after));
        assert_eq!(needed(&one), Vec::<&str>::new());
        assert_eq!(needed(&other), ["server.listen"]);
    }

    #[test]
    fn names_what_differs_behind_a_mask() {
        let place = |url: &str, password: Option<&str>| {
            Place::Postgres(PostgresPlace {
                url: url.into(),
                password: password.map(Into::into),
                ca_file: None,
            })
        };
        let before = place("postgres://me:one@host/db?sslmode=require", Some("one"));
        for (after, named) in [
            (before.clone(), vec![]),
            (
                place("postgres://me:two@host/db?sslmode=require", Some("one")),
                vec![],
            ),
            (
                place("postgres://me@host/db?sslmode=require", Some("two")),
                vec![],
            ),
            (
                place("postgres://me:one@host/db?sslmode=require", None),
                vec![],
            ),
            (
                place("postgres://me:one@host/db?sslmode=disable", Some("one")),
                vec!["ledger.url"],
            ),
            (
                place("postgres://you:one@host/db?sslmode=require", Some("one")),
                vec!["ledger.url"],
            ),
            (Place::Sqlite("scoregate.db".into()), vec![]),
        ] {
            let view = &Value::Null;
            let compared = |place| Compared {
                view,
                ledger: Some(place),
            };
            assert_eq!(needs_restart(compared(&before), compared(&after)), named);
        }
    }
}
