//! The generated clients are in `target/clients`; the test in `tests/it` makes them.
