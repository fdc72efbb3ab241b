//! Components that speak the draft of WASI 0.3 by which SDK 6 makes them. Its interfaces are those of the release to the letter, under another
//! version; so they are given the release's names as they are loaded.

use std::borrow::Cow;
use wasmparser::{ComponentExport, ComponentImport, FromReader, Parser, Payload, SectionLimited};

const DRAFT: &str = "@0.3.0-rc-2026-03-15";
const RELEASE: &str = "@0.3.0";

/// The component with the names of the release; one that has no name of the draft as it is, and so what is no component: that is for others to say.
pub fn release(component: &[u8]) -> Cow<'_, [u8]> {
    renamed(component).unwrap_or(Cow::Borrowed(component))
}

/// Only its own imports and exports have names that mean something outside; everything else is copied.
fn renamed(component: &[u8]) -> wasmparser::Result<Cow<'_, [u8]>> {
    let (mut renamed, mut is_draft, mut depth) = (Vec::new(), false, 0_u32);
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        let section = payload.as_section().filter(|_| depth == 0);
        match &payload {
            Payload::Version { range, .. } if depth == 0 => renamed.extend_from_slice(part(component, range.clone())),
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            _ => {}
        }
        let Some((id, range)) = section else { continue };
        let whole = part(component, range.clone());
        let content = match payload {
            Payload::ComponentImportSection(imports) => with_names(component, &imports, import_name)?,
            Payload::ComponentExportSection(exports) => with_names(component, &exports, export_name)?,
            _ => Cow::Borrowed(whole),
        };
        is_draft |= matches!(content, Cow::Owned(_));
        renamed.push(id);
        write_size(&mut renamed, content.len());
        renamed.extend_from_slice(&content);
    }
    Ok(if is_draft { Cow::Owned(renamed) } else { Cow::Borrowed(component) })
}

fn import_name<'c>(import: &ComponentImport<'c>) -> &'c str {
    import.name.0
}

fn export_name<'c>(export: &ComponentExport<'c>) -> &'c str {
    export.name.0
}

/// The section's items with their names changed; borrowed when none is the draft's.
fn with_names<'c, T: FromReader<'c>>(
    component: &'c [u8],
    section: &SectionLimited<'c, T>,
    name: impl Fn(&T) -> &'c str,
) -> wasmparser::Result<Cow<'c, [u8]>> {
    let range = section.range();
    let items: Vec<(usize, T)> = section.clone().into_iter_with_offsets().collect::<Result<_, _>>()?;
    if !items.iter().any(|(_, item)| name(item).ends_with(DRAFT)) {
        return Ok(Cow::Borrowed(part(component, range)));
    }
    let mut content = Vec::new();
    write_size(&mut content, items.len());
    let ends = items.iter().skip(1).map(|(start, _)| *start).chain([range.end]);
    for ((start, item), end) in items.iter().zip(ends) {
        let old = name(item);
        let Some(stem) = old.strip_suffix(DRAFT) else {
            content.extend_from_slice(part(component, *start..end));
            continue;
        };
        let new = format!("{stem}{RELEASE}");
        // An item is a byte for the kind of its name, the name, and what it names.
        content.extend_from_slice(part(component, *start..*start + 1));
        write_size(&mut content, new.len());
        content.extend_from_slice(new.as_bytes());
        let name_ends = (old.as_ptr() as usize).saturating_sub(component.as_ptr() as usize) + old.len();
        content.extend_from_slice(part(component, name_ends..end));
    }
    Ok(Cow::Owned(content))
}

/// The parser's ranges are within what it parsed.
fn part(component: &[u8], range: std::ops::Range<usize>) -> &[u8] {
    component.get(range).unwrap_or_default()
}

/// LEB128, as all sizes are.
fn write_size(bytes: &mut Vec<u8>, mut size: usize) {
    while size >= 0x80 {
        bytes.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    bytes.push(size as u8);
}
