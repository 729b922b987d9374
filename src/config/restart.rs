//! What only a restart can change: sockets and threads, and what is sized when they start.

use serde_json::Value;

/// The keys that a reload must leave as they are.
const KEYS: &[&str] = &[
    "server.listen",
    "server.workers",
    "ledger.password",
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

/// Those of the keys in which two configurations differ, each in its view with all defaults.
pub fn needs_restart(before: &Value, after: &Value) -> Vec<&'static str> {
    let differs = |key: &&&str| {
        let pointer = format!("/{}", key.replace('.', "/"));
        before.pointer(&pointer) != after.pointer(&pointer)
    };
    KEYS.iter().filter(differs).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::json_schema;

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
        assert_eq!(needs_restart(&one, &one), Vec::<&str>::new());
        assert_eq!(needs_restart(&one, &other), ["server.listen"]);
    }
}
