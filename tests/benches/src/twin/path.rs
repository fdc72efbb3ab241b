//! The path of a message, step by step as the platform takes it, with its commits.

use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Result, params};
use serde_json::json;
use uuid::Uuid;

use super::database::Database;
use super::statements::*;
use super::webhook::Message;
use crate::arguments::Commit;
use conversation::touch::LATE;
use inbound_gateway::domain::conclusions::GATHERING;

const TENANT: &str = "default";
const CHANNEL: &str = "whatsapp";

/// The databases of the services.
pub struct Path {
    inbound: Arc<Database>,
    concluded: Arc<Mutex<Vec<[String; 3]>>>,
    customer: Database,
    conversation: Database,
    messaging: Database,
}

impl Path {
    pub fn open(dir: &FilePath, commit: Commit) -> anyhow::Result<Path> {
        let open =
            |label: &str, migrations: &[&str]| Database::open(&dir.join(format!("{label}.db")), migrations, commit);
        Ok(Path {
            inbound: Arc::new(open("inbound-gateway", &migrations!(inbound_gateway))?),
            concluded: Arc::default(),
            customer: open("customer", &migrations!(customer))?,
            conversation: open("conversation", &migrations!(conversation))?,
            messaging: open("messaging", &migrations!(messaging))?,
        })
    }

    /// Whether the message was there already.
    pub async fn receive(&self, message: Message, body: Bytes) -> anyhow::Result<bool> {
        let message = Arc::new(message);
        let delivery = self.store_delivery(message.clone(), body).await?;
        let customer = self.customer(message.clone()).await?;
        let conversation = self.conversation(&message.account, customer.clone()).await?;
        let seq = self.insert(message.clone(), conversation.clone(), customer).await?;
        if let Some(seq) = seq {
            self.touch(message.clone(), conversation, seq).await?;
        }
        self.conclude_later(delivery, &message.external_id, seq.is_none());
        Ok(seq.is_none())
    }

    async fn store_delivery(&self, message: Arc<Message>, body: Bytes) -> anyhow::Result<String> {
        let id = new_id();
        let stored = id.clone();
        let headers = json!({ "content-type": "application/json" }).to_string();
        let insert = move |db: &Connection| {
            let (now, lease) = (now(), now() + 30_000_000);
            let (versions, grants) = (json!([[message.account, 0]]), json!({ &message.account: { "tenant": TENANT } }));
            let (versions, grants) = (versions.to_string(), grants.to_string());
            let row = params![
                CHANNEL,
                message.account,
                TENANT,
                stored,
                now,
                "pending",
                lease,
                None::<&str>,
                headers,
                "",
                &body[..],
                versions,
                grants
            ];
            db.prepare_cached(INSERT_DELIVERY)?.query_row(row, |row| row.get::<_, String>(0))
        };
        self.inbound.write(insert).await?;
        Ok(id)
    }

    async fn customer(&self, message: Arc<Message>) -> anyhow::Result<String> {
        match self.customer.read(|db| known_customer(db, &message))? {
            Some(id) => Ok(id),
            None => self.customer.write(move |db| new_customer(db, &message)).await,
        }
    }

    async fn conversation(&self, account: &str, customer: String) -> anyhow::Result<String> {
        let (account, key) = (account.to_owned(), format!("{customer}@{account}"));
        match self.conversation.read(|db| known_conversation(db, &key))? {
            Some(id) => Ok(id),
            None => self.conversation.write(move |db| new_conversation(db, &account, &customer, &key)).await,
        }
    }

    /// The sequence number of the new message; `None` for one that was there. Message and event are one transaction.
    async fn insert(
        &self,
        message: Arc<Message>,
        conversation: String,
        customer: String,
    ) -> anyhow::Result<Option<i64>> {
        self.messaging.write(move |db| new_message(db, &message, &conversation, &customer)).await
    }

    async fn touch(&self, message: Arc<Message>, conversation: String, seq: i64) -> anyhow::Result<()> {
        let touch = move |db: &Connection| {
            let (at, now) = (message.sent_at, now());
            let row = params![TENANT, conversation, seq - 1, seq, message.text, at, 1, now, LATE, seq];
            let advanced = db.prepare_cached(ADVANCE)?.query_row(row, |_| Ok(())).optional()?;
            if advanced.is_none() {
                // Another message of this conversation came in between.
                db.prepare_cached(FILL)?.execute(params![TENANT, conversation, at, 1, now, LATE, message.text, seq])?;
            }
            Ok(())
        };
        self.conversation.write(touch).await
    }

