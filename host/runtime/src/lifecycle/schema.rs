//! What a component says of its database's schema, in the custom section `kobliat:schema`, which the SDK writes.
//!
//! Twelve bytes: three numbers of 32 bits, little-endian. A component with none says nothing, and is not held to anything.

use super::ChangeError;
use wasmparser::{Parser, Payload};

const SECTION: &str = "kobliat:schema";

/// Numbers of migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The oldest that it can start from.
    pub lowest: u32,
    /// What it migrates its database to at first use.
    pub brings: u32,
    /// The newest that it works with: at least what it brings.
    pub highest: u32,
}

impl Schema {
    /// Of a component's own bytes, without what is composed into it. `None` when it has no such section.
    pub fn of(wasm: &[u8]) -> Option<Self> {
        let sections = Parser::new(0).parse_all(wasm).map_while(Result::ok);
        let mut found = sections.filter_map(|payload| match payload {
            Payload::CustomSection(section) if section.name() == SECTION => Self::decode(section.data()),
            _ => None,
        });
        found.next()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, _) = bytes.as_chunks::<4>();
        let [lowest, brings, highest] = *numbers.first_chunk::<3>()?;
        let [lowest, brings, highest] = [lowest, brings, highest].map(u32::from_le_bytes);
        Some(Self { lowest, brings, highest: highest.max(brings) })
    }
}

/// What a change means for the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migration {
    /// The old version can work with what the new one leaves.
    None,
    /// There is no way back: the new version migrates past what the old one works with.
    OneWay { from: u32, to: u32 },
}

/// Whether a version may run on a database at `found`, and whether the one before it still could afterwards.
pub fn judge(old: Option<Schema>, new: Option<Schema>, found: u32) -> Result<Migration, ChangeError> {
    let Some(new) = new else { return Ok(Migration::None) };
    if found > new.highest {
        return Err(ChangeError::Refused(format!(
            "its database is at schema {found}, and this version works with {} at most; give a version that knows schema {found}",
            new.highest
        )));
    }
    if found < new.lowest {
        return Err(ChangeError::Refused(format!(
            "its database is at schema {found}, and this version starts from {} at least; run a version in between first",
            new.lowest
        )));
    }
    let old_works_with = old.map_or(found, |old| old.highest);
    let one_way = new.brings > found && new.brings > old_works_with;
    Ok(if one_way { Migration::OneWay { from: found, to: new.brings } } else { Migration::None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(lowest: u32, brings: u32, highest: u32) -> Option<Schema> {
        Some(Schema { lowest, brings, highest })
    }

    #[test]
    fn a_database_outside_the_range_is_refused_with_both_numbers() {
        let refusal = |new, found| judge(None, new, found).unwrap_err().to_string();
        assert!(
            refusal(schema(1, 2, 2), 3).contains("schema 3") && refusal(schema(1, 2, 2), 3).contains("works with 2")
        );
        assert!(refusal(schema(2, 3, 3), 1).contains("starts from 2"));
    }

    #[test]
    fn a_migration_that_the_old_version_knows_of_can_be_taken_back() {
        assert_eq!(judge(schema(0, 1, 2), schema(1, 2, 2), 1), Ok(Migration::None));
        assert_eq!(judge(schema(0, 1, 1), schema(1, 1, 1), 1), Ok(Migration::None));
    }

    #[test]
    fn a_migration_past_the_old_version_is_one_way() {
        let one_way = Ok(Migration::OneWay { from: 1, to: 2 });
        assert_eq!(judge(schema(0, 1, 1), schema(1, 2, 2), 1), one_way);
        assert_eq!(judge(None, schema(1, 2, 2), 1), one_way, "a version that says nothing promises nothing");
    }

    #[test]
    fn reads_the_section_of_a_module_inside_a_component() {
        let module = r#"(module (@custom "kobliat:schema" "\01\00\00\00\03\00\00\00\02\00\00\00"))"#;
        let wasm = wat::parse_str(format!("(component (core {}", module.trim_start_matches('(')) + ")").unwrap();
        assert_eq!(Schema::of(&wasm), schema(1, 3, 3));
        assert_eq!(Schema::of(&wat::parse_str("(component)").unwrap()), None);
        assert_eq!(Schema::of(b"no component"), None);
    }
}
