//! Components made of nothing but their WIT: they have the types, and trap when they are called.

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// Imports the interface `test:shape/calls@0.1.0` with these items.
pub fn importer(items: &str) -> Vec<u8> {
    component(&format!("interface calls {{ {items} }} world one {{ import calls; }}"))
}

/// Exports it.
pub fn exporter(items: &str) -> Vec<u8> {
    component(&format!("interface calls {{ {items} }} world one {{ export calls; }}"))
}

pub fn component(wit: &str) -> Vec<u8> {
    package("test:shape@0.1.0", wit)
}

/// The world of this package.
pub fn package(name: &str, wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", &format!("package {name};\n{wit}")).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// A core module of this text, with the world of this WIT embedded as bindings generators embed it.
pub fn core_module(text: &str, wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("module.wit", wit).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let mut module = wat::parse_str(text).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    module
}
