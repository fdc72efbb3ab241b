//! Which interfaces stand for which part of a component's configuration.

use crate::DependencyKey;

/// Keys of `inherit_configuration`, each with the interfaces that it opens. An interface that hands out nothing by itself
/// (`wasi:filesystem/types` without a preopened directory) is not listed: what hands it out is.
const INTERFACES: [(&str, &[&str]); 7] = [
    ("ai_models", &["fermyon:spin/llm"]),
    (
        "allowed_outbound_hosts",
        &[
            "wasi:http/outgoing-handler",
            "wasi:http/client",
            "wasi:sockets/tcp-create-socket",
            "wasi:sockets/udp-create-socket",
            "wasi:sockets/ip-name-lookup",
            "fermyon:spin/http",
            "fermyon:spin/redis",
            "fermyon:spin/mqtt",
            "spin:redis/redis",
            "spin:mqtt/mqtt",
        ],
    ),
    ("environment", &["wasi:cli/environment"]),
    ("files", &["wasi:filesystem/preopens"]),
    (
        "key_value_stores",
        &[
            "spin:key-value/key-value",
            "fermyon:spin/key-value",
            "wasi:keyvalue/store",
            "wasi:keyvalue/atomics",
            "wasi:keyvalue/batch",
        ],
    ),
    (
        "sqlite_databases",
        &[
            "spin:sqlite/sqlite",
            "fermyon:spin/sqlite",
            // Databases too, and Spin's keys know no other word for them.
            "spin:postgres/postgres",
            "fermyon:spin/postgres",
            "spin:mysql/mysql",
            "fermyon:spin/mysql",
        ],
    ),
    ("variables", &["spin:variables/variables", "fermyon:spin/variables", "fermyon:spin/config", "wasi:config/store"]),
];

/// Since WASI 0.3 the sockets' constructors are in the interface of their types.
const SOCKETS: &str = "wasi:sockets/types";

/// The key of `inherit_configuration` that lets a component use an import, whatever its version; `None` where it needs none.
pub fn capability(import: &str) -> Option<&'static str> {
    let listed = |interface: &&str| DependencyKey::parse(interface).is_ok_and(|key| key.matches(import));
    if listed(&SOCKETS) {
        return Some("allowed_outbound_hosts");
    }
    INTERFACES.iter().find(|(_, interfaces)| interfaces.iter().any(&listed)).map(|(key, _)| *key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_of_an_interface_needs_the_same_key() {
        for (import, key) in [
            ("wasi:http/client@0.3.0", "allowed_outbound_hosts"),
            ("wasi:http/outgoing-handler@0.2.12", "allowed_outbound_hosts"),
            ("wasi:sockets/types@0.3.0", "allowed_outbound_hosts"),
            ("wasi:sockets/tcp-create-socket@0.2.0", "allowed_outbound_hosts"),
            ("fermyon:spin/sqlite", "sqlite_databases"),
            ("fermyon:spin/sqlite@2.0.0", "sqlite_databases"),
            ("wasi:keyvalue/batch@0.2.0-draft2", "key_value_stores"),
            ("wasi:config/store@0.2.0-draft-2024-09-27", "variables"),
            ("wasi:filesystem/preopens@0.3.0", "files"),
            ("wasi:cli/environment@0.2.6", "environment"),
            ("fermyon:spin/llm@2.0.0", "ai_models"),
        ] {
            assert_eq!(capability(import), Some(key), "{import}");
        }
    }

    #[test]
    fn what_touches_nothing_outside_needs_none() {
        for import in [
            "wasi:http/types@0.3.0",
            "wasi:http/handler@0.3.0",
            "wasi:cli/stdout@0.2.6",
            "wasi:clocks/types@0.3.0",
            "plain",
        ] {
            assert_eq!(capability(import), None, "{import}");
        }
    }
}
