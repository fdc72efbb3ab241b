//! EXPLAIN QUERY PLAN: a statement that walks a table or sorts is found before its table is large.

use super::Memory;

/// Panics when the plan scans anything but an index or a list parameter (`json_each`), or sorts.
pub fn assert_uses_indexes(memory: &Memory, sql: &str) {
    let plan = explain(memory, sql);
    let is_bad = |step: &str| {
        let scans = step.starts_with("SCAN") && !step.contains(" VIRTUAL TABLE ") && !step.contains("CONSTANT ROW");
        step.contains("TEMP B-TREE") || step.contains("AUTOMATIC") || scans
    };
    let bad: Vec<&String> = plan.iter().filter(|step| is_bad(step)).collect();
    assert!(bad.is_empty(), "{bad:?} in the plan of\n{sql}\n{plan:#?}");
    let is_indexed = |step: &String| step.contains("INDEX") || step.contains("PRIMARY KEY");
    assert!(plan.iter().any(is_indexed), "no index in the plan of\n{sql}\n{plan:#?}");
}

fn explain(memory: &Memory, sql: &str) -> Vec<String> {
    let mut statement = memory.sqlite().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("the statement is valid");
    // Whatever is bound changes no plan.
    let parameters = rusqlite::params_from_iter(vec![rusqlite::types::Null; statement.parameter_count()]);
    let steps = statement.query_map(parameters, |row| row.get::<_, String>(3)).expect("the plan is readable");
    steps.map(|step| step.expect("a step is text")).collect()
}
