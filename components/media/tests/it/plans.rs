//! The query plans: every list and look-up uses an index, and none sorts.

use media::store::statements;
use sdk::testing::assert_uses_indexes;

use crate::TestApp;

#[test]
fn every_list_and_lookup_uses_an_index_and_sorts_nothing() {
    let app = TestApp::start();
    let all = statements::media::ALL.iter().chain(statements::uploads::ALL).chain(statements::usage::ALL);
    all.for_each(|sql| assert_uses_indexes(&app.memory, sql));
}
