//! A conversation of the default tenant with one customer, Ada: what most stories begin with.

use crate::app::{Answer, TestApp};

pub const UNKNOWN: &str = "019a0000-0000-7000-8000-ffffffffffff";

pub struct Chat {
    pub app: TestApp,
    pub ada: String,
    pub id: String,
    /// The conversation's.
    pub path: String,
}

impl Chat {
    pub fn new() -> Self {
        let app = TestApp::new();
        let ada = app.world.customer("Ada");
        let id = app.world.conversation(&[&ada]);
        Self { path: format!("/api/v1/conversations/{id}"), app, ada, id }
    }

    /// In which Ada has asked, and was answered.
    pub fn begun() -> Self {
        let chat = Self::new();
        chat.app.world.message(&chat.id, Some(&chat.ada), "Does it come in another color?");
        chat.app.world.message(&chat.id, None, "In blue.");
        chat
    }

    pub fn details(&self) -> Answer {
        self.app.get(&format!("{}/details", self.path))
    }

    pub fn preview(&self) -> Option<String> {
        self.app.world.find_conversation(&self.id).last_message_preview
    }
}
