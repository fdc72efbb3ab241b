//! What Spin's runtime config can name and this host does not have.

use super::file::{File, KeyValueStore, LlmCompute, SqliteDatabase, VariablesProvider};

/// Every one, with what to write instead.
pub fn refusals(file: &File) -> Vec<String> {
    let stores = file.key_value_store.iter().filter_map(|(label, store)| {
        let kind = match store {
            KeyValueStore::Spin { .. } => return None,
            KeyValueStore::Redis(_) => "redis",
            KeyValueStore::AzureCosmos(_) => "azure_cosmos",
            KeyValueStore::AwsDynamo(_) => "aws_dynamo",
        };
        Some(format!("[key_value_store.{label}]: this host has no backend `{kind}`; write `type = \"spin\"`"))
    });
    let databases = file.sqlite_database.iter().filter_map(|(label, database)| match database {
        SqliteDatabase::Spin { allow_attach_file: false, .. } => None,
        SqliteDatabase::Spin { .. } => Some(format!(
            "[sqlite_database.{label}]: a database is one file here, ATTACH is refused; remove `allow_attach_file`"
        )),
        SqliteDatabase::Libsql(_) => {
            Some(format!("[sqlite_database.{label}]: this host has no backend `libsql`; write `type = \"spin\"`"))
        }
    });
    let providers = file.variables_provider.iter().filter_map(|provider| {
        let kind = match provider {
            VariablesProvider::Static { .. } | VariablesProvider::Env { .. } => return None,
            VariablesProvider::Vault(_) => "vault",
            VariablesProvider::AzureKeyVault(_) => "azure_key_vault",
        };
        Some(format!("[[variables_provider]]: this host has no provider `{kind}`; use `env` or `static`"))
    });
    let llm = matches!(file.llm_compute, Some(LlmCompute::RemoteHttp(_)))
        .then(|| "[llm_compute]: this host asks no models; remove the table".to_owned());
    let sockets = file.outbound_networking.max_socket_connections.map(|_| {
        "[outbound_networking]: this host does not count raw sockets; remove `max_socket_connections`".to_owned()
    });
    stores.chain(databases).chain(providers).chain(llm).chain(sockets).collect()
}
