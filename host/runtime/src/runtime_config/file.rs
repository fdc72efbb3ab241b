//! The file as it is written: Spin's keys, all of them, so that Spin's files are read and what is not here is refused by name.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Table;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub state_dir: Option<PathBuf>,
    pub log_dir: Option<PathBuf>,
    /// Bytes.
    pub max_instance_memory: Option<u64>,
    #[serde(default)]
    pub key_value_store: BTreeMap<String, KeyValueStore>,
    #[serde(default)]
    pub sqlite_database: BTreeMap<String, SqliteDatabase>,
    #[serde(default, alias = "config_provider")]
    pub variables_provider: Vec<VariablesProvider>,
    pub llm_compute: Option<LlmCompute>,
    #[serde(default)]
    pub outbound_networking: OutboundNetworking,
    #[serde(default)]
    pub client_tls: Vec<ClientTls>,
    #[serde(default)]
    pub outbound_http: OutboundHttp,
    // Limits of what no component can have here: they hold.
    pub outbound_redis: Option<Connections>,
    pub outbound_pg: Option<Connections>,
    pub outbound_mysql: Option<Connections>,
    pub outbound_mqtt: Option<Mqtt>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum KeyValueStore {
    Spin { path: Option<PathBuf> },
    Redis(Table),
    AzureCosmos(Table),
    AwsDynamo(Table),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum SqliteDatabase {
    Spin {
        path: Option<PathBuf>,
        #[serde(default)]
        allow_attach_file: bool,
    },
    Libsql(Table),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum VariablesProvider {
    Static { values: BTreeMap<String, String> },
    Env { prefix: Option<String>, dotenv_path: Option<PathBuf> },
    Vault(Table),
    AzureKeyVault(Table),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LlmCompute {
    Spin,
    RemoteHttp(Table),
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundNetworking {
    pub block_networks: Vec<String>,
    pub max_socket_connections: Option<usize>,
    pub max_total_connections: Option<usize>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ClientTls {
    pub component_ids: Vec<String>,
    pub hosts: Vec<String>,
    pub ca_use_platform_roots: Option<bool>,
    pub ca_use_webpki_roots: Option<bool>,
    pub ca_roots_file: Option<PathBuf>,
    pub client_cert_file: Option<PathBuf>,
    pub client_private_key_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundHttp {
    pub connection_pooling: Option<bool>,
    pub max_connections: Option<usize>,
    /// Deprecated: one request more than this many, as Spin counts.
    pub max_concurrent_requests: Option<usize>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Connections {
    max_connections: Option<usize>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Mqtt {
    max_connections: Option<usize>,
    max_payload_size_bytes: Option<usize>,
}
