//! What a customer is found by: its name, its external id, its identities, and every run of four or more digits of its numbers.

use sdk::{
    search::spaced,
    sql::{self, Execute, Row, SqlError},
};

use crate::number;

/// Shorter runs of digits are in too many numbers to be of use.
const SHORTEST_RUN: usize = 4;
/// A longer text is no telephone number; its digits are found from their beginning.
const LONGEST_NUMBER: usize = 20;

pub mod statements {
    pub const NAMES: &str = "SELECT coalesce(c.name, ''), c.external_id, \
         (SELECT json_group_array(i.value) FROM identities i WHERE i.tenant_id = ?1 AND i.customer_id = ?2) \
         FROM customers c WHERE c.tenant_id = ?1 AND c.id = ?2";
    pub const STORE_WORDS: &str = "INSERT INTO customer_texts (tenant_id, customer_id, words) VALUES (?1, ?2, ?3) \
         ON CONFLICT (tenant_id, customer_id) DO UPDATE SET words = excluded.words WHERE words <> excluded.words";
}

/// After a change of its name or identities, in the same transaction. The index follows by itself.
pub(super) async fn refresh(db: &impl Execute, tenant: &str, id: &str) -> Result<(), SqlError> {
    let rows = db.execute(statements::NAMES, vec![tenant.into(), id.into()]).await?;
    let Some((name, external_id, identities)) = sql::one(rows, names)? else { return Ok(()) };
    let words = words(&name, &external_id, &identities);
    db.execute(statements::STORE_WORDS, vec![tenant.into(), id.into(), words.into()]).await.map(|_| ())
}

fn names(mut row: Row) -> Result<(String, String, Vec<String>), SqlError> {
    let (name, external_id, identities): (_, _, String) = (row.take()?, row.take()?, row.take()?);
    let identities = serde_json::from_str(&identities).map_err(|e| SqlError::Row(format!("identities: {e}")))?;
    Ok((name, external_id, identities))
}

fn words(name: &str, external_id: &str, identities: &[String]) -> String {
    let mut words = vec![spaced(name).into_owned()];
    for value in std::iter::once(external_id).chain(identities.iter().map(String::as_str)) {
        add(&mut words, spaced(value).into_owned());
        let forms = number::digits(value).into_iter().chain(number::canonical(value));
        forms.flat_map(|digits| runs(&digits)).for_each(|run| add(&mut words, run));
    }
    words.join(" ")
}

fn add(words: &mut Vec<String>, word: String) {
    if !words.contains(&word) {
        words.push(word);
    }
}

/// The ends of a number: each run of its digits is the beginning of one of them.
fn runs(digits: &str) -> Vec<String> {
    let starts = if digits.len() <= LONGEST_NUMBER { digits.len().saturating_sub(SHORTEST_RUN) } else { 0 };
    (0..=starts).filter_map(|start| digits.get(start..)).map(str::to_owned).collect()
}
