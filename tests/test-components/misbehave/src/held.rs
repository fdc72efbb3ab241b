//! What a guest lets the host hold for it: each path takes as much as it gets.

use futures::future::join_all;
use spin_sdk::http::get;
use spin_sdk::sqlite::Connection;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields};

/// Header fields in handles, of 60,000 bytes each.
pub fn fields(count: u32) -> ! {
    for _ in 0..count {
        let fields = Fields::new();
        for number in 0..6 {
            fields.append(&format!("x-{number}"), &[b'x'; 10_000]).expect("fields that take it");
        }
        std::mem::forget(fields);
    }
    panic!("the host took all of them");
}

/// Results that nobody reads, of 1 MB each; the answer is how many there were, and why no more.
pub async fn rows() -> String {
    let connection = Connection::open_default().await.expect("a database");
    let mut unread = Vec::new();
    loop {
        match connection.execute("SELECT zeroblob(500000) UNION ALL SELECT zeroblob(500001)", []).await {
            Ok(rows) => unread.push(rows),
            Err(error) => return format!("{} {error:?}", unread.len()),
        }
    }
}

/// A value of some GB, made of a million rows.
pub async fn sort() -> String {
    let connection = Connection::open_default().await.expect("a database");
    let bomb = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000)
        SELECT length(group_concat(hex(randomblob(2000)))) FROM c";
    match connection.execute(bomb, []).await {
        Ok(_) => "it was made".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

/// So many requests at once to something that is slow; the answer is how many were too many.
pub async fn requests(count: u32) -> String {
    let asked = join_all((0..count).map(|_| get("http://slow.spin.internal/sleep?200"))).await;
    let refused = asked.iter().filter(|answer| is_refused(answer.as_ref().err())).count();
    format!("{refused} of {count}")
}

fn is_refused(error: Option<&ErrorCode>) -> bool {
    matches!(error, Some(ErrorCode::ConnectionLimitReached))
}
