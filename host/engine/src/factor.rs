//! A factor is one capability that the host gives to guests: its imports, and what each instance needs for them.

use crate::state::State;
use wasmtime::component::Linker;

/// One capability (`spin:sqlite`, `spin:variables`, …). Configuration is checked in the factor's own constructor, so
/// that the host refuses at start; what is left here cannot be an operator's mistake.
pub trait Factor: Send + Sync + 'static {
    /// Adds the capability's functions to the linker that every component shares.
    fn add_to_linker(&self, linker: &mut Linker<State>) -> wasmtime::Result<()>;

    /// Gives a new instance of `component` what its calls will need, with [`State::insert`].
    fn prepare_instance(&self, component: &str, state: &mut State) -> wasmtime::Result<()>;
}
