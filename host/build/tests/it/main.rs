//! Build commands as the manifest gives them, run for real.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use kobliat_build::{BuildCommand, Environment, Error, Options, build, guest_packages};

fn options(root: &Path, extra: &[(&str, &str)]) -> Options {
    let path = std::env::var_os("PATH").expect("a test has a PATH");
    let extra = extra.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let environment = Environment::for_guests([(OsString::from("PATH"), path)].into_iter().chain(extra));
    Options { root: root.to_owned(), environment, toolchain: None, quiet: true }
}

fn command(component: &str, workdir: &Path, lines: &[&str]) -> BuildCommand {
    let commands = lines.iter().map(|line| line.to_string()).collect();
    BuildCommand { component: component.into(), commands, workdir: workdir.to_owned() }
}

#[test]
fn commands_run_in_order_in_their_directory_without_the_host_builds_variables() {
    let app = tempfile::tempdir().unwrap();
    let ui = app.path().join("ui");
    fs::create_dir(&ui).unwrap();
    let options = options(app.path(), &[("RUSTFLAGS", "-Ctarget-cpu=native"), ("MY_SETTING", "kept")]);
    let commands = [
        command("ui", &ui, &["echo first > order", "echo second >> order"]),
        command("web", &ui, &["echo \"third $RUSTFLAGS$MY_SETTING\" >> order"]),
    ];
    build(&options, &commands, &mut |_| ()).unwrap();
    assert_eq!(fs::read_to_string(ui.join("order")).unwrap(), "first\nsecond\nthird kept\n");
}

#[test]
fn an_application_without_wasm_targets_needs_no_guest_toolchain_and_leaves_no_folder() {
    let app = tempfile::tempdir().unwrap();
    build(&options(app.path(), &[]), &[command("ui", app.path(), &["true"])], &mut |_| ()).unwrap();
    assert!(!app.path().join("target").exists());
}

#[test]
fn a_failure_names_the_component_the_command_and_stops_the_rest() {
    let app = tempfile::tempdir().unwrap();
    let commands =
        [command("ui", app.path(), &["echo broken >&2; exit 7"]), command("web", app.path(), &["touch reached"])];
    let error = build(&options(app.path(), &[]), &commands, &mut |_| ()).unwrap_err();
    assert_eq!(error.to_string(), "failed to build component `ui`: `echo broken >&2; exit 7` ended with exit code 7");
    assert!(!app.path().join("reached").exists());
}

#[test]
fn without_rust_the_error_says_what_to_install() {
    let app = tempfile::tempdir().unwrap();
    let mut options = options(app.path(), &[]);
    options.environment = Environment::for_guests([("PATH".into(), app.path().as_os_str().to_owned())]);
    let commands = [command("web", app.path(), &["cargo build --target wasm32-wasip2"])];
    let error = build(&options, &commands, &mut |_| ()).unwrap_err();
    assert!(matches!(error, Error::NoCargo), "{error}");
    assert!(error.to_string().contains("https://rustup.rs"));
}

#[test]
fn the_guests_of_a_folder_are_its_components_but_not_its_libraries() {
    let folder = tempfile::tempdir().unwrap();
    for (name, manifest) in [("web", "crate-type = [\"cdylib\", \"rlib\"]"), ("sdk", "[lib]"), ("a", "cdylib")] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("Cargo.toml"), manifest).unwrap();
    }
    assert_eq!(guest_packages(folder.path()).unwrap(), ["a", "web"]);
}
