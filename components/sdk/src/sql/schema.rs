//! What a service says to its host of its database's schema: the custom section `kobliat:schema` of the component.
//!
//! The host reads it when a version is swapped in, and refuses one that does not fit the database.

use super::Migration;

/// Says it, once in a crate. `lowest`: the oldest schema that the code can start from (0). `highest`: the newest that it works
/// with, above its own newest migration where it was written with the next one in mind (expand and contract).
///
/// ```ignore
/// sdk::schema!(store::MIGRATIONS);
/// sdk::schema!(store::MIGRATIONS, lowest: 3, highest: 5);
/// ```
#[macro_export]
macro_rules! schema {
    ($migrations:expr) => {
        $crate::schema!($migrations, lowest: 0, highest: 0);
    };
    ($migrations:expr, lowest: $lowest:expr, highest: $highest:expr) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "a custom section is named by an attribute that could do harm in a native binary")]
        const _: () = {
            #[used]
            #[unsafe(link_section = "kobliat:schema")]
            static SCHEMA: [u8; 12] = $crate::sql::schema_section($migrations, $lowest, $highest);
        };
    };
}

/// The section's bytes: lowest, newest migration, highest.
pub const fn schema_section(migrations: &[Migration], lowest: u32, highest: u32) -> [u8; 12] {
    let brings = newest(migrations);
    let highest = if highest > brings { highest } else { brings };
    let (lowest, brings, highest) = (lowest.to_le_bytes(), brings.to_le_bytes(), highest.to_le_bytes());
    let mut bytes = [0; 12];
    bytes.split_at_mut(4).0.copy_from_slice(&lowest);
    bytes.split_at_mut(4).1.split_at_mut(4).0.copy_from_slice(&brings);
    bytes.split_at_mut(8).1.copy_from_slice(&highest);
    bytes
}

const fn newest(migrations: &[Migration]) -> u32 {
    match migrations {
        [] => 0,
        [first, rest @ ..] => {
            let newest = newest(rest);
            if first.number > newest { first.number } else { newest }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_the_newest_migration_brings() {
        const MIGRATIONS: &[Migration] = &[Migration::new(1, ""), Migration::new(2, "")];
        const SECTION: [u8; 12] = schema_section(MIGRATIONS, 1, 0);
        assert_eq!(SECTION, [1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(schema_section(MIGRATIONS, 0, 4)[8..], [4, 0, 0, 0]);
        assert_eq!(schema_section(&[], 0, 0), [0; 12]);
    }
}
