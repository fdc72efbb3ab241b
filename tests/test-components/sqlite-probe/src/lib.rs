//! Runs the SQL it is told, through the asynchronous and the synchronous functions of spin:sqlite.

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "the generated exports speak the canonical ABI")]
mod component {
    use spin_sdk::sqlite::wit::sqlite::{Connection as SyncConnection, RowResult, Value};
    use spin_sdk::sqlite::{Connection, Error};

    wit_bindgen::generate!({ path: "wit", world: "component" });
    use exports::kobliat::sqlite_probe::probe::Guest;

    struct Probe;
    export!(Probe);

    impl Guest for Probe {
        async fn run(label: String, statements: Vec<String>) -> Vec<String> {
            let connection = match Connection::open(&label).await {
                Ok(connection) => connection,
                Err(error) => return vec![show(Err(error))],
            };
            let mut answers = Vec::new();
            for statement in statements {
                answers.push(show(rows(&connection, &statement).await));
            }
            answers
        }

        fn run_sync(label: String, statements: Vec<String>) -> Vec<String> {
            let connection = match SyncConnection::open(&label) {
                Ok(connection) => connection,
                Err(error) => return vec![show(Err(error))],
            };
            let run = |statement: String| show(connection.execute(&statement, &[]).map(|result| result.rows));
            statements.into_iter().map(run).collect()
        }

        async fn repeat(label: String, statement: String, count: u32) -> u64 {
            let Ok(connection) = Connection::open(&label).await else { return 0 };
            let mut found = 0;
            for _ in 0..count {
                found += rows(&connection, &statement).await.map_or(0, |rows| rows.len() as u64);
            }
            found
        }

        async fn hoard(label: String) -> u32 {
            let mut connections = Vec::new();
            while let Ok(connection) = Connection::open(&label).await {
                connections.push(connection);
            }
            u32::try_from(connections.len()).unwrap_or(u32::MAX)
        }
    }

    async fn rows(connection: &Connection, statement: &str) -> Result<Vec<RowResult>, Error> {
        connection.execute(statement, []).await?.collect().await
    }

    fn show(result: Result<Vec<RowResult>, Error>) -> String {
        match result {
            Ok(rows) => rows.iter().map(show_row).collect::<Vec<_>>().join(";"),
            Err(error) => format!("error: {error:?}"),
        }
    }

    fn show_row(row: &RowResult) -> String {
        let show = |value: &Value| match value {
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::Blob(bytes) => format!("{bytes:?}"),
            Value::Null => "null".to_owned(),
        };
        row.values.iter().map(show).collect::<Vec<_>>().join(",")
    }
}
