//! `kobliat:host/denials`: by it a dependency that was denied something gets its developer told, since the error it is
//! answered with often has no room for a sentence.

use kobliat_compose::DENIALS;
use kobliat_engine::State;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use tracing::warn;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

/// A guest may import this interface itself and say what it likes: so much is heard of it.
const LONGEST: usize = 1000;
const MOST: usize = 1000;

/// Each sentence is told once for each component.
#[derive(Default)]
struct Told(Mutex<HashSet<(String, String)>>);

impl Told {
    fn is_new(&self, component: &str, sentence: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.len() < MOST && told.insert((component.to_owned(), sentence.to_owned()))
    }
}

pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let told = Told::default();
    linker.instance(DENIALS)?.func_wrap("denied", move |store: StoreContextMut<'_, State>, (sentence,): (String,)| {
        let sentence: String = sentence.chars().take(LONGEST).filter(|character| !character.is_control()).collect();
        let component = store.data().component();
        if told.is_new(component, &sentence) {
            warn!(component.id = %component, "denied in component `{component}`: {sentence}");
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_told_once_for_each_component_and_no_guest_fills_the_memory() {
        let told = Told::default();
        assert!(told.is_new("web", "no"));
        assert!(!told.is_new("web", "no"));
        assert!(told.is_new("api", "no"));
        assert_eq!((0..2 * MOST).filter(|number| told.is_new("web", &number.to_string())).count(), MOST - 2);
    }
}
