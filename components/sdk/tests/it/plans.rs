//! The reader of query plans finds what it is for.

use sdk::testing::{Memory, assert_uses_indexes};

fn memory() -> Memory {
    let memory = Memory::new();
    memory.sqlite().execute_batch("CREATE TABLE t (a, b, c); CREATE INDEX t_a ON t (a, b)").unwrap();
    memory
}

#[test]
fn accepts_a_list_that_an_index_serves() {
    assert_uses_indexes(&memory(), "SELECT c FROM t WHERE a = ? AND b < ? ORDER BY b DESC LIMIT 20");
    assert_uses_indexes(&memory(), "SELECT c FROM json_each(?) j CROSS JOIN t ON t.a = j.value");
}

#[test]
#[should_panic(expected = "SCAN t")]
fn refuses_a_walk_over_the_table() {
    assert_uses_indexes(&memory(), "SELECT c FROM t WHERE b = ?");
}

#[test]
#[should_panic(expected = "TEMP B-TREE")]
fn refuses_a_sort() {
    assert_uses_indexes(&memory(), "SELECT c FROM t WHERE a = ? ORDER BY c");
}

#[test]
#[should_panic(expected = "SCAN t")]
fn refuses_a_walk_over_a_whole_index() {
    assert_uses_indexes(&memory(), "SELECT a FROM t ORDER BY a");
}
