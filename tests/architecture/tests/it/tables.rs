//! Every row belongs to a tenant.

use kobliat_architecture::{files, root, shown, text};

/// The one table that has no tenant, because it is the list of them.
const TENANTS: &str = "tenants";

struct Statement {
    /// The comment before it, or before the statement right above it.
    comment: String,
    /// White space folded, comments removed.
    sql: String,
    file: String,
}

/// The statements of all migrations. A trigger's inner semicolons split it, which does no harm here.
fn statements() -> Vec<Statement> {
    files(&root().join("components"), "sql").iter().flat_map(|path| split(&text(path), &shown(path))).collect()
}

fn split(migration: &str, file: &str) -> Vec<Statement> {
    let (mut statements, mut comment, mut sql) = (Vec::new(), String::new(), String::new());
    for line in migration.lines() {
        let (code, note) = line.split_once("--").unwrap_or((line, ""));
        if line.trim().is_empty() {
            comment.clear();
        } else if code.trim().is_empty() {
            comment.push_str(note);
        }
        sql.extend(code.split_whitespace().flat_map(|word| [word, " "]));
        if code.trim_end().ends_with(';') {
            statements.push(Statement {
                comment: comment.clone(),
                sql: std::mem::take(&mut sql),
                file: file.to_owned(),
            });
        }
    }
    statements
}

/// The name after `TABLE` or `ON`, and what is in the brackets after it.
fn subject<'a>(sql: &'a str, keyword: &str) -> (&'a str, &'a str) {
    let rest = sql.split_once(keyword).map_or("", |(_, rest)| rest);
    let (name, body) = rest.split_once('(').unwrap_or((rest, ""));
    (name.trim().trim_start_matches("IF NOT EXISTS ").trim(), body.trim())
}

#[test]
fn every_table_has_a_tenant() {
    let tables: Vec<_> = statements().into_iter().filter(|it| it.sql.starts_with("CREATE TABLE")).collect();
    assert!(!tables.is_empty(), "no migration was found");
    for it in tables {
        let (name, body) = subject(&it.sql, "TABLE ");
        assert!(name == TENANTS || body.contains("tenant_id TEXT NOT NULL"), "{}: `{name}` has no tenant_id", it.file);
    }
}

#[test]
fn every_unique_key_is_a_tenants() {
    for it in statements().into_iter().filter(|it| it.sql.starts_with("CREATE TABLE")) {
        let (name, body) = subject(&it.sql, "TABLE ");
        for key in body.split("UNIQUE (").skip(1) {
            assert!(
                key.starts_with("tenant_id"),
                "{}: a unique key of `{name}` does not begin with tenant_id",
                it.file
            );
        }
        assert!(name == TENANTS || !body.contains(" UNIQUE,"), "{}: `{name}` has a key across tenants", it.file);
    }
}

#[test]
fn every_index_begins_with_the_tenant_or_says_why_not() {
    for it in statements() {
        if !["CREATE INDEX", "CREATE UNIQUE INDEX"].iter().any(|create| it.sql.starts_with(create)) {
            continue;
        }
        let (table, columns) = subject(&it.sql, " ON ");
        let explained = it.comment.contains("tenant");
        assert!(
            columns.starts_with("tenant_id") || explained,
            "{}: an index of `{table}` does not begin with tenant_id; begin with it, or say why not in a comment before it",
            it.file
        );
    }
}

/// The host refuses a version that does not fit its database, and knows that from this line only.
#[test]
fn a_component_with_migrations_says_which_schemas_it_works_with() {
    for component in kobliat_architecture::crates_in("components").iter().filter(|it| it.is_guest) {
        let folder = root().join("components").join(&component.package);
        if files(&folder.join("migrations"), "sql").is_empty() {
            continue;
        }
        let wiring = text(&folder.join("src/lib.rs"));
        assert!(
            wiring.contains("sdk::schema!(") || wiring.contains("migrations: "),
            "write `sdk::schema!(store::MIGRATIONS);` into components/{}/src/lib.rs",
            component.package
        );
    }
}
