//! Answers typed calls of the test interface, well or badly.

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "the generated exports speak the canonical ABI")]
mod component {
    use std::hint::black_box;
    use std::time::Duration;

    wit_bindgen::generate!({ path: ["../../../wit/context", "wit"], world: "kobliat:link-test/callee", generate_all });
    use exports::kobliat::link_test::calls::{Action, Context, Error, Guest};

    struct Callee;
    export!(Callee);

    impl Guest for Callee {
        async fn perform(context: Context, action: Action) -> Result<String, Error> {
            match action {
                Action::Echo(text) => Ok(text),
                Action::Relay(_) => Ok("0".to_owned()),
                Action::Deadline => Ok(context.deadline_ms.to_string()),
                Action::Sleep(ms) => {
                    spin_sdk::time::sleep(Duration::from_millis(u64::from(ms))).await;
                    Ok(ms.to_string())
                }
                Action::Trap => panic!("as I was told"),
                Action::Compute => loop {
                    black_box(());
                },
                Action::Hoard => {
                    let mut hoard = Vec::new();
                    loop {
                        hoard.push(black_box(vec![1_u8; 1 << 20]));
                    }
                }
            }
        }
    }
}
