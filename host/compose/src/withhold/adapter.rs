//! The component that answers for denied interfaces, made from the types as the restricted component imports them.

use anyhow::{Context, Result, bail};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function as Body,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{
    Function, LiftLowerAbi, ManglingAndAbi, Resolve, ResourceIntrinsic, TypeId, TypeOwner, WasmExport, WasmExportKind,
    WasmImport, WorldId, WorldItem, WorldKey,
};

use super::answer::{Answer, Answers};
use super::owned::{Owned, owned};

/// An import that is answered instead of granted.
pub struct Denial {
    pub name: String,
    pub sentence: String,
}

/// Async functions, too, are lifted synchronously: each answers at once.
const MANGLING: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);

const HOST: &str = "package kobliat:host@0.1.0;\ninterface denials { denied: func(sentence: string); }\n";

/// A component that exports what is denied, as `component` imports it.
pub fn build(component: &[u8], denials: &[Denial]) -> Result<Vec<u8>> {
    let (mut resolve, _) = match wit_component::decode(component)? {
        DecodedWasm::Component(resolve, world) => (resolve, world),
        DecodedWasm::WitPackage(..) => bail!("it is a package of interfaces"),
    };
    resolve.push_str("host.wit", HOST)?;
    let exports: String = denials.iter().map(|denial| format!("export {};\n", spelled(&denial.name))).collect();
    let text = format!("package kobliat:withhold;\nworld adapter {{\nimport {};\n{exports}}}\n", super::DENIALS);
    let package = resolve.push_str("adapter.wit", &text).context("the denied interfaces can not be exported")?;
    let world = resolve.select_world(&[package], Some("adapter"))?;
    let mut module = Adapter::new(&resolve, world).finish(denials)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().validate(true).module(&module)?.encode()
}

/// Names may be words of WIT, which `%` takes for names.
fn spelled(interface: &str) -> String {
    let (name, version) = interface.split_at(interface.find('@').unwrap_or(interface.len()));
    let name = name.replace(':', ":%").replace('/', "/%");
    format!("%{name}{version}")
}

/// The core module in the making.
struct Adapter<'r> {
    resolve: &'r Resolve,
    world: WorldId,
    answers: Answers<'r>,
    types: TypeSection,
    imports: ImportSection,
    functions: FunctionSection,
    exports: ExportSection,
    code: CodeSection,
    /// Imported first, defined later, in one index space.
    count: u32,
    /// How to drop the resources that are given to denied functions.
    drops: Vec<(TypeId, u32)>,
}

/// Where the next argument goes in memory.
const NEXT: u32 = 0;
/// Where arguments begin.
const HEAP: u32 = 1;
const DENIED: u32 = 0;

impl<'r> Adapter<'r> {
    fn new(resolve: &'r Resolve, world: WorldId) -> Self {
        Self {
            resolve,
            world,
            answers: Answers::new(resolve),
            types: TypeSection::new(),
            imports: ImportSection::new(),
            functions: FunctionSection::new(),
            exports: ExportSection::new(),
            code: CodeSection::new(),
            count: 0,
            drops: Vec::new(),
        }
    }

    fn finish(mut self, denials: &[Denial]) -> Result<Vec<u8>> {
        let ty = self.signature(&[ValType::I32; 2], &[]);
        self.import(super::DENIALS, "denied", ty);
        let denied = self.denied(denials)?;
        for (_, function, _) in &denied {
            self.import_drops(function);
        }
        for (key, function, sentence) in denied {
            self.export(key, function, sentence);
        }
        self.define_realloc();
        Ok(self.assemble())
    }

