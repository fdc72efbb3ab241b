//! Reads JSON as it arrives and cuts files out of it. It follows strings and nesting only: whether the rest is JSON is for the parser to say,
//! and a body that is none is cut somehow, without harm.

use super::base64::Decoder;
use super::{Carried, MAX_FILES, Places};

/// Deeper than any place of a file; what is nested deeper is only counted.
const MAX_DEPTH: usize = 8;
/// Longer than any name in a place.
const MAX_NAME: usize = 16;

/// Bytes of a file that was cut out.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    pub file: u32,
    pub bytes: Vec<u8>,
}

pub struct Cutter {
    places: Places,
    /// What is left of the body.
    slim: Vec<u8>,
    /// The lists and objects that are open; those beyond are counted.
    open: Vec<Open>,
    deeper: u64,
    at: At,
    /// The string that was read last, when it may be a name.
    name: Vec<u8>,
    files: u32,
}

/// A list, or an object and the name of its member.
enum Open {
    List,
    Object(Vec<u8>),
}

enum At {
    Outside,
    /// In a string that stays; `true`: its next byte is escaped.
    Text(bool),
    File(Box<Cut>),
}

/// A file on its way.
struct Cut {
    decoder: Decoder,
    size: u64,
    escape: Escape,
}

/// JSON escapes slashes and pluses in some writers.
enum Escape {
    None,
    Begun,
    /// Digits that are missing, and the code so far.
    Unicode(u8, u32),
}

impl Cutter {
    pub fn new(places: Places) -> Self {
        Self { places, slim: Vec::new(), open: Vec::new(), deeper: 0, at: At::Outside, name: Vec::new(), files: 0 }
    }

    /// How long the rest is by now.
    pub fn slim_bytes(&self) -> usize {
        self.slim.len()
    }

