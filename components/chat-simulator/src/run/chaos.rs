//! What an unkind provider makes of an orderly stream of messages: batches, repetitions, wrong order, late arrival.

use super::plan::Post;
use crate::dice::Dice;

/// Meta batches up to a thousand; twenty show the same and fit into a run of fifty.
const MAX_BATCH: u64 = 20;
/// How far a webhook moves when it is overtaken, and how much later it is repeated.
const MAX_MOVE: u64 = 5;
const MAX_REPEAT: u64 = 40;

/// The webhooks for so many messages. Without chaos: one each, in order.
pub fn posts(messages: usize, chaos: f64, dice: &mut Dice) -> Vec<Post> {
    let mut posts = batches(messages, chaos, dice);
    for at in 0..posts.len() {
        if dice.chance(chaos / 2.0) {
            let other = at.saturating_add(size(dice.between(1, MAX_MOVE))).min(posts.len().saturating_sub(1));
            posts.swap(at, other);
        }
    }
    late(&mut posts, chaos, dice);
    repeated(posts, chaos, dice)
}

fn batches(messages: usize, chaos: f64, dice: &mut Dice) -> Vec<Post> {
    let (mut posts, mut from) = (Vec::new(), 0);
    while from < messages {
        let count = if dice.chance(chaos) { size(dice.between(2, MAX_BATCH)) } else { 1 };
        let to = from.saturating_add(count).min(messages);
        let mut batch: Vec<usize> = (from..to).collect();
        if dice.chance(chaos / 2.0) {
            dice.shuffle(&mut batch);
        }
        posts.push(Post { messages: batch, twice_at_once: false });
        from = to;
    }
    posts
}

/// Some come when everything else is over.
fn late(posts: &mut Vec<Post>, chaos: f64, dice: &mut Dice) {
    let (mut on_time, mut late) = (Vec::new(), Vec::new());
    for post in posts.drain(..) {
        if dice.chance(chaos / 10.0) { late.push(post) } else { on_time.push(post) }
    }
    dice.shuffle(&mut late);
    posts.extend(on_time.into_iter().chain(late));
}

/// A repetition comes at once, beside the first, or some webhooks later.
fn repeated(posts: Vec<Post>, chaos: f64, dice: &mut Dice) -> Vec<Post> {
    let mut placed: Vec<(usize, Post)> = Vec::with_capacity(posts.len());
    for (at, mut post) in posts.into_iter().enumerate() {
        if dice.chance(chaos) {
            if dice.chance(0.5) {
                post.twice_at_once = true;
            } else {
                placed.push((at.saturating_add(size(dice.between(1, MAX_REPEAT))), post.clone()));
            }
        }
        placed.push((at, post));
    }
    placed.sort_by_key(|(at, _)| *at);
    placed.into_iter().map(|(_, post)| post).collect()
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_chaos_everything_comes_once_and_in_order() {
        let posts = posts(50, 0.0, &mut Dice::new(7, 0));
        assert_eq!(posts, (0..50).map(|at| Post { messages: vec![at], twice_at_once: false }).collect::<Vec<_>>());
    }

    #[test]
    fn chaos_batches_repeats_and_disorders_and_loses_nothing() {
        let posts = posts(500, 0.3, &mut Dice::new(7, 0));
        let all: Vec<usize> = posts.iter().flat_map(|post| post.messages.iter().copied()).collect();
        assert!(posts.iter().any(|post| post.messages.len() > 1) && posts.iter().any(|post| post.twice_at_once));
        assert!(all.len() > 500, "some come again later");
        assert!(!all.is_sorted());
        let each: std::collections::BTreeSet<usize> = all.into_iter().collect();
        assert_eq!(each.len(), 500);
    }
}
