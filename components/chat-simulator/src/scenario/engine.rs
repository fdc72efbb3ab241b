//! The deterministic engine: what a persona says next, from the scenario, the seed, and what the agent wrote.

use std::time::Duration;

use super::{Scenario, Turn};
use crate::{content::Content, dice::Dice};

/// What the throws of a conversation are for: lines count up from 0, these count down from the end.
const WORDS: u64 = u64::MAX;
const NAME: u64 = u64::MAX - 1;

/// How far a conversation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Turns of the script that are behind it.
    pub position: usize,
    /// Everything that was thrown for, so that no two throws are the same.
    pub throws: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Says {
        content: Content,
        typing: Duration,
    },
    /// Says nothing for so long.
    Waits(Duration),
    /// Has said goodbye.
    Over,
}

/// The persona's name.
pub fn name(scenario: &Scenario, seed: u64) -> String {
    Dice::new(seed, NAME).pick(&scenario.names).cloned().unwrap_or_default()
}

/// What comes next, and the progress after it. `heard` is what the agent wrote since.
pub fn next(scenario: &Scenario, seed: u64, at: Progress, heard: Option<&str>) -> (Next, Progress) {
    let mut dice = Dice::new(seed, at.throws);
    let after = |position| Progress { position, throws: at.throws.saturating_add(1) };
    let turn = scenario.turns.get(at.position);
    let is_silent = turn.is_some_and(|turn| turn.silence_ms.is_some());
    if let (false, Some((say, typing))) = (is_silent, heard.and_then(|heard| answer(scenario, heard))) {
        let content = Content::Text(line(scenario, seed, &mut dice, say));
        return (Next::Says { content, typing: range(&mut dice, typing) }, after(at.position));
    }
    let next = match turn {
        Some(turn) => play(scenario, seed, &mut dice, turn),
        None if at.position == scenario.turns.len() => {
            let content = Content::Text(line(scenario, seed, &mut dice, &scenario.closing));
            Next::Says { content, typing: range(&mut dice, [500, 2000]) }
        }
        None => return (Next::Over, at),
    };
    (next, after(at.position.saturating_add(1)))
}

/// The instructions with this conversation's words, for a language model.
pub fn instructions(scenario: &Scenario, seed: u64) -> String {
    fill(scenario, seed, &scenario.instructions)
}

fn answer<'s>(scenario: &'s Scenario, heard: &str) -> Option<(&'s [String], [u64; 2])> {
    let heard = heard.to_lowercase();
    let reply = scenario.replies.iter().find(|reply| reply.when.iter().any(|word| heard.contains(word)))?;
    Some((&reply.say, reply.typing_ms))
}

fn play(scenario: &Scenario, seed: u64, dice: &mut Dice, turn: &Turn) -> Next {
    if let Some(silence) = turn.silence_ms {
        return Next::Waits(range(dice, silence));
    }
    let words = (!turn.say.is_empty()).then(|| line(scenario, seed, dice, &turn.say));
    let content = match (turn.image, turn.voice) {
        (Some(asset), _) => Content::Image { asset, caption: words },
        (None, Some(asset)) => Content::Voice { asset },
        (None, None) => Content::Text(words.unwrap_or_default()),
    };
    Next::Says { content, typing: range(dice, turn.typing_ms) }
}

fn line(scenario: &Scenario, seed: u64, dice: &mut Dice, say: &[String]) -> String {
    fill(scenario, seed, dice.pick(say).map(String::as_str).unwrap_or_default())
}

/// A word is the same all through a conversation.
fn fill(scenario: &Scenario, seed: u64, text: &str) -> String {
    let mut dice = Dice::new(seed, WORDS);
    scenario.words.iter().fold(text.to_owned(), |text, (word, choices)| {
        let choice = dice.pick(choices).map(String::as_str).unwrap_or_default();
        text.replace(&format!("{{{word}}}"), choice)
    })
}

fn range(dice: &mut Dice, [from, to]: [u64; 2]) -> Duration {
    Duration::from_millis(dice.between(from, to))
}

#[cfg(test)]
mod tests {
    use super::super::{all, find};
    use super::*;

    /// The whole of a conversation in which the agent says this each time.
    fn conversation(name: &str, seed: u64, heard: Option<&str>) -> Vec<Next> {
        let (scenario, mut at, mut said) = (find(name).unwrap(), Progress::default(), Vec::new());
        for _ in 0..50 {
            let (next, after) = next(scenario, seed, at, heard);
            if next == Next::Over {
                return said;
            }
            (at, said) = (after, [said, vec![next]].concat());
        }
        said
    }

    #[test]
    fn the_same_seed_gives_the_same_conversation() {
        for scenario in all() {
            let one = conversation(&scenario.name, 7, None);
            assert_eq!(one, conversation(&scenario.name, 7, None), "{}", scenario.name);
            assert_eq!(one.len(), scenario.turns.len() + 1, "{} ends with a goodbye", scenario.name);
            assert_ne!(one, conversation(&scenario.name, 8, None), "{}", scenario.name);
        }
    }

    #[test]
    fn no_placeholder_stays() {
        for scenario in all() {
            for seed in 0..20 {
                for next in conversation(&scenario.name, seed, None) {
                    let Next::Says { content, .. } = next else { continue };
                    assert!(!content.shown().contains('{'), "{}: {content:?}", scenario.name);
                }
                assert!(!instructions(scenario, seed).contains('{'));
            }
        }
    }

    #[test]
    fn answers_what_the_agent_wrote() {
        let scenario = find("angry_customer").unwrap();
        let (said, after) = next(scenario, 7, Progress::default(), Some("We are so SORRY!"));
        let Next::Says { content, .. } = said else { panic!("{said:?}") };
        let replies: Vec<String> = scenario.replies[0].say.iter().map(|line| fill(scenario, 7, line)).collect();
        assert!(replies.iter().any(|line| content.text() == Some(line)), "{content:?}");
        assert_eq!(after.position, 0, "the script waits");
        let (other, after) = next(scenario, 7, Progress::default(), Some("One moment please."));
        assert_ne!(other, Next::Over);
        assert_eq!(after.position, 1, "nothing to answer: the script goes on");
    }

    #[test]
    fn silence_is_kept_whatever_the_agent_writes() {
        let silent = find("silent_type").unwrap();
        let at = Progress { position: 1, throws: 1 };
        let (next, _) = next(silent, 7, at, Some("un technicien ?"));
        assert!(matches!(next, Next::Waits(time) if time >= Duration::from_secs(60)), "{next:?}");
    }
}