    /// Every function of every denied interface, with its sentence.
    fn denied<'d>(&self, denials: &'d [Denial]) -> Result<Vec<(&'r WorldKey, &'r Function, &'d str)>> {
        let mut denied = Vec::new();
        for (key, item) in &self.resolve.worlds[self.world].exports {
            let WorldItem::Interface { id, .. } = item else { continue };
            let name = self.resolve.id_of(*id).unwrap_or_default();
            let denial = denials.iter().find(|denial| denial.name == name);
            let sentence = denial.with_context(|| format!("`{name}` is exported and not denied"))?.sentence.as_str();
            denied.extend(self.resolve.interfaces[*id].functions.values().map(|function| (key, function, sentence)));
        }
        Ok(denied)
    }

    fn import(&mut self, module: &str, name: &str, ty: u32) -> u32 {
        self.imports.import(module, name, EntityType::Function(ty));
        self.count += 1;
        self.count - 1
    }

    fn signature(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        self.types.ty().function(params.iter().copied(), results.iter().copied());
        self.types.len() - 1
    }

    /// A resource that is given away is the adapter's to drop, or it would stay until the instance ends.
    fn import_drops(&mut self, function: &Function) {
        for Owned { resource, .. } in owned(self.resolve, function) {
            if self.drop_of(resource).is_some() {
                continue;
            }
            let TypeOwner::Interface(owner) = self.resolve.types[resource].owner else { continue };
            let key = WorldKey::Interface(owner);
            // Its own resources nobody has ever got.
            if self.resolve.worlds[self.world].exports.contains_key(&key) {
                continue;
            }
            let intrinsic = ResourceIntrinsic::ImportedDrop;
            let import = WasmImport::ResourceIntrinsic { interface: Some(&key), resource, intrinsic };
            let (module, name) = self.resolve.wasm_import_name(MANGLING, import);
            let ty = self.signature(&[ValType::I32], &[]);
            let index = self.import(&module, &name, ty);
            self.drops.push((resource, index));
        }
    }

    fn drop_of(&self, resource: TypeId) -> Option<u32> {
        self.drops.iter().find(|(known, _)| *known == resource).map(|(_, index)| *index)
    }

    fn export(&mut self, interface: &WorldKey, function: &Function, sentence: &str) {
        let signature = self.resolve.wasm_signature(AbiVariant::GuestExport, function);
        let params: Vec<_> = signature.params.iter().map(value_type).collect();
        let results: Vec<_> = signature.results.iter().map(value_type).collect();
        let ty = self.signature(&params, &results);
        let kind = WasmExportKind::Normal;
        let export = WasmExport::Func { interface: Some(interface), func: function, kind };
        self.exports.export(&self.resolve.wasm_export_name(MANGLING, export), ExportKind::Func, self.count);
        let answer = self.answers.answer(function, sentence);
        let said = matches!(answer, Answer::Error { .. }).then(|| self.answers.text(sentence));
        let drops = if signature.indirect_params { Vec::new() } else { owned(self.resolve, function) };
        let mut body = Body::new([]);
        let mut code = body.instructions();
        // Arguments are not read, and the next call's may take their place.
        code.global_get(HEAP).global_set(NEXT);
        for given in drops {
            if let Some(drop) = self.drop_of(given.resource) {
                given.drop_by(drop, &mut code);
            }
        }
        if let Some((text, length)) = said {
            code.i32_const(text).i32_const(length).call(DENIED);
        }
        match answer {
            Answer::Trap => drop(code.unreachable()),
            Answer::Nothing => {}
            Answer::Empty { at } => drop(code.i32_const(at)),
            Answer::Error { at, .. } if signature.retptr => drop(code.i32_const(at)),
            Answer::Error { direct, .. } => drop(code.i32_const(direct)),
        }
        code.end();
        self.define(ty, &body);
    }

    fn define(&mut self, ty: u32, body: &Body) {
        self.functions.function(ty);
        self.code.function(body);
        self.count += 1;
    }

    /// Places arguments one behind the other, and takes more memory for long ones.
    fn define_realloc(&mut self) {
        let ty = self.signature(&[ValType::I32; 4], &[ValType::I32]);
        let name = self.resolve.wasm_export_name(MANGLING, WasmExport::Realloc);
        self.exports.export(&name, ExportKind::Func, self.count);
        let (align, size, at, end) = (2, 3, 4, 5);
        let mut body = Body::new([(2, ValType::I32)]);
        let mut code = body.instructions();
        code.global_get(NEXT).local_get(align).i32_add().i32_const(1).i32_sub();
        code.i32_const(0).local_get(align).i32_sub().i32_and().local_tee(at);
        code.local_get(size).i32_add().local_tee(end);
        code.local_get(at).i32_lt_u().if_(BlockType::Empty).unreachable().end();
        code.local_get(end).memory_size(0).i32_const(16).i32_shl().i32_gt_u().if_(BlockType::Empty);
        code.local_get(size).i32_const(16).i32_shr_u().i32_const(1).i32_add().memory_grow(0);
        code.i32_const(-1).i32_eq().if_(BlockType::Empty).unreachable().end().end();
        code.local_get(end).global_set(NEXT).local_get(at).end();
        self.define(ty, &body);
    }

    fn assemble(mut self) -> Vec<u8> {
        let heap = i32::try_from(self.answers.data().len().next_multiple_of(16)).unwrap_or(i32::MAX);
        let minimum = u64::try_from(self.answers.data().len() / 65536 + 1).unwrap_or(1);
        let mut memories = MemorySection::new();
        let memory = MemoryType { minimum, maximum: None, memory64: false, shared: false, page_size_log2: None };
        memories.memory(memory);
        let mut globals = GlobalSection::new();
        for mutable in [true, false] {
            let ty = GlobalType { val_type: ValType::I32, mutable, shared: false };
            globals.global(ty, &ConstExpr::i32_const(heap));
        }
        self.exports.export(&self.resolve.wasm_export_name(MANGLING, WasmExport::Memory), ExportKind::Memory, 0);
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(0), self.answers.data().iter().copied());
        let mut module = Module::new();
        module.section(&self.types).section(&self.imports).section(&self.functions).section(&memories);
        module.section(&globals).section(&self.exports).section(&self.code).section(&data);
        module.finish()
    }
}

fn value_type(ty: &WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}
