//! `Idempotency-Key`: the first answer is stored with the effect that it reports, and given again to who repeats the request.

use ::http::{HeaderName, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use crate::{
    Clock, Micros, Outcome, Problem, Request, Response, response,
    sql::{Database, Driver, Execute, SqlError, Value},
    sweep::STEP_ROWS,
};

/// The table, for a service's list of migrations.
pub const MIGRATION: &str = include_str!("../migrations/idempotency.sql");

/// 24 h, as the API promises.
const KEPT: Micros = 24 * 3600 * 1_000_000;
/// 60 s: longer than any request may run.
const CLAIM: Micros = 60 * 1_000_000;
const MAX_KEY_LENGTH: usize = 255;

/// Set by the gateway on a request that it would have refused: the first answer to its key is still the answer, and nothing new is done.
pub const REPEATED_ONLY: &str = "kobliat-repeated-only";

/// A key that a caller gave, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub tenant: String,
    pub principal: String,
    pub key: String,
    payload_hash: String,
    repeated_only: bool,
}

/// What a caller sent as its key, quoted (as the draft standard has it) or bare; `None` when it sent none.
pub fn bare(given: &str) -> Result<Option<&str>, Problem> {
    let key = given.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(given);
    match given.len() {
        0 => Ok(None),
        1..=MAX_KEY_LENGTH if !key.is_empty() => Ok(Some(key)),
        _ => Err(Problem::invalid_field("Idempotency-Key", "must have 1 to 255 characters")),
    }
}

impl Key {
    /// The key of an HTTP request; `None` when it has none.
    pub fn of(request: &Request) -> Result<Option<Self>, Problem> {
        let Some(key) = bare(&request.context.idempotency_key)? else { return Ok(None) };
        let operation = format!("{} {}", request.method, request.path);
        let key = Self::new(&request.context, key, &operation, &request.body);
        Ok(Some(Self { repeated_only: request.headers.contains_key(REPEATED_ONLY), ..key }))
    }

    /// The key of a typed call; `None` when the context has none.
    pub fn of_call(context: &crate::Context, operation: &str, payload: &[u8]) -> Option<Self> {
        let key = context.idempotency_key.as_str();
        (1..=MAX_KEY_LENGTH).contains(&key.len()).then(|| Self::new(context, key, operation, payload))
    }

    fn may_begin(&self) -> Result<(), Refused> {
        if self.repeated_only { Err(Refused::NoRepetition) } else { Ok(()) }
    }

    fn new(context: &crate::Context, key: &str, operation: &str, payload: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(operation).chain_update([0]).chain_update(payload).finalize();
        Self {
            tenant: context.tenant.clone(),
            principal: context.principal.clone(),
            key: key.to_owned(),
            payload_hash: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
            repeated_only: false,
        }
    }
}

/// An answer as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// JSON.
    pub body: String,
}

impl Answer {
    pub fn of(response: &Response) -> Self {
        Self { status: response.status().as_u16(), body: String::from_utf8_lossy(response.body()).into_owned() }
    }

    /// The same answer again, marked as such.
    pub fn replay(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = response::bytes(status, "application/json", self.body.into_bytes());
        let marked = HeaderName::from_static("idempotency-replayed");
        response.headers_mut().insert(marked, HeaderValue::from_static("true"));
        response
    }
}

/// Why a key cannot be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    InFlight,
    OtherPayload,
    /// Only a repetition was asked for, and this is none.
    NoRepetition,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::InFlight => Problem::in_flight(),
            Refused::OtherPayload => Problem::invalid_field("Idempotency-Key", "was used before with another request"),
            Refused::NoRepetition => Problem::not_found("answer to this Idempotency-Key"),
        }
    }
}

/// A key with the way to tell its effect, so that the answer can be stored with it.
pub struct Once<'a, T> {
    pub key: Key,
    pub answer: &'a dyn Fn(&T) -> Answer,
}

/// What came of [`once`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done<T> {
    Now(T),
    Before(Answer),
}

