//! A scenario as its file has it, and what a file must keep to.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::content::Asset;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    #[serde(skip)]
    pub name: String,
    pub description: String,
    /// BCP 47; `mul` for several.
    pub language: String,
    /// Who may write so.
    pub names: Vec<String>,
    /// For a language model.
    pub instructions: String,
    /// What is said when the script is at its end; then nothing more.
    pub closing: Vec<String>,
    /// What `{word}` stands for; one of them, for a whole conversation.
    #[serde(default)]
    pub words: BTreeMap<String, Vec<String>>,
    pub turns: Vec<Turn>,
    /// What is said to certain words of the agent, instead of the script's next turn.
    #[serde(default)]
    pub replies: Vec<Reply>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// One of these; the caption where there is an image.
    #[serde(default)]
    pub say: Vec<String>,
    pub image: Option<Asset>,
    pub voice: Option<Asset>,
    /// Nothing is said for so long, whatever the agent writes.
    pub silence_ms: Option<[u64; 2]>,
    #[serde(default)]
    pub typing_ms: [u64; 2],
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// In lower case; any of them is enough.
    pub when: Vec<String>,
    pub say: Vec<String>,
    #[serde(default)]
    pub typing_ms: [u64; 2],
}

impl Scenario {
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let scenario: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        let scenario = Self { name: name.to_owned(), ..scenario };
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), String> {
        if self.turns.is_empty() || self.closing.is_empty() || self.names.is_empty() {
            return Err("turns, closing and names are needed".to_owned());
        }
        for (number, turn) in self.turns.iter().enumerate() {
            turn.check().map_err(|reason| format!("turn {}: {reason}", number + 1))?;
        }
        let said = self.turns.iter().flat_map(|turn| &turn.say);
        let said = said.chain(self.replies.iter().flat_map(|reply| &reply.say)).chain(&self.closing);
        match said.chain([&self.instructions]).find_map(|text| self.unknown_word(text)) {
            Some(word) => Err(format!("`{{{word}}}` is not in [words]")),
            None => Ok(()),
        }
    }

    fn unknown_word(&self, text: &str) -> Option<String> {
        let words = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default());
        let mut unknown = words.filter(|word| self.words.get(*word).is_none_or(Vec::is_empty));
        unknown.next().map(str::to_owned)
    }
}

impl Turn {
    fn check(&self) -> Result<(), &'static str> {
        let is_silent = self.silence_ms.is_some();
        let speaks = !self.say.is_empty() || self.image.is_some() || self.voice.is_some();
        match (is_silent, speaks) {
            (true, true) => return Err("silence says nothing"),
            (false, false) => return Err("something is said, shown, spoken, or kept silent"),
            _ => {}
        }
        let backwards = |[from, to]: [u64; 2]| from > to;
        if backwards(self.typing_ms) || self.silence_ms.is_some_and(backwards) {
            return Err("a range begins with its lower end");
        }
        Ok(())
    }
}
