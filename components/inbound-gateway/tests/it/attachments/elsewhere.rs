//! What a file meets outside of the service: providers, `media` and `messaging`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use inbound_gateway::attachments::round::{self, Watch};
use inbound_gateway::attachments::{Answer, Medium, Outside, Refusal, Told, Wanted};
use inbound_gateway::domain::Platform;
use inbound_gateway::domain::files::{Files, Holder};
use sdk::Context;
use sdk::testing::block_on;
use serde_json::json;

use crate::support::World;

pub const META: &str = "https://graph.example";
pub const FILE: &str = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1";

const TELEGRAM: &str = "https://api.telegram.org";

type Reply = Result<(u16, String), String>;

/// Providers, `media` and `messaging`, as far as a file meets them.
pub struct Elsewhere<'w> {
    world: &'w World,
    /// By URL: what is answered from now on. A redirect names its place.
    answers: RefCell<HashMap<String, Reply>>,
    pub asked: RefCell<Vec<(String, Option<String>)>>,
    pub kept: RefCell<Vec<(String, Option<String>)>>,
    pub told: RefCell<Vec<Told>>,
    pub given_up: RefCell<Vec<String>>,
    pub media_is_down: Cell<bool>,
    pub refuses_files: RefCell<Option<Refusal>>,
    pub is_ready: Cell<bool>,
}

impl<'w> Elsewhere<'w> {
    pub fn new(world: &'w World) -> Self {
        for (name, value) in [
            ("whatsapp_api_base_url", META),
            ("whatsapp_api_version", "v23.0"),
            ("twilio_api_base_url", "https://api.twilio.com"),
            ("telegram_api_base_url", TELEGRAM),
        ] {
            world.variables.borrow_mut().insert(name.into(), value.into());
        }
        Self {
            world,
            answers: RefCell::default(),
            asked: RefCell::default(),
            kept: RefCell::default(),
            told: RefCell::default(),
            given_up: RefCell::default(),
            media_is_down: Cell::default(),
            refuses_files: RefCell::default(),
            is_ready: Cell::default(),
        }
    }

    pub fn answers(&self, url: &str, reply: Reply) {
        self.answers.borrow_mut().insert(url.to_owned(), reply);
    }

    /// Meta has the file with this id, and says its hash.
    pub fn has(&self, id: &str, sha256: &str) {
        let description = json!({ "url": FILE, "mime_type": "image/jpeg", "sha256": sha256, "id": id }).to_string();
        self.answers(&format!("{META}/v23.0/{id}"), Ok((200, description)));
        self.answers(FILE, Ok((200, "the bytes".into())));
    }

    pub fn round(&self) {
        block_on(round::run(self, &self.world.store, &Clock(self.world))).unwrap();
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.borrow().iter().map(|(url, _)| url.clone()).collect()
    }

    pub fn state(&self) -> (String, i64) {
        let row = "SELECT state, attempts FROM attachments";
        self.world.memory.sqlite().query_row(row, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }
}

struct Clock<'w>(&'w World);

impl Watch for Clock<'_> {
    fn now(&self) -> i64 {
        self.0.now()
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

impl Outside for Elsewhere<'_> {
    type File = String;

    async fn credential(&self, wanted: &Wanted, name: &str) -> Result<Option<String>, String> {
        if wanted.channel == "telegram" {
            return Ok(Some("42:the-token".to_owned()));
        }
        Ok(Some(format!("{name} of {}", wanted.channel_account_id)))
    }

    async fn carried(&self, holder: Holder, file: u32) -> Result<Option<Answer<String>>, String> {
        let Some(length) = self.world.store.file_size(&holder, file).await? else { return Ok(None) };
        let mut bytes = Vec::new();
        for number in 0.. {
            match self.world.store.file_stretch(&holder, file, number).await? {
                Some(stretch) => bytes.extend(stretch),
                None => break,
            }
        }
        let file = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some(Answer { status: 200, location: None, length: Some(length), file }))
    }

    async fn setting(&self, name: &str) -> Option<String> {
        self.world.variables.borrow().get(name).cloned()
    }

    async fn get(&self, url: &str, authorization: Option<&str>) -> Result<Answer<String>, String> {
        self.asked.borrow_mut().push((url.to_owned(), authorization.map(str::to_owned)));
        let reply = self.answers.borrow().get(url).cloned().unwrap_or(Ok((404, String::new())));
        let (status, said) = reply?;
        let location = (status == 307).then(|| said.clone());
        Ok(Answer { status, location, length: Some(said.len() as u64), file: said })
    }

    async fn read(&self, file: String, _: usize) -> Result<Vec<u8>, String> {
        Ok(file.into_bytes())
    }

    async fn expect(&self, context: Context, wanted: &Wanted) -> Result<Medium, Refusal> {
        assert_eq!((context.tenant.as_str(), context.allows("media:write")), (wanted.tenant.as_str(), true));
        if self.media_is_down.get() {
            return Err(Refusal::NotNow("unavailable".into()));
        }
        Ok(Medium { id: format!("media of {}", wanted.reference), is_ready: self.is_ready.get(), ..Medium::default() })
    }

    async fn keep(&self, _: Context, id: &str, file: Answer<String>, sha256: Option<&str>) -> Result<Medium, Refusal> {
        if let Some(refusal) = self.refuses_files.borrow().clone() {
            return Err(refusal);
        }
        self.kept.borrow_mut().push((file.file, sha256.map(str::to_owned)));
        Ok(Medium { id: id.to_owned(), is_ready: true, mime_type: Some("image/jpeg".into()), ..Medium::default() })
    }

    async fn give_up(&self, _: Context, id: &str, reason: &str) -> Result<(), Refusal> {
        self.given_up.borrow_mut().push(format!("{id}: {reason}"));
        Ok(())
    }

    async fn tell(&self, _: Context, told: Told) -> Result<(), Refusal> {
        self.told.borrow_mut().push(told);
        Ok(())
    }
}
