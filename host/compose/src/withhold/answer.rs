//! What a denied function answers, as the bytes that the canonical ABI wants: they never depend on the call, so each
//! answer is written once, into the adapter's data.

use wit_parser::{Function, Int, Resolve, SizeAlign, Type, TypeDefKind};

/// Cases of error types that say "you may not", the most exact first.
const CASES: [&str; 9] = [
    "access-denied",
    "HTTP-request-denied",
    "destination-not-allowed",
    "not-permitted",
    "other",
    "other-error",
    "upstream",
    "runtime-error",
    "provider",
];

/// Data begins here: null pointers point to nothing.
const FIRST: usize = 16;

/// The adapter's data, and how it is laid out.
pub struct Answers<'r> {
    resolve: &'r Resolve,
    sizes: SizeAlign,
    data: Vec<u8>,
}

/// A denied function's answer.
pub enum Answer {
    /// There is no honest one.
    Trap,
    /// An empty environment, no directories: true of what the component has, so not worth a word.
    Empty { at: i32 },
    /// The error is where the ABI looks for an indirect result, or is the number itself.
    Error { at: i32, direct: i32 },
    /// The function answers nothing.
    Nothing,
}

impl<'r> Answers<'r> {
    pub fn new(resolve: &'r Resolve) -> Self {
        let mut sizes = SizeAlign::default();
        sizes.fill(resolve);
        Self { resolve, sizes, data: vec![0; FIRST] }
    }

    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Where these bytes are, and how many they are.
    pub fn text(&mut self, text: &str) -> (i32, i32) {
        let at = self.reserve(0, 1);
        self.data.extend_from_slice(text.as_bytes());
        (number(at), number(text.len()))
    }

    pub fn answer(&mut self, function: &Function, sentence: &str) -> Answer {
        let Some(result) = function.result else { return Answer::Nothing };
        match self.kind(&result) {
            Some(TypeDefKind::List(_) | TypeDefKind::Option(_)) => Answer::Empty { at: number(self.place(&result)) },
            Some(TypeDefKind::Result(parts)) => {
                let at = self.place(&result);
                self.set(at, 1);
                let cases = [parts.ok.as_ref(), parts.err.as_ref()];
                let payload = at + self.sizes.payload_offset(Int::U8, cases).size_wasm32();
                match parts.err.is_none_or(|error| self.error(&error, payload, sentence)) {
                    true => Answer::Error { at: number(at), direct: 1 },
                    false => Answer::Trap,
                }
            }
            _ => Answer::Trap,
        }
    }

    /// Writes a value of an error's type. False where none can be made.
    fn error(&mut self, ty: &Type, at: usize, sentence: &str) -> bool {
        let variant = match self.kind(ty) {
            Some(TypeDefKind::Variant(variant)) => variant,
            Some(TypeDefKind::Enum(cases)) => {
                let names = cases.cases.iter().map(|case| case.name.as_str());
                return self.write_tag(at, cases.tag(), chosen(names, |_| true));
            }
            _ => return self.payload(Some(ty), at, sentence),
        };
        let makeable = |case: usize| variant.cases.get(case).is_some_and(|case| self.is_makeable(case.ty.as_ref()));
        let Some(case) = chosen(variant.cases.iter().map(|case| case.name.as_str()), makeable) else { return false };
        let tag = variant.tag();
        let payload =
            at + self.sizes.payload_offset(tag, variant.cases.iter().map(|case| case.ty.as_ref())).size_wasm32();
        let ty = variant.cases.get(case).and_then(|case| case.ty);
        self.write_tag(at, tag, Some(case)) && self.payload(ty.as_ref(), payload, sentence)
    }

    fn is_makeable(&self, payload: Option<&Type>) -> bool {
        payload.is_none_or(|ty| *ty == Type::String || matches!(self.kind(ty), Some(TypeDefKind::Option(_))))
    }

    /// What goes with an error's case: nothing, the sentence, or the absence of more.
    fn payload(&mut self, ty: Option<&Type>, at: usize, sentence: &str) -> bool {
        match ty {
            None => true,
            Some(Type::String) => {
                let (text, length) = self.text(sentence);
                self.write(at, &text.to_le_bytes());
                self.write(at + 4, &length.to_le_bytes());
                true
            }
            // Reserved data is zero, which is `none`.
            Some(ty) => matches!(self.kind(ty), Some(TypeDefKind::Option(_))),
        }
    }

    fn write_tag(&mut self, at: usize, tag: Int, case: Option<usize>) -> bool {
        let Some(case) = case else { return false };
        let bytes = number(case).to_le_bytes();
        let width = match tag {
            Int::U8 => 1,
            Int::U16 => 2,
            Int::U32 | Int::U64 => 4,
        };
        self.write(at, bytes.get(..width).unwrap_or_default());
        true
    }

    /// The type behind its aliases.
    fn kind(&self, ty: &Type) -> Option<&'r TypeDefKind> {
        let mut ty = *ty;
        while let Type::Id(id) = ty {
            match &self.resolve.types[id].kind {
                TypeDefKind::Type(aliased) => ty = *aliased,
                kind => return Some(kind),
            }
        }
        None
    }

    /// Room for a value of this type, all zero.
    fn place(&mut self, ty: &Type) -> usize {
        self.reserve(self.sizes.size(ty).size_wasm32(), self.sizes.align(ty).align_wasm32())
    }

    fn reserve(&mut self, size: usize, align: usize) -> usize {
        let at = self.data.len().next_multiple_of(align.max(1));
        self.data.resize(at + size, 0);
        at
    }

    fn set(&mut self, at: usize, byte: u8) {
        self.write(at, &[byte]);
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        if let Some(room) = self.data.get_mut(at..at + bytes.len()) {
            room.copy_from_slice(bytes);
        }
    }
}

/// The case that says best that it is not allowed; else the last one, where interfaces have their `other`.
fn chosen<'n>(names: impl Iterator<Item = &'n str>, makeable: impl Fn(usize) -> bool) -> Option<usize> {
    let names: Vec<&str> = names.collect();
    let named = CASES.iter().filter_map(|case| names.iter().position(|name| name == case));
    named.chain((0..names.len()).rev()).find(|case| makeable(*case))
}

/// The adapter's data is some kilobytes.
fn number(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
