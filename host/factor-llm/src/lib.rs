//! `fermyon:spin/llm@2.0.0`. This host runs no models, as Spin does not unless it was built with them: a component that
//! imports the interface runs, and what it asks is answered by the interface's error, so that it can do without.

mod bindings;

use std::collections::HashMap;

use kobliat_engine::{Factor, State};
use wasmtime::component::{HasData, Linker};

use crate::bindings::fermyon::spin::llm::{self, EmbeddingsResult, Error, Host, InferencingParams, InferencingResult};

/// The `ai_models` of each component, so that the answer says what is missing first.
pub struct LlmFactor {
    models: HashMap<String, Vec<String>>,
}

impl LlmFactor {
    pub fn new(models: HashMap<String, Vec<String>>) -> Self {
        Self { models }
    }
}

/// What an instance keeps.
struct Models(Vec<String>);

impl Factor for LlmFactor {
    fn add_to_linker(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        llm::add_to_linker::<_, Llm>(linker, |state| state)
    }

    fn prepare_instance(&self, component: &str, state: &mut State) -> wasmtime::Result<()> {
        state.insert(Models(self.models.get(component).cloned().unwrap_or_default()));
        Ok(())
    }
}

/// Names the state that the generated code works on.
struct Llm;

impl HasData for Llm {
    type Data<'a> = &'a mut State;
}

impl Host for State {
    fn infer(
        &mut self,
        model: String,
        _prompt: String,
        _params: Option<InferencingParams>,
    ) -> wasmtime::Result<Result<InferencingResult, Error>> {
        Ok(Err(refuse(self, &model)))
    }

    fn generate_embeddings(
        &mut self,
        model: String,
        _text: Vec<String>,
    ) -> wasmtime::Result<Result<EmbeddingsResult, Error>> {
        Ok(Err(refuse(self, &model)))
    }
}

/// The longest name that is repeated to the guest; a longer one is no model's.
const LONGEST_NAME: usize = 200;

fn refuse(state: &State, model: &str) -> Error {
    let listed = state.get::<Models>().is_some_and(|models| models.0.iter().any(|one| one == model));
    let component = state.component();
    Error::RuntimeError(if listed {
        "this host runs no models; ask one by HTTP".to_owned()
    } else if model.len() > LONGEST_NAME {
        "no model has such a name".to_owned()
    } else {
        format!("add {model:?} to ai_models of [component.{component}] in spin.toml")
    })
}
