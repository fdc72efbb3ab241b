//! A stream of rows that are here already: the guest gets as many as it asks for, and what is left counts as held for it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use kobliat_engine::Held;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

use crate::bindings::spin::sqlite::sqlite::RowResult;

/// Rows at a time for a reader that takes any number.
const PAGE: usize = 256;

pub(crate) struct RowStream {
    rows: vec::IntoIter<RowResult>,
    _held: Held,
}

impl RowStream {
    pub fn new(rows: Vec<RowResult>, held: Held) -> Self {
        Self { rows: rows.into_iter(), _held: held }
    }
}

impl<D> StreamProducer<D> for RowStream {
    type Item = RowResult;
    type Buffer = VecBuffer<RowResult>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, RowResult, VecBuffer<RowResult>>,
        _finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        let wanted = destination.remaining(&mut store).unwrap_or(PAGE);
        let page: Vec<RowResult> = this.rows.by_ref().take(wanted).collect();
        let is_last = this.rows.len() == 0;
        destination.set_buffer(page.into());
        // A read of nothing only asks whether there is something.
        Poll::Ready(Ok(if is_last && wanted > 0 { StreamResult::Dropped } else { StreamResult::Completed }))
    }
}
