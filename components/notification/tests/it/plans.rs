//! No statement on the service's path walks a table.

use notification::store::statements;
use sdk::testing::assert_uses_indexes;

use crate::TestApp;

#[test]
fn every_statement_uses_an_index() {
    let app = TestApp::start();
    let all = [
        statements::notifications::ALL,
        statements::endpoints::ALL,
        statements::forgetting::ALL,
        statements::deliveries::ALL,
        statements::deliveries::queue::ALL,
        statements::deliveries::attempts::ALL,
        statements::deliveries::mend::ALL,
        statements::sweep::ALL,
    ];
    for sql in all.into_iter().flatten() {
        assert_uses_indexes(&app.memory, sql);
    }
}
