//! What the host refuses at start, and what it keeps over a restart.

use std::collections::HashMap;
use std::path::Path;

use kobliat_factor_sqlite::{DatabaseConfig, SqliteFactor};

fn configs(databases: &[(&str, &Path)]) -> HashMap<String, DatabaseConfig> {
    databases.iter().map(|(label, path)| ((*label).to_owned(), DatabaseConfig { path: path.to_path_buf() })).collect()
}

fn grants(component: &str, labels: &[&str]) -> HashMap<String, Vec<String>> {
    HashMap::from([(component.to_owned(), labels.iter().map(|label| (*label).to_owned()).collect())])
}

#[test]
fn every_reason_is_given_at_once_with_its_fix() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken.db");
    std::fs::write(&broken, "no database, but long enough to be read as the header of one ".repeat(20)).unwrap();
    let good = directory.path().join("good.db");
    let error = SqliteFactor::new(
        configs(&[("broken", &broken), ("good", &good)]),
        grants("customer", &["good", "customer", "customre"]),
    );
    let text = error.err().unwrap().to_string();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("[sqlite_database.broken]") && text.contains("broken.db"), "{text}");
    assert!(text.contains("[component.customer]") && text.contains("add [sqlite_database.customre]"), "{text}");
}

#[tokio::test]
async fn two_labels_of_one_file_share_its_database_and_shutdown_leaves_only_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state/shared.db");
    let factor = SqliteFactor::new(configs(&[("a", &path), ("b", &path)]), grants("x", &["a", "b"])).unwrap();
    assert_eq!(factor.statistics().len(), 2);
    factor.shutdown().await;
    let files: Vec<_> =
        std::fs::read_dir(path.parent().unwrap()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["shared.db"]);
}
