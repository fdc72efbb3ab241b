//! The resources that a function is given for good, and where they are among its parameters.

use wasm_encoder::{BlockType, InstructionSink};
use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{Function, Handle, Resolve, Type, TypeDefKind, TypeId};

/// More parameters than this are passed in memory.
const MOST_FLAT: usize = 16;

/// A parameter that owns a resource, or may own one. (Of deeper ones, in lists of them, no interface of WASI or Spin knows.)
pub struct Owned {
    pub resource: TypeId,
    /// Among the flat parameters.
    position: u32,
    /// The parameter before says whether there is one.
    optional: bool,
}

impl Owned {
    /// Calls the function `drop` with it.
    pub fn drop_by(&self, drop: u32, code: &mut InstructionSink<'_>) {
        if self.optional {
            code.local_get(self.position - 1).if_(BlockType::Empty).local_get(self.position).call(drop).end();
        } else {
            code.local_get(self.position).call(drop);
        }
    }
}

pub fn owned(resolve: &Resolve, function: &Function) -> Vec<Owned> {
    let mut owned = Vec::new();
    let mut position = 0;
    for param in &function.params {
        if let Some(resource) = resource(resolve, &param.ty) {
            owned.push(Owned { resource, position, optional: false });
        } else if let Some(TypeDefKind::Option(inner)) = kind(resolve, &param.ty)
            && let Some(resource) = resource(resolve, inner)
        {
            owned.push(Owned { resource, position: position + 1, optional: true });
        }
        position += flat_count(resolve, &param.ty);
    }
    owned
}

/// The resource of an `own` handle.
fn resource(resolve: &Resolve, ty: &Type) -> Option<TypeId> {
    let Some(TypeDefKind::Handle(Handle::Own(resource))) = kind(resolve, ty) else { return None };
    let mut resource = *resource;
    while let TypeDefKind::Type(Type::Id(original)) = resolve.types[resource].kind {
        resource = original;
    }
    Some(resource)
}

fn kind<'r>(resolve: &'r Resolve, ty: &Type) -> Option<&'r TypeDefKind> {
    let mut ty = *ty;
    while let Type::Id(id) = ty {
        match &resolve.types[id].kind {
            TypeDefKind::Type(aliased) => ty = *aliased,
            kind => return Some(kind),
        }
    }
    None
}

fn flat_count(resolve: &Resolve, ty: &Type) -> u32 {
    let mut room = [WasmType::I32; MOST_FLAT];
    let mut flat = FlatTypes::new(&mut room);
    resolve.push_flat(ty, &mut flat);
    u32::try_from(flat.to_vec().len()).unwrap_or(u32::MAX)
}
