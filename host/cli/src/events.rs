//! `kobliat events …`: subscriptions and dead letters of a running host.

use crate::admin::{Host, field, print_table, text};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

#[derive(Subcommand)]
pub enum Events {
    /// Show who subscribes to what, and how much waits for them
    Subscriptions(Subscriptions),
    /// List the events that were given up, the newest first
    DeadLetters(DeadLetters),
    /// Show one dead letter: its event, attempts, last status and reason
    Show(One),
    /// Deliver dead letters again, in their old order
    Redrive(Choice),
    /// Give dead letters up for good
    Discard(Choice),
}

#[derive(Args)]
pub struct Subscriptions {
    #[command(flatten)]
    host: Host,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct DeadLetters {
    #[command(flatten)]
    host: Host,
    /// Only those of this tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Only those of this component
    #[arg(long, value_name = "COMPONENT")]
    subscription: Option<String>,
    /// How many, from 1 to 100
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: usize,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct One {
    /// The dead letter's id
    id: String,
    #[command(flatten)]
    host: Host,
}

/// One, or all of a subscription.
#[derive(Args)]
pub struct Choice {
    /// The dead letter's id
    #[arg(required_unless_present = "subscription", conflicts_with = "subscription")]
    id: Option<String>,
    /// All dead letters of this component instead
    #[arg(long, value_name = "COMPONENT")]
    subscription: Option<String>,
    #[command(flatten)]
    host: Host,
}

impl Events {
    pub async fn run(&self) -> Result<()> {
        match self {
            Self::Subscriptions(asked) => asked.run().await,
            Self::DeadLetters(asked) => asked.run().await,
            Self::Show(one) => {
                let letter = one.host.client()?.get(&format!("/events/dead-letters/{}", segment(&one.id)?)).await?;
                say!("{}", serde_json::to_string_pretty(&letter)?);
                Ok(())
            }
            Self::Redrive(some) => some.redrive().await,
            Self::Discard(some) => some.discard().await,
        }
    }
}

impl Subscriptions {
    async fn run(&self) -> Result<()> {
        let answer = self.host.client()?.get("/events/subscriptions").await?;
        if self.json {
            say!("{}", serde_json::to_string_pretty(&answer)?);
            return Ok(());
        }
        let head = ["SUBSCRIPTION", "STATE", "WAITING", "IN FLIGHT", "DELIVERED", "RETRIED", "DEAD", "TYPES"];
        let columns = ["subscription", "state", "waiting", "in_flight", "delivered", "retried", "dead"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for one in list(&answer, "subscriptions")? {
            let mut row: Vec<String> = columns.iter().map(|column| text(field(one, column))).collect();
            let patterns = field(one, "patterns").as_array().into_iter().flatten();
            row.push(patterns.map(|pattern| text(field(pattern, "type"))).collect::<Vec<_>>().join(" "));
            rows.push(row);
        }
        print_table(&rows);
        Ok(())
    }
}

impl DeadLetters {
    async fn run(&self) -> Result<()> {
        let mut path = format!("/events/dead-letters?limit={}", self.limit);
        let filters = [("tenant", &self.tenant), ("subscription", &self.subscription), ("cursor", &self.cursor)];
        for (name, value) in filters {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", segment(value)?));
            }
        }
        let answer = self.host.client()?.get(&path).await?;
        if self.json {
            say!("{}", serde_json::to_string_pretty(&answer)?);
            return Ok(());
        }
        let columns = ["id", "subscription", "event_type", "tenant", "attempts", "last_status", "died_at", "reason"];
        let head = ["ID", "SUBSCRIPTION", "TYPE", "TENANT", "ATTEMPTS", "STATUS", "SINCE", "REASON"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for one in list(&answer, "data")? {
            rows.push(columns.iter().map(|column| text(field(one, column))).collect());
        }
        print_table(&rows);
        if let Some(cursor) = field(field(&answer, "meta"), "next_cursor").as_str() {
            say!("more: --cursor {cursor}");
        }
        Ok(())
    }
}

impl Choice {
    async fn redrive(&self) -> Result<()> {
        let client = self.host.client()?;
        let answer = match self.chosen()? {
            Chosen::One(id) => client.post(&format!("/events/dead-letters/{id}/redrive"), "").await?,
            Chosen::All(body) => client.post("/events/dead-letters/redrive", body).await?,
        };
        let (count, name) = (text(field(&answer, "redriven")), text(field(&answer, "subscription")));
        say!("{count} of component `{name}` are delivered again");
        Ok(())
    }

    async fn discard(&self) -> Result<()> {
        let client = self.host.client()?;
        match self.chosen()? {
            Chosen::One(id) => {
                client.request(http::Method::DELETE, &format!("/events/dead-letters/{id}"), Default::default()).await?;
                say!("discarded");
            }
            Chosen::All(body) => {
                let answer = client.post("/events/dead-letters/discard", body).await?;
                say!("{} discarded", text(field(&answer, "discarded")));
            }
        }
        Ok(())
    }

    fn chosen(&self) -> Result<Chosen> {
        match (&self.id, &self.subscription) {
            (_, Some(name)) => Ok(Chosen::All(json!({ "subscription": name }).to_string())),
            (Some(id), None) => Ok(Chosen::One(segment(id)?.to_owned())),
            (None, None) => bail!("name a dead letter, or `--subscription COMPONENT` for all of one"),
        }
    }
}

/// What `redrive` and `discard` are about.
enum Chosen {
    One(String),
    /// The body that says which.
    All(String),
}

/// Ids, tenants and components have nothing that would need encoding; what has is a mistake.
fn segment(text: &str) -> Result<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:@".contains(&b);
    if text.is_empty() || !text.bytes().all(plain) {
        bail!("`{text}` is no id that a host gives");
    }
    Ok(text)
}

fn list<'v>(answer: &'v Value, name: &str) -> Result<&'v Vec<Value>> {
    field(answer, name).as_array().context("the host's answer is not a list")
}
