//! Mail as a mail service posts it (Postmark's inbound webhook), with the secret as a password.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

pub const CHANNEL: &str = "email";

/// Nobody has registered it, and nobody can have mail there.
pub const ACCOUNT: &str = "shop@simulated.invalid";

/// The value of `Authorization`.
pub fn password(secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("postmark:{secret}")))
}

/// One mail. `number` is the service's own id of it; the mail's is in its head.
pub fn mail(number: &str, id: &str, from: &str, to: &str, date: &str, content: &Value) -> Value {
    let mut mail = json!({
        "FromName": "Simulated",
        "MessageStream": "inbound",
        "From": from,
        "FromFull": { "Email": from, "Name": "Simulated", "MailboxHash": "" },
        "To": to,
        "ToFull": [{ "Email": to, "Name": "", "MailboxHash": "" }],
        "OriginalRecipient": to,
        "MessageID": number,
        "Date": date,
        "Headers": [{ "Name": "Message-ID", "Value": format!("<{id}>") }],
        "Attachments": [],
    });
    if let (Some(mail), Some(content)) = (mail.as_object_mut(), content.as_object()) {
        mail.extend(content.clone());
    }
    mail
}
