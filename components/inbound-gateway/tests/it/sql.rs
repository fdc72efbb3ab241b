//! The statements: none walks a table.

use inbound_gateway::accounts::Accounts;
use inbound_gateway::channel::whatsapp::CHANNEL;
use inbound_gateway::store::accounts::statements;
use inbound_gateway::store::{
    CLAIM, CONCLUDE, CONCLUDE_DONE, INSERT, MEND, SWEEP, SWEEP_FAILED, attachments, deliveries, files,
};

use crate::support::*;

#[test]
fn every_statement_uses_indexes_only() {
    let world = World::new();
    block_on(world.store.named(CHANNEL, &[])).unwrap();
    let queues =
        [INSERT, CLAIM, CONCLUDE, CONCLUDE_DONE, MEND, SWEEP, SWEEP_FAILED, attachments::MEND, attachments::SWEEP];
    let others = [statements::ALL, deliveries::statements::PLANNED, files::statements::ALL].into_iter().flatten();
    for statement in queues.iter().chain(others) {
        let plan = plan(&world, statement);
        let walks = |step: &&String| {
            step.starts_with("SCAN") && !step.contains("VIRTUAL TABLE") && !step.contains("CONSTANT ROW")
        };
        let sorts = |step: &&String| step.contains("TEMP B-TREE");
        assert_eq!(plan.iter().find(|step| walks(step) || sorts(step)), None, "{statement}\n{plan:#?}");
        let looks_up = |step: &String| step.contains("INDEX") || step.contains("PRIMARY KEY");
        assert!(plan.iter().any(looks_up), "{statement}\n{plan:#?}");
    }
}

fn plan(world: &World, statement: &str) -> Vec<String> {
    let mut explain = world.memory.sqlite().prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let unbound = vec![rusqlite::types::Null; explain.parameter_count()];
    let steps = explain.query_map(rusqlite::params_from_iter(unbound), |row| row.get(3)).unwrap();
    steps.map(Result::unwrap).collect()
}
