//! What the model is asked: who it is, what was said so far, and what it must not say.

use serde_json::{Value, json};

use crate::{
    content::Content,
    persona::{Line, Persona, Who},
    scenario::{Scenario, engine},
};

/// An angry customer is the point of some scenarios: harassment is blocked only where it is beyond doubt.
const SAFETY: [(&str, &str); 4] = [
    ("HARM_CATEGORY_HARASSMENT", "BLOCK_ONLY_HIGH"),
    ("HARM_CATEGORY_HATE_SPEECH", "BLOCK_MEDIUM_AND_ABOVE"),
    ("HARM_CATEGORY_SEXUALLY_EXPLICIT", "BLOCK_MEDIUM_AND_ABOVE"),
    ("HARM_CATEGORY_DANGEROUS_CONTENT", "BLOCK_MEDIUM_AND_ABOVE"),
];
/// Many times a chat message, because some models think in it.
const MAX_TOKENS: u32 = 4096;

pub(super) fn body(model: &str, persona: &Persona, scenario: &Scenario, content: &Content) -> Value {
    let instructions = format!(
        "{}\nYour name is {}. Write the next message of the customer and nothing else: plain text, at most 500 characters, no quotation marks \
         around it, no name before it. {}",
        engine::instructions(scenario, persona.seed),
        persona.name,
        task(content),
    );
    let safety = SAFETY.map(|(category, threshold)| json!({ "category": category, "threshold": threshold }));
    let mut generation = json!({ "temperature": 0.9, "maxOutputTokens": MAX_TOKENS, "candidateCount": 1, "seed": persona.seed % 2_147_483_647 });
    if let (true, Some(generation)) = (may_do_without_thought(model), generation.as_object_mut()) {
        generation.insert("thinkingConfig".to_owned(), json!({ "thinkingBudget": 0 }));
    }
    json!({
        "systemInstruction": { "parts": [{ "text": instructions }] },
        "contents": history(&persona.lines),
        "safetySettings": safety,
        "generationConfig": generation,
    })
}

/// A chat message needs no thought, which takes seconds and counts as output. Other models refuse this, or know it by another name.
fn may_do_without_thought(model: &str) -> bool {
    model.starts_with("gemini-2.5-flash")
}

fn task(content: &Content) -> String {
    let likeness = content.text().unwrap_or_default();
    match content {
        Content::Image { .. } => format!("It is the caption of a picture that you send. For orientation: {likeness}"),
        _ => format!("For orientation, without repeating it: {likeness}"),
    }
}

/// The customer is the model, the agent the user. The model speaks after the user: where nobody has spoken, or the agent kept silent, it is told so.
fn history(lines: &[Line]) -> Vec<Value> {
    let mut turns: Vec<(Who, String)> = vec![(Who::Agent, "(The chat is open.)".to_owned())];
    for line in lines {
        match turns.last_mut() {
            Some((who, text)) if *who == line.who => *text = format!("{text}\n{}", line.text),
            _ => turns.push((line.who, line.text.clone())),
        }
    }
    if turns.last().is_some_and(|(who, _)| *who == Who::Customer) {
        turns.push((Who::Agent, "(No answer so far.)".to_owned()));
    }
    let role = |who| if who == Who::Customer { "model" } else { "user" };
    turns.into_iter().map(|(who, text)| json!({ "role": role(who), "parts": [{ "text": text }] })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(who: Who, text: &str) -> Line {
        Line { who, text: text.to_owned(), at: 0 }
    }

    #[test]
    fn only_models_that_know_it_are_told_not_to_think() {
        assert!(may_do_without_thought("gemini-2.5-flash") && may_do_without_thought("gemini-2.5-flash-lite"));
        assert!(!may_do_without_thought("gemini-2.5-pro") && !may_do_without_thought("gemini-3.5-flash"));
    }

    #[test]
    fn roles_alternate_and_the_user_speaks_first_and_last() {
        let lines = [
            line(Who::Customer, "hi"),
            line(Who::Customer, "hello?"),
            line(Who::Agent, "Good morning!"),
            line(Who::Agent, "How can I help?"),
            line(Who::Customer, "my order"),
        ];
        for count in 0..=lines.len() {
            let turns = history(&lines[..count]);
            let roles: Vec<&str> = turns.iter().map(|turn| turn["role"].as_str().unwrap()).collect();
            assert!(roles.windows(2).all(|pair| pair[0] != pair[1]), "{roles:?}");
            assert_eq!((roles.first(), roles.last()), (Some(&"user"), Some(&"user")));
        }
        assert_eq!(history(&lines)[1]["parts"][0]["text"], "hi\nhello?");
    }
}
