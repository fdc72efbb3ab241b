//! `Idempotency-Key`: the effect once, the first answer again.

use http::Method;
use sdk::{
    Problem, Request,
    idempotency::{self, Answer, Done, Key, Once, Refused},
    sql::{Database, Execute, Migration, SqlError},
    testing::{Memory, block_on, both, request},
};

const MIGRATIONS: &[Migration] =
    &[Migration::new(1, idempotency::MIGRATION), Migration::new(2, "CREATE TABLE things (n INTEGER)")];
const SECOND: i64 = 1_000_000;

#[derive(Debug, PartialEq)]
enum Error {
    Sql(SqlError),
    Refused(Refused),
}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

fn key(key: &str, body: &str) -> Key {
    let mut request = request(Method::POST, "/things", body);
    request.context.tenant = "default".into();
    request.context.idempotency_key = key.into();
    Key::of(&request).unwrap().unwrap()
}

async fn make(database: &Database<Memory>, key: Key, now: i64) -> Result<Done<i64>, Error> {
    let answer = |n: &i64| Answer { status: 201, body: n.to_string() };
    let once = Once { key, answer: &answer };
    idempotency::once(database, Some(&once), now, async |c| {
        let sql = "INSERT INTO things SELECT count(*) + 1 FROM things RETURNING n";
        Ok(c.execute(sql, Vec::new()).await?.remove(0).take::<i64>()?)
    })
    .await
}

fn first_answer() -> Result<Done<i64>, Error> {
    Ok(Done::Before(Answer { status: 201, body: "1".into() }))
}

#[test]
fn has_the_effect_once_and_gives_the_first_answer_again() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    assert_eq!(block_on(make(&database, key("k", "{}"), 0)), Ok(Done::Now(1)));
    assert_eq!(block_on(make(&database, key("\"k\"", "{}"), 0)), first_answer());
    assert_eq!(block_on(make(&database, key("other", "{}"), 0)), Ok(Done::Now(2)));
}

#[test]
fn has_the_effect_once_though_two_ask_together() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    let (a, b) = block_on(both(make(&database, key("k", "{}"), 0), make(&database, key("k", "{}"), 0)));
    assert_eq!([a, b].iter().filter(|done| **done == Ok(Done::Now(1))).count(), 1);
    assert_eq!(database.driver().scalar("SELECT count(*) FROM things"), 1);
}

#[test]
fn refuses_the_key_for_another_payload_and_forgets_it_after_a_day() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    block_on(make(&database, key("k", "{}"), 0)).unwrap();
    let other = block_on(make(&database, key("k", "{ }"), SECOND));
    assert_eq!(other, Err(Error::Refused(Refused::OtherPayload)));
    assert_eq!(Problem::from(Refused::OtherPayload).status, 422);
    assert_eq!(block_on(make(&database, key("k", "{ }"), 86_400 * SECOND)), Ok(Done::Now(2)));
}

#[test]
fn lets_a_claim_stand_for_a_minute() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    let claim = |now| block_on(idempotency::claim(&database, &key("k", "{}"), now)).unwrap();
    assert_eq!(claim(0), Ok(None));
    assert_eq!(claim(59 * SECOND), Err(Refused::InFlight));
    assert_eq!(Problem::from(Refused::InFlight).status, 409);
    assert_eq!(claim(60 * SECOND), Ok(None));
    let answer = Answer { status: 200, body: "{}".into() };
    let finish = database.transaction(async |c| idempotency::finish(c, &key("k", "{}"), &answer, 61 * SECOND).await);
    block_on(finish).unwrap();
    assert_eq!(claim(62 * SECOND), Ok(Some(answer)));
}

#[test]
fn keeps_nothing_of_an_effect_that_failed() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    let answer = |_: &i64| Answer { status: 201, body: String::new() };
    let once = Once { key: key("k", "{}"), answer: &answer };
    let failing =
        idempotency::once(&database, Some(&once), 0, async |_| Err::<i64, _>(SqlError::Failed("no".into()).into()));
    assert!(matches!(block_on(failing), Err(Error::Sql(_))));
    assert_eq!(block_on(make(&database, key("k", "{}"), 0)), Ok(Done::Now(1)));
}

#[test]
fn refuses_keys_that_are_no_keys() {
    let with = |key: &str| {
        let mut request: Request = request(Method::POST, "/", "");
        request.context.idempotency_key = key.into();
        Key::of(&request)
    };
    assert_eq!(with("\"\"").unwrap_err().status, 422);
    assert_eq!(with(&"k".repeat(256)).unwrap_err().status, 422);
    assert_eq!(with("").unwrap(), None);
}

#[test]
fn forgets_what_nobody_may_repeat_any_more() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    let bodies: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    bodies.iter().for_each(|body| drop(block_on(make(&database, key(body, body), 0)).unwrap()));
    bodies
        .iter()
        .for_each(|body| drop(block_on(make(&database, key(body, &format!("{body} ")), 86_401 * SECOND)).unwrap()));
    bodies
        .iter()
        .for_each(|body| drop(block_on(make(&database, key(&format!("late{body}"), body), 200_000 * SECOND)).unwrap()));
    assert_eq!(database.driver().scalar("SELECT count(*) FROM idempotency_keys WHERE created_at < 100000000000"), 0);
}
