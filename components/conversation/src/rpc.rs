//! The typed interface `kobliat:conversations/conversations`: the domain's functions in WIT's types.

mod convert;

use sdk::{
    App, Context,
    idempotency::{Answer, Done, Key, Once},
    ids, input,
    pagination::{self, PageRequest},
    service::Exported,
};

use crate::{
    answers,
    bindings::exports::kobliat::conversations::conversations::{self as wit, Guest},
    changes,
    domain::{self, Created, Error, NewConversation, Store, invalid},
    finding::{self, Filter},
    touch,
};

impl<E: Exported> Guest for E
where
    E::Store: Store,
{
    async fn resolve_direct_many(
        context: Context,
        items: Vec<wit::Direct>,
    ) -> Result<Vec<Result<wit::Conversation, wit::Error>>, wit::Error> {
        let (app, items) = (E::app(), items.into_iter().map(Into::into).collect());
        let answers = domain::resolve_direct_many(&app.store, &context, items, app.clock.now()).await;
        let answers = answers.map_err(|e| error(&context, e))?.into_iter();
        Ok(answers.map(|answer| answer.map(Into::into).map_err(|e| error(&context, e))).collect())
    }

    async fn route_answers(context: Context, conversation_id: String, item: wit::Direct) -> Result<(), wit::Error> {
        let id = ids::parse(&conversation_id).ok_or(wit::Error::NotFound)?;
        let (app, direct) = (E::app(), NewConversation::from(item));
        domain::check_direct(&direct).map_err(|e| error(&context, e))?;
        let routed = answers::route(&app.store, &context, &id, &direct, app.clock.now()).await;
        routed.map_err(|e| error(&context, e))
    }

    async fn create(context: Context, new: wit::NewConversation) -> Result<wit::Created, wit::Error> {
        let created = create(&E::app(), &context, new.into()).await.map_err(|e| error(&context, e))?;
        Ok(wit::Created { conversation: created.conversation.into(), is_new: created.is_new })
    }

    async fn touch_many(context: Context, items: Vec<wit::Touch>) -> Result<(), wit::Error> {
        let (app, touches) = (E::app(), items.into_iter().map(Into::into).collect());
        let touched = touch::touch_many(&app.store, &context, touches, app.clock.now()).await;
        touched.map_err(|e| error(&context, e))
    }

    async fn reword(context: Context, rewording: wit::Rewording) -> Result<(), wit::Error> {
        let app = E::app();
        let reworded = touch::reword(&app.store, &context, rewording.into(), app.clock.now()).await;
        reworded.map_err(|e| error(&context, e))
    }

    async fn get_many(context: Context, ids: Vec<String>) -> Result<Vec<wit::Conversation>, wit::Error> {
        let found = domain::get_many(&E::app().store, &context, &ids).await;
        Ok(found.map_err(|e| error(&context, e))?.into_iter().map(Into::into).collect())
    }

    async fn list_page(
        context: Context,
        filter: wit::Filter,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<wit::Page, wit::Error> {
        page(&E::app(), &context, filter.into(), cursor, limit).await.map_err(|e| error(&context, e))
    }

    async fn find_page(
        context: Context,
        query: wit::Query,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<wit::Page, wit::Error> {
        let filter = query.try_into().map_err(|e| error(&context, e))?;
        page(&E::app(), &context, filter, cursor, limit).await.map_err(|e| error(&context, e))
    }

    async fn mark_read(context: Context, reading: wit::Reading) -> Result<wit::Conversation, wit::Error> {
        let app = E::app();
        let read = changes::mark_read(&app.store, &context, &reading.into(), app.clock.now()).await;
        read.map(Into::into).map_err(|e| error(&context, e))
    }
}

async fn page<S: Store>(
    app: &App<S>,
    context: &Context,
    filter: Filter,
    cursor: Option<String>,
    limit: u32,
) -> Result<wit::Page, Error> {
    if !pagination::is_limit(limit) {
        return Err(invalid("limit", "must be 1 to 100"));
    }
    let page = finding::list(&app.store, context, &filter, &PageRequest { limit, cursor }).await?;
    Ok(wit::Page { conversations: page.items.into_iter().map(Into::into).collect(), next_cursor: page.next_cursor })
}

/// With the context's idempotency key, the id is what is remembered: a repetition gets the conversation as it is now.
async fn create<S: Store>(app: &App<S>, context: &Context, new: NewConversation) -> Result<Created, Error> {
    if !input::is_object(&new.metadata) {
        return Err(invalid("metadata", "must be a JSON object"));
    }
    let answer = |created: &Created| Answer {
        status: if created.is_new { 201 } else { 200 },
        body: created.conversation.id.clone(),
    };
    let key = Key::of_call(context, "conversations.create", format!("{new:?}").as_bytes());
    let once = key.map(|key| Once { key, answer: &answer });
    match domain::create(&app.store, context, &new, app.clock.now(), once.as_ref()).await? {
        Done::Now(created) => Ok(created),
        Done::Before(Answer { status, body }) => {
            let conversation = domain::get(&app.store, context, &body).await?;
            Ok(Created { conversation, is_new: status == 201 })
        }
    }
}

sdk::typed_error!(wit::Error);
