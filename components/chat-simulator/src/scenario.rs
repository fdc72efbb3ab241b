//! Scenarios: who writes, about what, in which words. One TOML file each, in `scenarios/`.

pub mod engine;
mod file;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use file::{Reply, Scenario, Turn};

/// By name; the name of the file is the name that the API knows.
const FILES: &[(&str, &str)] = &[
    ("curious_shopper", include_str!("../scenarios/curious_shopper.toml")),
    ("angry_customer", include_str!("../scenarios/angry_customer.toml")),
    ("lost_parcel", include_str!("../scenarios/lost_parcel.toml")),
    ("voice_note_sender", include_str!("../scenarios/voice_note_sender.toml")),
    ("silent_type", include_str!("../scenarios/silent_type.toml")),
    ("haggler", include_str!("../scenarios/haggler.toml")),
    ("traveller", include_str!("../scenarios/traveller.toml")),
    ("chatty_grandmother", include_str!("../scenarios/chatty_grandmother.toml")),
];

/// Read once in an instance's life. A file that is wrong is not there, and a test says so before it ships.
static SCENARIOS: LazyLock<BTreeMap<&str, Scenario>> = LazyLock::new(|| {
    FILES.iter().filter_map(|(name, text)| Some((*name, Scenario::parse(name, text).ok()?))).collect()
});

pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.get(name)
}

/// In the order of their names.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    SCENARIOS.values()
}

/// For the message that refuses another name.
pub fn names() -> String {
    all().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_scenario() {
        for (name, text) in FILES {
            let scenario = Scenario::parse(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(scenario.turns.len() >= 4, "{name} is a conversation");
            assert!(!scenario.names.is_empty() && !scenario.closing.is_empty(), "{name}");
        }
        assert!(find("curious_shopper").is_some() && find("angry_customer").is_some(), "the old names");
        assert!(all().count() >= 6);
    }

    #[test]
    fn together_they_have_what_platforms_stumble_over() {
        let turns = || all().flat_map(|scenario| &scenario.turns);
        assert!(turns().any(|turn| turn.image.is_some()) && turns().any(|turn| turn.voice.is_some()));
        assert!(turns().any(|turn| turn.silence_ms.is_some()));
        let languages: std::collections::BTreeSet<_> = all().map(|scenario| &scenario.language).collect();
        assert!(languages.len() >= 5, "{languages:?}");
    }

    #[test]
    fn a_misspelt_key_and_an_unknown_word_are_refused() {
        let good = "description = 'd'\nlanguage = 'en'\nnames = ['A']\ninstructions = 'i'\nclosing = ['bye']\n";
        let with = |rest: &str| Scenario::parse("x", &format!("{good}{rest}"));
        assert!(with("[[turns]]\nsay = ['hi']\ntyping_ms = [1, 2]").is_ok());
        for wrong in [
            "[[turns]]\nsays = ['hi']",
            "[[turns]]\nsay = ['hi {product}']",
            "[[turns]]\ntyping_ms = [1, 2]",
            "[[turns]]\nimage = 'nothing'",
            "[[turns]]\nsay = ['hi']\ntyping_ms = [2, 1]",
            "[[turns]]\nsilence_ms = [1, 2]\nsay = ['hi']",
            "",
        ] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
    }
}
