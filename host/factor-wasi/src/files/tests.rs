//! Which files a component gets, and where.

use super::*;
use kobliat_manifest::Manifest;
use std::fs;
use tempfile::TempDir;

/// An application's folder with some files, and a place for the copies.
struct App {
    folder: TempDir,
    assets: TempDir,
}

impl App {
    fn new() -> Self {
        let app = Self { folder: tempfile::tempdir().unwrap(), assets: tempfile::tempdir().unwrap() };
        for file in ["site/index.html", "site/css/a.css", "site/css/b.map", "site/.hidden", "one.txt", "secret.txt"] {
            let path = app.folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        app
    }

    fn component(&self, tables: &str) -> Component {
        let text = format!(
            "spin_manifest_version = 2\napplication = {{ name = \"a\" }}\n[trigger]\n[component.one]\nsource = \"one.wasm\"\n{tables}\n"
        );
        Manifest::parse(&text, self.folder.path().join("spin.toml")).unwrap().components["one"].clone()
    }

    fn prepare(&self, tables: &str, options: FilesOptions) -> Result<FileMounts, String> {
        let component = self.component(tables);
        FileMounts::prepare(&component, self.folder.path(), self.assets.path(), options)
            .map_err(|error| error.to_string())
    }

    /// The files that the guest sees, each with its content's path.
    fn seen(&self, tables: &str) -> Vec<String> {
        let mounts = self.prepare(tables, FilesOptions::default()).unwrap();
        let [Mount { host, guest }] = mounts.mounts.as_slice() else { panic!("one mount: {mounts:?}") };
        assert_eq!((guest.as_str(), mounts.writable), ("/", false));
        let pattern = format!("{}/**/*", host.display());
        let mut files: Vec<String> = glob::glob(&pattern)
            .unwrap()
            .map(Result::unwrap)
            .filter(|path| path.is_file())
            .map(|path| {
                format!("{} = {}", path.strip_prefix(host).unwrap().display(), fs::read_to_string(&path).unwrap())
            })
            .collect();
        files.sort();
        files
    }
}

#[test]
fn patterns_keep_their_paths_and_folders_stand_for_what_is_in_them() {
    let app = App::new();
    assert_eq!(app.seen("files = [\"*.txt\"]\nexclude_files = [\"secret.*\"]"), ["one.txt = one.txt"]);
    assert_eq!(app.seen("files = [\"site/*\"]"), ["site/.hidden = site/.hidden", "site/index.html = site/index.html"]);
    assert_eq!(app.seen("files = [\"site\"]\nexclude_files = [\"**/*.map\"]").len(), 3);
    assert_eq!(app.seen("files = [\"site/**/*.css\"]"), ["site/css/a.css = site/css/a.css"]);
}

#[test]
fn placements_put_folders_and_files_elsewhere() {
    let app = App::new();
    let files = "files = [{ source = \"site\", destination = \"/www\" }, { source = \"one.txt\", destination = \"/etc/motd\" }]\nexclude_files = [\"site/css/*\", \"site/.*\"]";
    assert_eq!(app.seen(files), ["etc/motd = one.txt", "www/index.html = site/index.html"]);
}

#[test]
fn a_new_start_has_nothing_of_the_one_before() {
    let app = App::new();
    app.seen("files = [\"one.txt\", \"secret.txt\"]");
    assert_eq!(app.seen("files = [\"one.txt\"]"), ["one.txt = one.txt"]);
}

#[test]
fn direct_mounts_are_the_folders_themselves_and_never_writable() {
    let app = App::new();
    let options = FilesOptions { direct: true, writable: true };
    let mounts = app.prepare("files = [\"site\", { source = \"site/css\", destination = \"css\" }]", options).unwrap();
    let mount = |host: &str, guest: &str| Mount { host: app.folder.path().join(host), guest: guest.to_owned() };
    assert_eq!(mounts, FileMounts { mounts: vec![mount("site", "/site"), mount("site/css", "/css")], writable: false });
}

#[test]
fn what_can_not_be_mounted_is_told_with_the_component() {
    let app = App::new();
    let direct = FilesOptions { direct: true, writable: false };
    for (tables, options, expected) in [
        ("files = [{ source = \"nowhere\", destination = \"/\" }]", FilesOptions::default(), "`nowhere` is missing"),
        ("files = [\"[\"]", FilesOptions::default(), "is no pattern"),
        ("files = [\"*.txt\"]", direct, "folders only"),
        ("files = [\"site\"]\nexclude_files = [\"*.map\"]", direct, "`exclude_files`"),
    ] {
        let reason = app.prepare(tables, options).unwrap_err();
        assert!(reason.contains(expected) && reason.starts_with("[component.one] `files`: "), "{reason}");
    }
}
