//! The typed interface `kobliat:messages/messages`: the domain's functions in WIT's types.

mod convert;

use sdk::{
    Context, ids,
    pagination::{self, PageRequest},
    service::Exported,
};

use crate::{
    answering,
    bindings::exports::kobliat::messages::messages::{self as wit, Guest},
    delivery,
    domain::{self, Store, invalid},
    finding, media, reading, receipts,
};

impl<E: Exported> Guest for E
where
    E::Store: Store,
{
    async fn insert_many(
        context: Context,
        messages: Vec<wit::NewMessage>,
    ) -> Result<Vec<Result<wit::Inserted, wit::Error>>, wit::Error> {
        let (app, messages) = (E::app(), messages.into_iter().map(Into::into).collect());
        let answers = domain::insert_many(&app.store, &context, messages, app.clock.now()).await;
        let answers = answers.map_err(|e| error(&context, e))?.into_iter();
        Ok(answers.map(|answer| answer.map(Into::into).map_err(|e| error(&context, e))).collect())
    }

    async fn record_receipts(
        context: Context,
        receipts: Vec<wit::Receipt>,
    ) -> Result<Vec<Result<wit::ReceiptOutcome, wit::Error>>, wit::Error> {
        let (app, receipts) = (E::app(), receipts.into_iter().map(Into::into).collect());
        let answers = receipts::record_many(&app.store, &context, receipts, app.clock.now()).await;
        let answers = answers.map_err(|e| error(&context, e))?.into_iter();
        Ok(answers.map(|answer| answer.map(Into::into).map_err(|e| error(&context, e))).collect())
    }

    async fn record_delivery(context: Context, delivery: wit::Delivery) -> Result<wit::Message, wit::Error> {
        let app = E::app();
        let message = delivery::record(&app.store, &context, delivery.into(), app.clock.now()).await;
        message.map(Into::into).map_err(|e| error(&context, e))
    }

    async fn reply_windows(context: Context, parties: Vec<wit::Party>) -> Result<Vec<wit::ReplyWindow>, wit::Error> {
        let parties: Vec<_> = parties.into_iter().map(Into::into).collect();
        let windows = answering::windows(&E::app().store, &context, &parties).await;
        Ok(windows.map_err(|e| error(&context, e))?.into_iter().map(Into::into).collect())
    }

    async fn list_recent(
        context: Context,
        conversation_id: String,
        channel_account_id: String,
        limit: u32,
    ) -> Result<Vec<wit::Recent>, wit::Error> {
        let found = answering::recent(&E::app().store, &context, &conversation_id, &channel_account_id, limit).await;
        Ok(found.map_err(|e| error(&context, e))?.into_iter().map(Into::into).collect())
    }

    async fn get_many(context: Context, ids: Vec<String>) -> Result<Vec<wit::Message>, wit::Error> {
        let found = domain::get_many(&E::app().store, &context, &ids).await;
        Ok(found.map_err(|e| error(&context, e))?.into_iter().map(Into::into).collect())
    }

    async fn list_page(
        context: Context,
        conversation_id: String,
        cursor: Option<String>,
        after: Option<u64>,
        limit: u32,
    ) -> Result<wit::Page, wit::Error> {
        if !pagination::is_limit(limit) {
            return Err(error(&context, invalid("limit", "must be 1 to 100")));
        }
        let id = ids::parse(&conversation_id).ok_or(wit::Error::NotFound)?;
        let page = domain::list(&E::app().store, &context, &id, cursor.as_deref(), after, limit).await;
        let (page, total) = page.map_err(|e| error(&context, e))?;
        let messages = page.items.into_iter().map(Into::into).collect();
        Ok(wit::Page { messages, next_cursor: page.next_cursor, total })
    }

    async fn set_media(
        context: Context,
        changes: Vec<wit::MediaChange>,
    ) -> Result<Vec<Result<wit::Message, wit::Error>>, wit::Error> {
        let (app, changes) = (E::app(), changes.into_iter().map(Into::into).collect());
        let answers = media::set_many(&app.store, &context, changes, app.clock.now()).await;
        let answers = answers.map_err(|e| error(&context, e))?.into_iter();
        Ok(answers.map(|answer| answer.map(Into::into).map_err(|e| error(&context, e))).collect())
    }

    async fn find_page(
        context: Context,
        query: wit::Query,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<wit::Found, wit::Error> {
        if !pagination::is_limit(limit) {
            return Err(error(&context, invalid("limit", "must be 1 to 100")));
        }
        let filter = query.try_into().map_err(|e| error(&context, e))?;
        let found = finding::find(&E::app().store, &context, &filter, &PageRequest { limit, cursor }).await;
        let found = found.map_err(|e| error(&context, e))?;
        let messages = found.items.into_iter().map(Into::into).collect();
        Ok(wit::Found { messages, next_cursor: found.next_cursor })
    }

    async fn find_conversations(context: Context, text: String, limit: u32) -> Result<Vec<String>, wit::Error> {
        finding::conversations(&E::app().store, &context, &text, limit).await.map_err(|e| error(&context, e))
    }

    async fn place_of(context: Context, message_id: String) -> Result<wit::Place, wit::Error> {
        let place = reading::place_of(&E::app().store, &context, &message_id).await;
        let reading::Place { conversation_id, seq, inbound } = place.map_err(|e| error(&context, e))?;
        Ok(wit::Place { conversation_id, seq, inbound })
    }
}

sdk::typed_error!(wit::Error);
