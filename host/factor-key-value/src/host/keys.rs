//! A stream of a store's keys: reads a page when the guest asks for more than the last one had.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

use crate::bounds::Bounded;
use crate::store::{Page, StoreError};

type NextPage = Pin<Box<dyn Future<Output = Result<Page, StoreError>> + Send>>;

pub(super) struct KeyStream {
    store: Bounded,
    /// The last key given out.
    last: Option<String>,
    reading: Option<NextPage>,
    outcome: Option<oneshot::Sender<Result<(), StoreError>>>,
}

/// The stream, and how it ended. A guest that drops the stream before its end has had no error.
pub(super) fn key_stream(store: Bounded) -> (KeyStream, impl Future<Output = Result<(), StoreError>>) {
    let (sender, outcome) = oneshot::channel();
    let stream = KeyStream { store, last: None, reading: None, outcome: Some(sender) };
    (stream, async move { outcome.await.unwrap_or(Ok(())) })
}

impl KeyStream {
    fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Result<Page, StoreError>> {
        let (store, after) = (&self.store, &self.last);
        let reading = self.reading.get_or_insert_with(|| {
            let (store, after) = (store.clone(), after.clone());
            Box::pin(async move { store.keys(after).await })
        });
        let page = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        Poll::Ready(page)
    }

    fn end(&mut self, outcome: Result<(), StoreError>) -> StreamResult {
        if let Some(sender) = self.outcome.take() {
            drop(sender.send(outcome));
        }
        StreamResult::Dropped
    }
}

impl<D> StreamProducer<D> for KeyStream {
    type Item = String;
    type Buffer = VecBuffer<String>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, String, VecBuffer<String>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        // A read of nothing only asks whether there is something; keys must not get lost in it.
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let page = match this.poll_page(cx) {
            Poll::Ready(page) => page,
            Poll::Pending if finish => {
                this.reading = None;
                return Poll::Ready(Ok(StreamResult::Cancelled));
            }
            Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(Ok(match page {
            Err(error) => this.end(Err(error)),
            Ok(Page { keys, more }) => {
                this.last = keys.last().cloned().or(this.last.take());
                let is_empty = keys.is_empty();
                destination.set_buffer(keys.into());
                if more && !is_empty { StreamResult::Completed } else { this.end(Ok(())) }
            }
        }))
    }
}
