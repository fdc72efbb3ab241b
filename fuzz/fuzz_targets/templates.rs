//! Any text is a template or is explained; one without holes stands for itself.
#![no_main]

use kobliat_manifest::Template;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(template) = Template::parse(text) else { return };
    let expanded = template.expand(|name| Ok::<_, ()>(format!("<{name}>"))).expect("every variable has a value");
    if template.variables().next().is_none() {
        assert_eq!(expanded, text);
    }
});