    /// After the answer, for all deliveries of a while in one statement, as the platform does it.
    fn conclude_later(&self, delivery: String, external_id: &str, is_duplicate: bool) {
        let outcome = if is_duplicate { "duplicate" } else { "accepted" };
        let outcome = json!([{ "at": "0/0/messages/0", "id": external_id, "outcome": outcome }]).to_string();
        let is_first = {
            let mut concluded = lock(&self.concluded);
            concluded.push([TENANT.to_owned(), delivery, outcome]);
            concluded.len() == 1
        };
        if is_first {
            let (inbound, concluded) = (self.inbound.clone(), self.concluded.clone());
            tokio::spawn(async move {
                tokio::time::sleep(GATHERING).await;
                let batch = std::mem::take(&mut *lock(&concluded));
                let conclude =
                    move |db: &Connection| db.prepare_cached(CONCLUDE_DONE)?.execute(params![json!(batch).to_string()]);
                // As on the platform: a delivery that is not concluded would be done again.
                let _ = inbound.write(conclude).await;
            });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn known_customer(db: &Connection, message: &Message) -> Result<Option<String>> {
    let identities = json!([[message.account, "phone", message.from]]).to_string();
    db.prepare_cached(BY_IDENTITIES)?.query_row(params![TENANT, identities], |row| row.get(1)).optional()
}

fn new_customer(db: &Connection, message: &Message) -> Result<String> {
    if let Some(id) = known_customer(db, message)? {
        return Ok(id);
    }
    let (id, now) = (new_id(), now());
    let external_id = format!("{}:{}", message.account, message.from);
    let row = params![TENANT, id, CHANNEL, external_id, message.name, None::<&str>, now];
    db.prepare_cached(INSERT_CUSTOMER)?.execute(row)?;
    let row = params![TENANT, message.account, "phone", message.from, id, now];
    db.prepare_cached(INSERT_IDENTITY)?.execute(row)?;
    Ok(id)
}

fn known_conversation(db: &Connection, key: &str) -> Result<Option<String>> {
    let keys = json!([key]).to_string();
    db.prepare_cached(BY_DIRECT_KEYS)?.query_row(params![TENANT, keys], |row| row.get(1)).optional()
}

fn new_conversation(db: &Connection, account: &str, customer: &str, key: &str) -> Result<String> {
    if let Some(id) = known_conversation(db, key)? {
        return Ok(id);
    }
    let (id, now) = (new_id(), now());
    let row = params![TENANT, id, "direct", "open", CHANNEL, account, key, None::<&str>, "{}", now];
    db.prepare_cached(INSERT_CONVERSATION)?.query_row(row, |_| Ok(()))?;
    let participants = json!([[new_id(), customer, "member"]]).to_string();
    db.prepare_cached(INSERT_PARTICIPANT)?.execute(params![TENANT, id, participants, now])?;
    Ok(id)
}

/// The database allocates the number, puts it into the event, and answers nothing when the message was there.
fn new_message(db: &Connection, message: &Message, conversation: &str, customer: &str) -> Result<Option<i64>> {
    let (id, now) = (new_id(), now());
    let Message { account, external_id, sent_at, text, .. } = message;
    let kind = "com.kobliat.message.received.v1";
    let event_id = new_id();
    let event = json!({
        "specversion": "1.0", "id": event_id, "source": "/components/messaging", "type": kind, "subject": id,
        "time": now, "tenant": TENANT, "partitionkey": conversation, "datacontenttype": "application/json",
        "data": {
            "id": id, "conversation_id": conversation, "seq": 0, "sender_customer_id": customer,
            "direction": "inbound", "body": text, "content_type": "text", "channel": CHANNEL,
            "channel_account_id": account, "external_message_id": external_id, "status": "delivered",
            "sent_at": sent_at, "metadata": {}, "created_at": now, "updated_at": now,
        },
    });
    let row = params![
        TENANT,
        id,
        conversation,
        customer,
        "inbound",
        text,
        "text",
        None::<&str>,
        CHANNEL,
        account,
        external_id,
        None::<&str>,
        "delivered",
        sent_at,
        "{}",
        now,
        event_id,
        kind,
        event.to_string()
    ];
    db.prepare_cached(INSERT_MESSAGE)?.query_row(row, |row| row.get(0)).optional()
}

fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// In microseconds, as all times of the platform.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
