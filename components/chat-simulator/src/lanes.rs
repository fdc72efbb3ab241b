//! Work side by side, so much at once and no more.

use std::cell::RefCell;

use futures::future::join_all;

/// Few enough for `join_all` to look at every one each time, as the executors of guests and tests want it.
pub const MAX_LANES: usize = 24;

/// Does the work for each item, at most `lanes` at once, and answers in the order of the items.
pub async fn side_by_side<T, R>(
    items: impl IntoIterator<Item = T>,
    lanes: usize,
    work: impl AsyncFn(T) -> R,
) -> Vec<R> {
    let queue = RefCell::new(items.into_iter().enumerate());
    let done = RefCell::new(Vec::new());
    let lane = async || {
        loop {
            let next = queue.borrow_mut().next();
            let Some((number, item)) = next else { return };
            let result = work(item).await;
            done.borrow_mut().push((number, result));
        }
    };
    join_all((0..lanes.clamp(1, MAX_LANES)).map(|_| lane())).await;
    let mut done = done.into_inner();
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use sdk::testing::{block_on, yield_once};

    use super::*;

    #[test]
    fn keeps_the_order_and_the_limit() {
        let (now, most) = (Cell::new(0_usize), Cell::new(0_usize));
        let work = async |item: usize| {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            for _ in 0..item % 3 {
                yield_once().await;
            }
            now.set(now.get() - 1);
            item * 2
        };
        let doubled = block_on(side_by_side(0..100, 5, work));
        assert_eq!(doubled, (0..100).map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(most.get(), 5);
    }
}