    /// Reads on. `cut` gets the files' bytes as they come.
    pub fn push(&mut self, mut bytes: &[u8], cut: &mut Vec<Piece>) {
        while let Some(&byte) = bytes.first() {
            let taken = match &mut self.at {
                At::Outside => {
                    self.outside(byte);
                    1
                }
                At::Text(is_escaped) => {
                    self.slim.push(byte);
                    match byte {
                        _ if *is_escaped => self.at = At::Text(false),
                        b'\\' => self.at = At::Text(true),
                        b'"' => self.at = At::Outside,
                        _ => {}
                    }
                    // A name with an escape in it is none that we look for.
                    if byte != b'"' && self.name.len() <= MAX_NAME {
                        self.name.push(byte);
                    }
                    1
                }
                At::File(_) => self.file(bytes, cut),
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// The body without its files.
    pub fn finish(self) -> Vec<u8> {
        self.slim
    }

    fn outside(&mut self, byte: u8) {
        self.slim.push(byte);
        match byte {
            b'"' if self.files < MAX_FILES && self.is_a_file_s_place() => {
                self.at = At::File(Box::new(Cut { decoder: Decoder::default(), size: 0, escape: Escape::None }));
            }
            b'"' => {
                self.name.clear();
                self.at = At::Text(false);
            }
            b':' if self.deeper == 0 => {
                if let Some(Open::Object(name)) = self.open.last_mut() {
                    *name = std::mem::take(&mut self.name);
                }
            }
            b',' if self.deeper == 0 => {
                if let Some(Open::Object(name)) = self.open.last_mut() {
                    name.clear();
                }
            }
            b'{' => self.nest(Open::Object(Vec::new())),
            b'[' => self.nest(Open::List),
            b'}' | b']' if self.deeper > 0 => self.deeper -= 1,
            b'}' | b']' => drop(self.open.pop()),
            _ => {}
        }
    }

    fn nest(&mut self, open: Open) {
        if self.deeper > 0 || self.open.len() == MAX_DEPTH {
            self.deeper += 1;
        } else {
            self.open.push(open);
        }
    }

    fn is_a_file_s_place(&self) -> bool {
        let is_here = |place: &&[&str]| {
            let fits = |(open, step): (&Open, &&str)| match open {
                Open::List => *step == "*",
                Open::Object(name) => name == step.as_bytes(),
            };
            place.len() == self.open.len() && self.open.iter().zip(place.iter()).all(fits)
        };
        self.deeper == 0 && self.places.iter().any(is_here)
    }

    /// As much as there is up to the end of the string or the next escape.
    fn file(&mut self, bytes: &[u8], cut: &mut Vec<Piece>) -> usize {
        let At::File(file) = &mut self.at else { return bytes.len() };
        let plain = match file.escape {
            Escape::None => bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(bytes.len()),
            Escape::Begun | Escape::Unicode(..) => 0,
        };
        let mut out = Vec::new();
        let (text, rest) = bytes.split_at(plain);
        file.decoder.push(text, &mut out);
        let mut taken = plain;
        let mut is_over = false;
        if let Some(&byte) = rest.first() {
            taken += 1;
            is_over = file.step(byte, &mut out);
        }
        file.size += out.len() as u64;
        let number = self.files;
        if !out.is_empty() {
            cut.push(Piece { file: number, bytes: out });
        }
        if is_over {
            self.end_file(cut);
        }
        taken
    }

    /// What was base64 is a file; what was none leaves nothing.
    fn end_file(&mut self, cut: &mut Vec<Piece>) {
        let At::File(file) = std::mem::replace(&mut self.at, At::Outside) else { return };
        let mut out = Vec::new();
        let is_whole = file.decoder.finish(&mut out);
        let size = file.size + out.len() as u64;
        if is_whole && size > 0 {
            self.slim.extend_from_slice(Carried { file: self.files, size }.mark().as_bytes());
            if !out.is_empty() {
                cut.push(Piece { file: self.files, bytes: out });
            }
        }
        self.slim.push(b'"');
        self.files += 1;
    }
}

impl Cut {
    /// A byte that is not simply a letter. Answers whether it ended the string.
    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> bool {
        let escape = std::mem::replace(&mut self.escape, Escape::None);
        match (escape, byte) {
            (Escape::None, b'"') => return true,
            (Escape::None, _) => self.escape = Escape::Begun,
            (Escape::Begun, b'u') => self.escape = Escape::Unicode(4, 0),
            (Escape::Begun, b'n' | b'r' | b't') => {}
            (Escape::Begun, other) => self.decoder.push(&[other], out),
            (Escape::Unicode(missing, code), byte) => {
                // What is no digit spoils the base64, as it spoils the JSON.
                let digit = (byte as char).to_digit(16).unwrap_or(0xffff);
                let code = code.wrapping_mul(16).wrapping_add(digit);
                match missing {
                    1 => self.decoder.push(&[u8::try_from(code).unwrap_or(b'*')], out),
                    missing => self.escape = Escape::Unicode(missing - 1, code),
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::read;
    use super::*;

    const PLACES: Places = &[&["Attachments", "*", "Content"]];

    /// What is left, and each file.
    fn cut(body: &str, step: usize) -> (String, Vec<Vec<u8>>) {
        let (mut cutter, mut pieces) = (Cutter::new(PLACES), Vec::new());
        body.as_bytes().chunks(step).for_each(|chunk| cutter.push(chunk, &mut pieces));
        let mut files: Vec<Vec<u8>> = Vec::new();
        for Piece { file, bytes } in pieces {
            files.resize(files.len().max(file as usize + 1), Vec::new());
            files[file as usize].extend(bytes);
        }
        (String::from_utf8(cutter.finish()).unwrap(), files)
    }

    #[test]
    fn files_are_cut_out_wherever_the_body_is_broken_into_pieces() {
        let body = r#" {"Subject": "a \" Content", "Content": "c3RheXM=", "Attachments" : [ {"Name":"a","Content":"aGVsbG8=","x":{"Content":"eA=="}},
            {"Content": "aGV\/bG8\u002B\r\n"}, {"Content": ""}, {"Content": "no base64!"}, {"Content": ["eA=="]}, "Content", 7 ], "More": {"Attachments": [{"Content":"eA=="}]}}"#;
        let whole: Value = serde_json::from_str(body).unwrap();
        for step in [1, 2, 3, 7, 64, 1000] {
            let (slim, files) = cut(body, step);
            let slim: Value = serde_json::from_str(&slim).unwrap_or_else(|_| panic!("{step}: {slim}"));
            let contents: Vec<&Value> = (0..4).map(|n| &slim["Attachments"][n]["Content"]).collect();
            assert_eq!(read(contents[0]), Some(Carried { file: 0, size: 5 }));
            assert_eq!(read(contents[1]), Some(Carried { file: 1, size: 6 }));
            assert_eq!((contents[2], contents[3]), (&json!(""), &json!("")), "nothing, or none");
            assert_eq!((files[0].as_slice(), files[1].as_slice()), (&b"hello"[..], &b"he\x7flo>"[..]));
            let without = |mut body: Value| {
                (0..4).for_each(|n| body["Attachments"][n]["Content"] = Value::Null);
                body
            };
            assert_eq!(without(slim), without(whole.clone()), "all else stays as it was");
        }
    }

    #[test]
    fn what_the_body_says_itself_is_never_taken_for_a_mark() {
        let (slim, _) = cut(r#"{"Attachments":[{"Content":"kobliat-file:7:1"}]}"#, 5);
        let slim: Value = serde_json::from_str(&slim).unwrap();
        assert_eq!(read(&slim["Attachments"][0]["Content"]), None);
    }

    #[test]
    fn there_are_at_most_so_many_files() {
        let body = json!({ "Attachments": vec![json!({ "Content": "eA==" }); 150] }).to_string();
        let (slim, files) = cut(&body, 100);
        assert_eq!(files.len(), MAX_FILES as usize);
        let slim: Value = serde_json::from_str(&slim).unwrap();
        assert_eq!(slim["Attachments"][149]["Content"], "eA==", "what is not cut counts as words");
    }

    #[test]
    fn hostile_bodies_do_no_harm() {
        let deep = format!("{}{}", "[".repeat(100_000), "{\"Content\":\"eA==\"}");
        let closed = format!("{}{{\"Attachments\":[{{\"Content\":\"eA==\"}}]}}", "]}".repeat(1000));
        for body in [
            deep.as_str(),
            &closed,
            "\"",
            "{\"Attachments\":[{\"Content\":\"aGVs",
            "\\",
            "{\"Attachments\":[{\"Content\":\"\\",
            "{\"Attachments\":[{\"Content\":\"\\u00zz\"}]}",
        ] {
            cut(body, 3);
        }
        let name = format!("{{\"{}\":[{{\"Content\":\"eA==\"}}]}}", "A".repeat(100_000));
        assert_eq!(cut(&name, 4096).0, name);
    }
}
