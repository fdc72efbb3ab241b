//! No statement walks a table.

use chat_simulator::store::{accounts, conformance, emulated, personas, runs, sweep, uploads};
use sdk::testing::assert_uses_indexes;

use crate::app::TestApp;

#[test]
fn every_statement_uses_an_index() {
    let app = TestApp::start();
    for sql in personas::statements::ALL
        .iter()
        .chain(emulated::statements::ALL)
        .chain(runs::statements::ALL)
        .chain(conformance::statements::ALL)
        .chain(sweep::statements::ALL)
        .chain(accounts::statements::ALL)
        .chain(uploads::statements::ALL)
    {
        assert_uses_indexes(&app.memory, sql);
    }
}
