//! A store that speaks S3, on loopback: it verifies signatures, keeps objects and unfinished uploads, and can be unwell.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
};

use super::proof;

pub const BUCKET: &str = "attachments";

/// What happens to one request, instead of what should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Answer(u16, &'static str),
    /// The connection ends before an answer.
    Reset,
    /// The object's body ends in the middle.
    Half,
    /// Done, but the answer names a tag that the store does not know.
    WrongTag,
    /// 200, and an error in the document.
    LateError,
}

#[derive(Default)]
pub struct State {
    pub objects: BTreeMap<String, Vec<u8>>,
    /// Unfinished: id to key and parts.
    pub uploads: BTreeMap<String, (String, BTreeMap<u32, Vec<u8>>)>,
    /// `PUT /attachments/…?partNumber=2`, in order.
    pub log: Vec<String>,
    /// For requests whose log line has the text: how they fail, one after the other.
    faults: Vec<(&'static str, VecDeque<Fault>)>,
    pub largest_body: usize,
    begun: u32,
}

#[derive(Clone)]
pub struct Store {
    pub address: String,
    state: Arc<Mutex<State>>,
}

struct Asked {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

struct Answer(u16, Vec<(&'static str, String)>, Vec<u8>);

impl Store {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let store = Self { address, state: Arc::default() };
        let serving = store.clone();
        // For the life of the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let store = serving.clone();
                std::thread::spawn(move || store.serve(stream));
            }
        });
        store
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next requests whose method and target have this text fail so.
    pub fn fails(&self, text: &'static str, faults: &[Fault]) {
        self.state().faults.push((text, faults.iter().copied().collect()));
    }

    #[track_caller]
    pub fn holds(&self, objects: usize) {
        let state = self.state();
        let keys: Vec<_> = state.objects.keys().collect();
        assert_eq!(keys.len(), objects, "objects: {keys:?}");
        assert!(state.uploads.is_empty(), "unfinished uploads: {:?}", state.uploads.keys());
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some(asked) = read(&stream) else { return };
        let line = format!("{} {}", asked.method, asked.target);
        let fault = self.fault(&line, asked.body.len());
        let Answer(status, headers, body) = match fault {
            Some(Fault::Reset) => return,
            Some(Fault::Answer(status, code)) => error(status, code),
            _ => match proof::verify(&asked.method, &asked.target, &asked.headers, &asked.body) {
                Err(code) => error(403, code),
                Ok(()) => self.answer(&asked),
            },
        };
        let (headers, body) = match fault {
            Some(Fault::WrongTag) => (vec![("ETag", "\"0\"".to_owned())], body),
            Some(Fault::LateError) => (headers, error(200, "InternalError").2),
            _ => (headers, body),
        };
        let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        let sent = if fault == Some(Fault::Half) { &body[..body.len() / 2] } else { &body };
        let _ = stream.write_all(&[head.as_bytes(), b"\r\n", sent].concat());
    }

    fn fault(&self, line: &str, length: usize) -> Option<Fault> {
        let mut state = self.state();
        state.log.push(line.to_owned());
        state.largest_body = state.largest_body.max(length);
        let matching = state.faults.iter_mut().find(|(text, left)| line.contains(text) && !left.is_empty());
        matching.and_then(|(_, left)| left.pop_front())
    }

    fn answer(&self, asked: &Asked) -> Answer {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let query: BTreeMap<&str, String> =
            query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k, decoded(v))).collect();
        let Some(key) = path.strip_prefix(&format!("/{BUCKET}/")).map(decoded) else {
            return error(404, "NoSuchBucket");
        };
        let mut state = self.state();
        let upload = query.get("uploadId").cloned();
        match (asked.method.as_str(), upload) {
            ("GET", None) if key.is_empty() => state.list(&query["prefix"]),
            ("POST", None) if query.contains_key("uploads") => state.begin(key),
            ("PUT", Some(id)) => state.part(&id, query["partNumber"].parse().unwrap(), asked.body.clone()),
            ("POST", Some(id)) => state.complete(&id, &String::from_utf8_lossy(&asked.body)),
            ("DELETE", Some(id)) => match state.uploads.remove(&id) {
                Some(_) => Answer(204, vec![], vec![]),
                None => error(404, "NoSuchUpload"),
            },
            ("PUT", None) => {
                let tag = tag(&asked.body);
                state.objects.insert(key, asked.body.clone());
                Answer(200, vec![("ETag", tag)], vec![])
            }
            ("DELETE", None) => {
                state.objects.remove(&key);
                Answer(204, vec![], vec![])
            }
            ("GET", None) => match state.objects.get(&key) {
                Some(object) => part_of(object, asked),
                None => error(404, "NoSuchKey"),
            },
            _ => error(405, "MethodNotAllowed"),
        }
    }
}

