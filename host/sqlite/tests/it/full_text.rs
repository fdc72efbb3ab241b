//! Full-text search (FTS5): it keeps its index in tables of its own, by statements of its own, on the shared connections.

use kobliat_sqlite::Session;

use crate::{Say, TestDatabase};

const SCHEMA: [&str; 3] = [
    "CREATE VIRTUAL TABLE words USING fts5(name, content='t', content_rowid='id', tokenize='unicode61 remove_diacritics 2')",
    "CREATE TRIGGER added AFTER INSERT ON t BEGIN INSERT INTO words (rowid, name) VALUES (NEW.id, NEW.name); END",
    "CREATE TRIGGER changed AFTER UPDATE OF name ON t BEGIN \
     INSERT INTO words (words, rowid, name) VALUES ('delete', OLD.id, OLD.name); \
     INSERT INTO words (rowid, name) VALUES (NEW.id, NEW.name); END",
];

async fn found(session: &Session, word: &str) -> i64 {
    session.number(&format!("SELECT count(*) FROM words WHERE words MATCH '\"{word}\" *'")).await
}

#[tokio::test]
async fn what_is_written_is_found_and_what_is_undone_is_not() {
    let test = TestDatabase::start().await;
    let (a, b) = (test.session(), test.session());
    for statement in SCHEMA {
        a.ok(statement).await;
    }
    a.ok("INSERT INTO t (name) VALUES ('Grüße an Ada')").await;
    assert_eq!((found(&b, "gruss").await, found(&b, "gruße").await, found(&b, "ad").await), (0, 1, 1));
    a.ok("BEGIN").await;
    a.ok("INSERT INTO t (name) VALUES ('undone')").await;
    a.ok("UPDATE t SET name = 'nobody' WHERE id = 1").await;
    a.ok("ROLLBACK").await;
    b.ok("UPDATE t SET name = 'Grace' WHERE id = 1").await;
    assert_eq!((found(&a, "undone").await, found(&a, "ada").await, found(&a, "grace").await), (0, 0, 1));
    a.ok("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)").await;
}

#[tokio::test]
async fn many_sessions_write_to_one_index() {
    let test = TestDatabase::start().await;
    for statement in SCHEMA {
        test.session().ok(statement).await;
    }
    let writers: Vec<_> = (0..20)
        .map(|n| {
            let session = test.session();
            tokio::spawn(async move {
                for m in 0..10 {
                    session.ok("BEGIN").await;
                    session.ok(&format!("INSERT INTO t (name) VALUES ('shared own{n} {m}')")).await;
                    session.ok(if m == 9 { "ROLLBACK" } else { "COMMIT" }).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!((found(&test.session(), "shared").await, found(&test.session(), "own7").await), (180, 9));
    test.session().ok("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)").await;
}
