//! What the Markdown files name exists: files, folders, headings, flags, variables and routes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use kobliat_architecture::markdown::{Document, Place, documents};
use kobliat_architecture::{files, root, shown, text, toml_file};

/// Endings that make a code span the name of a file.
const FILE_ENDINGS: &[&str] = &[".rs", ".toml", ".md", ".sql", ".json", ".sh", ".wit", ".yml", ".html"];

/// Files that exist while the platform runs, in an application of the reader's own, or in an example of the text.
const MADE_ELSEWHERE: &[&str] = &[
    "secrets.toml",
    "versions.json",
    "telemetry.json",
    "kobliat.toml",
    "wasm-pkg/config.toml",
    "0002_full_name.sql",
    "0003_drop_name.sql",
];

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut broken = Vec::new();
    for document in documents() {
        for link in &document.links {
            if !leads_somewhere(&document, &link.text) {
                broken.push(at(&document, link));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere: {broken:#?}");
}

fn leads_somewhere(document: &Document, link: &str) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = document.path.parent().expect("a file is in a folder");
    let target = if path.is_empty() { document.path.clone() } else { folder.join(path) };
    target.exists() && (anchor.is_empty() || Document::read(&target).anchors().iter().any(|it| it == anchor))
}

#[test]
fn files_that_are_named_exist() {
    let tree = Tree::read();
    let mut missing = Vec::new();
    for document in documents() {
        let named = document.spans.iter().filter(|span| is_a_path(&span.text) && !history(&document));
        missing.extend(named.filter(|span| !tree.has(&span.text)).map(|span| at(&document, span)));
    }
    assert!(missing.is_empty(), "these files and folders do not exist: {missing:#?}");
}

/// The changelog tells what was true once.
fn history(document: &Document) -> bool {
    document.path.ends_with("CHANGELOG.md")
}

fn is_a_path(span: &str) -> bool {
    let plain = !span.starts_with(['/', '.', '~', '-', '@'])
        && !span.contains([' ', '*', '<', '{', '…', ':', '=', '"', '(', '?', ',', '\\'])
        && !MADE_ELSEWHERE.iter().any(|made| span.ends_with(made));
    let in_a_top_folder = ["host/", "components/", "tests/", "examples/", "wit/", "fuzz/", "docs/", "deploy/"]
        .iter()
        .any(|folder| span.starts_with(folder));
    plain && (in_a_top_folder || FILE_ENDINGS.iter().any(|ending| span.ends_with(ending)))
}

/// The paths of all files and folders of the repository.
struct Tree(Vec<String>);

impl Tree {
    fn read() -> Self {
        let mut paths = Vec::new();
        walk(&root(), &mut paths);
        Self(paths)
    }

    /// A path is named from the root, or from any folder above it: `store.rs`, `src/store.rs`.
    fn has(&self, name: &str) -> bool {
        let name = name.trim_end_matches('/');
        let end = format!("/{name}");
        self.0.iter().any(|path| path == name || path.ends_with(&end) || path.ends_with(&format!("{end}.rs")))
    }
}

fn walk(folder: &Path, paths: &mut Vec<String>) {
    let entries = std::fs::read_dir(folder).expect("the folder is readable");
    for path in entries.map(|entry| entry.expect("the folder is readable").path()) {
        if path.ends_with(".git") || path.ends_with("target") || path.ends_with("node_modules") {
            continue;
        }
        paths.push(shown(&path));
        if path.is_dir() {
            walk(&path, paths);
        }
    }
}

/// Flags of cargo, curl and other programs that the documents show.
const FLAGS_OF_OTHERS: &[&str] = &[
    "--workspace",
    "--test",
    "--lib",
    "--release",
    "--bin",
    "--no-install-recommends",
    "--locked",
    "--check",
    "--all-targets",
    "--package",
    "--target",
    "--target-dir",
    "--only",
    "--rounds",
    "--swaps",
    "--unpinned",
    "--nocapture",
    "--env",
    "--runtime-config-file",
    "--all",
    "--seed",
    "--offline",
    "--help",
];

#[test]
fn flags_that_are_named_exist() {
    let command: String = sources(&["host/cli/src", "tests/benches/src"]);
    let mut unknown = Vec::new();
    for document in documents().iter().filter(|document| !history(document)) {
        for place in document.spans.iter().chain(&document.code) {
            let flags =
                place.text.split([' ', '=', ',', '[', ']', '|', '"', '(', ')', '`']).filter(|word| is_a_flag(word));
            let unknown_here = flags.filter(|flag| !FLAGS_OF_OTHERS.contains(flag) && !is_taken(&command, flag));
            unknown.extend(unknown_here.map(|flag| format!("{flag} in {}", at(document, place))));
        }
    }
    assert!(unknown.is_empty(), "`kobliat` does not take these flags: {unknown:#?}");
}

fn is_a_flag(word: &str) -> bool {
    word.strip_prefix("--").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// clap makes `--state-dir` of a field `state_dir`, or takes the name as it is written.
fn is_taken(command: &str, flag: &str) -> bool {
    let name = flag.trim_start_matches("--");
    command.contains(&format!("{}:", name.replace('-', "_"))) || command.contains(&format!("\"{name}\""))
}

#[test]
fn variables_that_are_named_exist() {
    let manifest = toml_file(&root().join("spin.toml"));
    let variables = manifest.get("variables").and_then(|it| it.as_table()).expect("spin.toml has variables");
    let known: HashSet<&str> = variables.keys().map(String::as_str).collect();
    let mut unknown = Vec::new();
    for document in documents() {
        for (line, row) in text(&document.path).lines().enumerate() {
            let named = in_a_table_of_variables(&document.path, line, row);
            let missing = named.into_iter().filter(|name| !known.contains(name.as_str()));
            unknown.extend(missing.map(|name| format!("{name} in {}:{}", shown(&document.path), line + 1)));
        }
    }
    assert!(unknown.is_empty(), "spin.toml has no such variables: {unknown:#?}");
}

/// The code spans in the first cell of a row, where the table's head says that they are variables.
fn in_a_table_of_variables(path: &Path, line: usize, row: &str) -> Vec<String> {
    let is_row = row.starts_with("| `");
    let content = text(path);
    let above: Vec<&str> = content.lines().take(line).collect();
    let head = above.iter().rev().take_while(|it| it.starts_with('|')).last();
    if !is_row || !head.is_some_and(|head| head.to_lowercase().starts_with("| variable")) {
        return Vec::new();
    }
    let first = row.split('|').nth(1).unwrap_or_default();
    first.split('`').skip(1).step_by(2).filter(|name| !name.contains(['…', '*', ' '])).map(str::to_owned).collect()
}

/// Routes of providers' APIs and of made-up applications.
const ROUTES_OF_OTHERS: &[&str] = &["/email", "/messages/outbound", "/route/..."];

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

#[test]
fn routes_that_are_named_exist() {
    let (known, host) = (known_routes(), sources(&["host"]));
    let mut unknown = Vec::new();
    for document in documents().iter().filter(|document| !history(document)) {
        for span in &document.spans {
            let Some(route) = route_of(&span.text) else { continue };
            let is_known = known.contains(&normalised(&route)) || ROUTES_OF_OTHERS.contains(&route.as_str());
            if !is_known && !is_matched_by_segment(document, &route, &host) {
                unknown.push(at(document, span));
            }
        }
    }
    assert!(unknown.is_empty(), "no source has these routes: {unknown:#?}");
}

/// The path of a span like `GET /customers/{id}?limit=1`; none when it is cut short, or about another platform's API.
fn route_of(span: &str) -> Option<String> {
    let (methods, path) = span.split_once(' ')?;
    let is_route = methods.split(['|', ',', '/']).all(|method| METHODS.contains(&method)) && path.starts_with('/');
    let path = path.split(['?', ' ', ',', '[']).next()?.to_owned();
    (is_route && !path.contains(['…', '<', '*'])).then_some(path)
}

/// The host's admin surface matches segment by segment: `["components", id, "start"]`.
fn is_matched_by_segment(document: &Document, route: &str, host: &str) -> bool {
    let mut words = route.split('/').filter(|segment| !segment.is_empty() && !segment.starts_with('{'));
    shown(&document.path).starts_with("host/") && words.all(|word| host.contains(&format!("\"{word}\"")))
}

/// Placeholders have no names, and the version of the API is left out: services name their routes without it.
fn normalised(path: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let segments = path.split('/').map(|segment| if segment.starts_with(['{', ':']) { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Texts that begin with a slash, in the sources, the API's document and spin.toml.
fn known_routes() -> HashSet<String> {
    let all = sources(&["components", "host", "tests/test-components"]);
    let pieces = all.split('"').filter(|piece| piece.starts_with('/') && !piece.contains(['\n', ' ']));
    pieces.map(|piece| normalised(piece.split('?').next().unwrap_or(piece))).collect()
}

fn sources(folders: &[&str]) -> String {
    let endings = ["rs", "json"];
    let all = folders.iter().flat_map(|folder| endings.iter().flat_map(move |it| files(&root().join(folder), it)));
    all.map(|path: PathBuf| text(&path)).collect()
}

fn at(document: &Document, place: &Place) -> String {
    format!("{}:{}: {}", shown(&document.path), place.line, place.text)
}