impl State {
    fn begin(&mut self, key: String) -> Answer {
        self.begun += 1;
        // With what has to be escaped in a query and in XML.
        let id = format!("upload/{}+&=", self.begun);
        self.uploads.insert(id.clone(), (key, BTreeMap::new()));
        let id = id.replace('&', "&amp;");
        document(format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"))
    }

    fn part(&mut self, id: &str, number: u32, body: Vec<u8>) -> Answer {
        let Some((_, parts)) = self.uploads.get_mut(id) else { return error(404, "NoSuchUpload") };
        let tag = tag(&body);
        parts.insert(number, body);
        Answer(200, vec![("ETag", tag)], vec![])
    }

    /// As S3 has it: every part but the last has 5 MiB, and the tags are those that it gave.
    fn complete(&mut self, id: &str, list: &str) -> Answer {
        let Some((key, parts)) = self.uploads.get(id).cloned() else { return error(404, "NoSuchUpload") };
        let mut whole = Vec::new();
        let named: Vec<&str> = list.split("<Part>").skip(1).collect();
        for (index, named_part) in named.iter().enumerate() {
            let number = u32::try_from(index + 1).unwrap();
            let Some(part) = parts.get(&number) else { return error(400, "InvalidPart") };
            let expected =
                format!("<PartNumber>{number}</PartNumber><ETag>{}</ETag>", tag(part).replace('"', "&quot;"));
            if !named_part.starts_with(&expected) {
                return error(400, "InvalidPart");
            }
            if index + 1 < named.len() && part.len() < 5 << 20 {
                return error(400, "EntityTooSmall");
            }
            whole.extend(part);
        }
        self.uploads.remove(id);
        let tag = tag(&whole).replace('"', "&quot;");
        self.objects.insert(key, whole);
        document(format!("<CompleteMultipartUploadResult><ETag>{tag}</ETag></CompleteMultipartUploadResult>"))
    }

    fn list(&self, prefix: &str) -> Answer {
        let of_prefix = self.uploads.iter().filter(|(_, (key, _))| key.starts_with(prefix));
        let ids =
            of_prefix.map(|(id, _)| format!("<Upload><UploadId>{}</UploadId></Upload>", id.replace('&', "&amp;")));
        document(format!("<ListMultipartUploadsResult>{}</ListMultipartUploadsResult>", ids.collect::<String>()))
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, target, headers, body })
}

fn part_of(object: &[u8], asked: &Asked) -> Answer {
    let range = asked.headers.iter().find(|(name, _)| name == "range").map(|(_, value)| value.as_str());
    let Some((first, last)) = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-')) else {
        return Answer(200, vec![], object.to_vec());
    };
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    Answer(
        206,
        vec![("Content-Range", format!("bytes {first}-{last}/{}", object.len()))],
        object[first..=last].to_vec(),
    )
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", &proof::sha256_hex(bytes)[..32])
}

fn document(text: String) -> Answer {
    Answer(200, vec![("Content-Type", "application/xml".to_owned())], text.into_bytes())
}

fn error(status: u16, code: &str) -> Answer {
    Answer(status, vec![], format!("<Error><Code>{code}</Code></Error>").into_bytes())
}

pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, more)) = rest.split_first() {
        if byte == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&more[..2]).unwrap(), 16).unwrap());
            rest = &more[2..];
        } else {
            bytes.push(byte);
            rest = more;
        }
    }
    String::from_utf8(bytes).unwrap()
}