/// Answers a request that has its effect once per key: `told` tells what was done, now and to who repeats the request.
pub async fn answer_once<T, E>(
    request: &Request,
    told: impl Fn(&T) -> Outcome,
    work: impl AsyncFnOnce(Option<&Once<'_, T>>) -> Result<Done<T>, E>,
    problem: impl FnOnce(E) -> Problem,
) -> Outcome {
    // What cannot be told now cannot be told later either.
    let unspeakable = || Answer { status: 500, body: String::new() };
    let answer = |done: &T| told(done).as_ref().map_or_else(|_| unspeakable(), Answer::of);
    let once = Key::of(request)?.map(|key| Once { key, answer: &answer });
    match work(once.as_ref()).await.map_err(problem)? {
        Done::Now(done) => told(&done),
        Done::Before(answer) => Ok(answer.replay()),
    }
}

/// The same for an effect that is no single transaction (others are called in between): the key is claimed first, and the answer stored
/// when there is one. A refusal frees the key; what failed leaves it claimed for a minute, because nobody knows what was done.
pub async fn answer_claimed<D: Driver>(
    database: &Database<D>,
    request: &Request,
    clock: &(impl Clock + ?Sized),
    problem: impl Fn(SqlError) -> Problem,
    work: impl AsyncFnOnce() -> Outcome,
) -> Outcome {
    let Some(key) = Key::of(request)? else { return work().await };
    if let Some(answer) = claim(database, &key, clock.now()).await.map_err(&problem)?? {
        return Ok(answer.replay());
    }
    let done = match work().await {
        Ok(done) => done,
        Err(refusal) if refusal.status.is_client_error() => {
            release(database, &key).await.map_err(&problem)?;
            return Err(refusal);
        }
        Err(failure) => return Err(failure),
    };
    let answer = Answer::of(&done);
    let keep = async |transaction: &D::Connection| -> Result<(), SqlError> {
        finish(transaction, &key, &answer, clock.now()).await
    };
    database.transaction(keep).await.map_err(&problem)?;
    Ok(done)
}

/// The answer to who repeats what would be refused now: whatever has changed since, the first answer to a key stays its answer.
pub async fn first_answer_or<D: Driver>(
    database: &Database<D>,
    request: &Request,
    clock: &(impl Clock + ?Sized),
    refusal: Problem,
) -> Outcome {
    let Ok(Some(key)) = Key::of(request) else { return Err(refusal) };
    // Who may not ask may not ask again.
    if matches!(refusal.status.as_u16(), 401 | 403) {
        return Err(refusal);
    }
    match database.single(async |connection| find(connection, &key, clock.now()).await).await {
        Ok(Ok(Some(answer))) => Ok(answer.replay()),
        _ => Err(refusal),
    }
}

/// Runs `work` in a transaction; with a key, at most once: its answer is stored in that same transaction.
pub async fn once<D: Driver, T, E: From<SqlError> + From<Refused>>(
    database: &Database<D>,
    once: Option<&Once<'_, T>>,
    now: Micros,
    work: impl AsyncFnOnce(&D::Connection) -> Result<T, E>,
) -> Result<Done<T>, E> {
    let in_transaction = async |transaction: &D::Connection| -> Result<Done<T>, E> {
        let Some(once) = once else { return work(transaction).await.map(Done::Now) };
        if let Some(answer) = find(transaction, &once.key, now).await?? {
            return Ok(Done::Before(answer));
        }
        once.key.may_begin()?;
        let done = work(transaction).await?;
        store(transaction, &once.key, Some(&(once.answer)(&done)), now).await?;
        Ok(Done::Now(done))
    };
    database.transaction(in_transaction).await
}

/// Like [`once`], for work that is a single statement: without a key it needs no transaction and holds no writer.
pub async fn once_statement<D: Driver, T, E: From<SqlError> + From<Refused>>(
    database: &Database<D>,
    key: Option<&Once<'_, T>>,
    now: Micros,
    work: impl AsyncFnOnce(&D::Connection) -> Result<T, E>,
) -> Result<Done<T>, E> {
    match key {
        Some(_) => once(database, key, now, work).await,
        None => database.single(work).await.map(Done::Now),
    }
}

/// For an effect that is not one transaction (it calls others in between): claims the key for 60 s, or finds the answer.
/// [`finish`] it in the transaction of the last step.
pub async fn claim<D: Driver>(
    database: &Database<D>,
    key: &Key,
    now: Micros,
) -> Result<Result<Option<Answer>, Refused>, SqlError> {
    let claim = async |transaction: &D::Connection| -> Result<_, SqlError> {
        let found = find(transaction, key, now).await?;
        if found == Ok(None) {
            if let Err(refused) = key.may_begin() {
                return Ok(Err(refused));
            }
            store(transaction, key, None, now).await?;
        }
        Ok(found)
    };
    database.transaction(claim).await
}

/// Stores the answer of a claimed key.
pub async fn finish(transaction: &impl Execute, key: &Key, answer: &Answer, now: Micros) -> Result<(), SqlError> {
    store(transaction, key, Some(answer), now).await
}

/// Nothing was done in its name.
async fn release<D: Driver>(database: &Database<D>, key: &Key) -> Result<(), SqlError> {
    const RELEASE: &str =
        "DELETE FROM idempotency_keys WHERE tenant_id = ? AND principal = ? AND key = ? AND status IS NULL";
    let parameters = vec![(&key.tenant).into(), (&key.principal).into(), (&key.key).into()];
    database.execute(RELEASE, parameters).await.map(|_| ())
}

/// Forgets what is older than the API promises, some at a time.
async fn purge(executor: &impl Execute, now: Micros) -> Result<(), SqlError> {
    const PURGE: &str = "DELETE FROM idempotency_keys WHERE (tenant_id, principal, key) IN (SELECT tenant_id, principal, key \
                         FROM idempotency_keys WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)";
    executor.execute(PURGE, vec![(now - KEPT).into(), STEP_ROWS.into()]).await.map(|_| ())
}

async fn find(transaction: &impl Execute, key: &Key, now: Micros) -> Result<Result<Option<Answer>, Refused>, SqlError> {
    const SELECT: &str = "SELECT payload_hash, status, body, created_at FROM idempotency_keys \
                          WHERE tenant_id = ? AND principal = ? AND key = ?";
    let parameters = vec![(&key.tenant).into(), (&key.principal).into(), (&key.key).into()];
    let rows = transaction.execute(SELECT, parameters).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(Ok(None)) };
    let (hash, status, body): (String, Option<u16>, Option<String>) = (row.take()?, row.take()?, row.take()?);
    let created_at: Micros = row.take()?;
    let kept = if status.is_some() { KEPT } else { CLAIM };
    Ok(match (status, body) {
        _ if now - created_at >= kept => Ok(None),
        _ if hash != key.payload_hash => Err(Refused::OtherPayload),
        (Some(status), Some(body)) => Ok(Some(Answer { status, body })),
        _ => Err(Refused::InFlight),
    })
}

async fn store(transaction: &impl Execute, key: &Key, answer: Option<&Answer>, now: Micros) -> Result<(), SqlError> {
    const UPSERT: &str = "INSERT INTO idempotency_keys (tenant_id, principal, key, payload_hash, status, body, created_at) \
                          VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_id, principal, key) DO UPDATE SET \
                          payload_hash = excluded.payload_hash, status = excluded.status, body = excluded.body, \
                          created_at = excluded.created_at";
    let parameters: Vec<Value> = vec![
        (&key.tenant).into(),
        (&key.principal).into(),
        (&key.key).into(),
        (&key.payload_hash).into(),
        answer.map(|answer| answer.status).into(),
        answer.map(|answer| answer.body.as_str()).into(),
        now.into(),
    ];
    transaction.execute(UPSERT, parameters).await?;
    // One request in sixteen, by chance of its hash: it takes more than thirty times what came since the last one.
    if key.payload_hash.starts_with('0') { purge(transaction, now).await } else { Ok(()) }
}
