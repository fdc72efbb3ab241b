//! The services' own SQL. What a service publishes (`store`) is taken from it; the rest is repeated here, and a test
//! compares it with the service's source, so that neither can drift.

pub use conversation::store::statements::{ADVANCE, BY_DIRECT_KEYS, FILL};
pub use customer::store::statements::{BY_ID, BY_IDENTITIES};
pub use inbound_gateway::store::{CONCLUDE_DONE, INSERT as INSERT_DELIVERY};
pub use messaging::store::statements::INSERT as INSERT_MESSAGE;

macro_rules! migrations {
    ($component:ident) => {
        $component::store::MIGRATIONS.iter().map(|migration| migration.sql).collect::<Vec<&str>>()
    };
}
pub(super) use migrations;

macro_rules! migration {
    ($path:literal) => {
        include_str!(concat!("../../../../components/", $path))
    };
}

pub const GATEWAY_MIGRATIONS: &[&str] = &[
    migration!("api-gateway/migrations/0001_api_keys.sql"),
    migration!("api-gateway/migrations/0002_tenants_and_users.sql"),
    migration!("sdk/migrations/idempotency.sql"),
    migration!("api-gateway/migrations/0004_tokens_and_quotas.sql"),
];

pub const INSERT_CUSTOMER: &str = "INSERT INTO customers (tenant_id, id, external_type, external_id, name, metadata, created_at, updated_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, '{}'), ?7, ?7) ON CONFLICT DO NOTHING";
pub const INSERT_IDENTITY: &str = "INSERT INTO identities (tenant_id, channel_account_id, kind, value, customer_id, created_at) \
     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
pub const INSERT_CONVERSATION: &str = "INSERT INTO conversations (tenant_id, id, kind, status, channel, channel_account_id, direct_key, \
     subject, metadata, last_seq, unread_count, activity_at, created_at, updated_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, ?10, ?10, ?10) ON CONFLICT DO NOTHING RETURNING id";
pub const INSERT_PARTICIPANT: &str = "INSERT INTO participants (tenant_id, conversation_id, id, customer_id, role, joined_at) \
     SELECT ?1, ?2, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), ?4 FROM json_each(?3)";
#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! source {
        ($path:literal) => {
            include_str!(concat!("../../../../components/", $path))
        };
    }

    /// Without what Rust or the line's length put between the words.
    fn words(sql: &str) -> String {
        sql.chars().filter(|c| !c.is_whitespace() && !"\\\",".contains(*c)).collect()
    }

    #[test]
    fn what_is_repeated_here_is_what_the_services_run() {
        let (insert_customer, _) = INSERT_CUSTOMER.split_once(" ON CONFLICT").unwrap();
        for (statement, source) in [
            (insert_customer, source!("customer/src/store.rs")),
            (INSERT_IDENTITY, source!("customer/src/store/settling.rs")),
            (INSERT_CONVERSATION, source!("conversation/src/store/opening.rs")),
            (INSERT_PARTICIPANT, source!("conversation/src/store/opening.rs")),
        ] {
            assert!(
                words(source).contains(&words(statement)),
                "a service runs another statement than the twin: {statement}"
            );
        }
    }
}
