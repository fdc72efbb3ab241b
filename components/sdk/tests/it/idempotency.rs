//! `Idempotency-Key`: the effect once, the first answer again.

use http::Method;
use sdk::{
    Outcome, Problem, Request, SystemClock,
    idempotency::{self, Answer, Done, Key, Once, Refused, answer_claimed},
    response,
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
fn who_may_only_repeat_begins_nothing() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    let repeated = |key: &str| {
        let mut request = request(Method::POST, "/things", "{}");
        request.context.tenant = "default".into();
        request.context.idempotency_key = key.into();
        request.headers.insert(idempotency::REPEATED_ONLY, "true".parse().unwrap());
        Key::of(&request).unwrap().unwrap()
    };
    let refused = Err(Error::Refused(Refused::NoRepetition));
    assert_eq!(block_on(make(&database, repeated("k"), 0)), refused);
    assert_eq!(block_on(idempotency::claim(&database, &repeated("k"), 0)).unwrap(), Err(Refused::NoRepetition));
    assert_eq!(block_on(make(&database, key("k", "{}"), 0)), Ok(Done::Now(1)));
    assert_eq!(block_on(make(&database, repeated("k"), 0)), first_answer());
    assert_eq!(Problem::from(Refused::NoRepetition).status, 404);
}

#[test]
fn a_refusal_gives_way_to_the_first_answer_but_not_for_who_has_lost_the_right() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    block_on(make(&database, key("k", "{}"), 0)).unwrap();
    let mut asked = request(Method::POST, "/things", "{}");
    asked.context.tenant = "default".into();
    let mut told = |key: &str, refusal: Problem| {
        asked.context.idempotency_key = key.into();
        let clock = sdk::testing::FixedClock::at(SECOND);
        block_on(idempotency::first_answer_or(&database, &asked, &clock, refusal)).map_err(|problem| problem.status)
    };
    assert_eq!(told("k", Problem::conflict("by now")).unwrap().body(), b"1");
    assert_eq!(told("other", Problem::conflict("by now")).unwrap_err(), 409);
    assert_eq!(told("", Problem::conflict("by now")).unwrap_err(), 409);
    assert_eq!(told("k", Problem::forbidden("by now")).unwrap_err(), 403);
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

#[test]
fn what_is_no_single_transaction_is_done_once_too_and_a_refusal_uses_no_key_up() {
    let database = Database::new(Memory::new(), MIGRATIONS);
    let mut asked = request(Method::POST, "/things", "{}");
    asked.context.tenant = "default".into();
    asked.context.idempotency_key = "k".into();
    let done = std::cell::Cell::new(0);
    let ask = |outcome: &dyn Fn() -> Outcome| {
        let work = async || {
            done.set(done.get() + 1);
            outcome()
        };
        let answer = answer_claimed(&database, &asked, &SystemClock, |_| Problem::internal(), work);
        block_on(answer).map(|answer| (answer.status().as_u16(), answer.headers().contains_key("idempotency-replayed")))
    };
    let status = |answer: Result<(u16, bool), Problem>| answer.map_err(|problem| problem.status.as_u16());
    assert_eq!(status(ask(&|| Err(Problem::not_found("thing")))), Err(404));
    assert_eq!(status(ask(&|| response::ok(&1))), Ok((200, false)));
    assert_eq!(status(ask(&|| response::ok(&2))), Ok((200, true)));
    asked_again_with_another_payload(&database, &asked);
    assert_eq!(done.get(), 2);
    let mut other = asked.clone();
    other.context.idempotency_key = "l".into();
    let failing = answer_claimed(
        &database,
        &other,
        &SystemClock,
        |_| Problem::internal(),
        async || Err(Problem::unavailable("nobody knows what was done")),
    );
    assert_eq!(block_on(failing).unwrap_err().status, 503);
    let soon = answer_claimed(&database, &other, &SystemClock, |_| Problem::internal(), async || response::ok(&3));
    assert_eq!(block_on(soon).unwrap_err().status, 409);
}

fn asked_again_with_another_payload(database: &Database<Memory>, asked: &Request) {
    let other = Request { body: b"{\"other\":1}".to_vec(), ..asked.clone() };
    let refused = answer_claimed(database, &other, &SystemClock, |_| Problem::internal(), async || response::ok(&2));
    assert_eq!(block_on(refused).unwrap_err().status, 422);
}
