//! Files: what the patterns name is there, read-only, and nothing else; by WASI 0.2 and 0.3.

use crate::support::host::{Host, Start, application};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_listed_is_there_and_nothing_else() {
    let host = Host::start("files").await;
    for read in ["read", "read-p3"] {
        assert_eq!(host.get(&format!("/{read}?/www/index.html")).await.expect(200), "hello\n");
        assert_eq!(host.get(&format!("/{read}?/site/css/a.css")).await.expect(200), "a {}\n");
        for missing in ["/www/secret.txt", "/site/index.html", "/spin.toml", "/../spin.toml", "/www/../../../spin.toml"]
        {
            let answer = host.get(&format!("/{read}?{missing}")).await.expect(200);
            assert!(answer.starts_with("error: "), "{read} {missing}: {answer}");
        }
    }
    assert_eq!(host.get("/list?/").await.expect(200), "site www");
    assert!(host.get("/none/read?/www/index.html").await.expect(200).starts_with("error: "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_read_only_unless_the_command_line_says_otherwise() {
    let host = Host::start("files").await;
    for write in ["write", "write-p3"] {
        let answer = host.get(&format!("/{write}?/www/new.txt")).await.expect(200);
        assert!(answer.starts_with("error: "), "{answer}");
    }
    let host = Start::behaviour("files").options(|options| options.allow_transient_write = true).start().await;
    assert_eq!(host.get("/write?/www/new.txt").await.expect(200), "written");
    assert_eq!(host.get("/write-p3?/www/new2.txt").await.expect(200), "opened");
    let host = host.restart(Start::behaviour("files")).await;
    assert_eq!(host.get("/list?/www").await.expect(200), "css index.html", "the next start has nothing of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_are_made_where_the_command_line_says() {
    let temp = tempfile::tempdir().unwrap();
    let at = temp.path().to_owned();
    let host = Start::behaviour("files").options(|options| options.temp_dir = Some(at)).start().await;
    assert_eq!(host.get("/read?/www/index.html").await.expect(200), "hello\n");
    assert!(temp.path().join("assets").is_dir());
    assert!(!host.stop().await.path().join("assets").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_mounts_show_the_folder_as_it_is_now() {
    let text = "spin_manifest_version = 2\napplication = { name = \"f\" }\n[[trigger.http]]\nroute = \"/...\"\ncomponent = \"one\"\n\
        [component.one]\nsource = \"GUESTS/visitor.wasm\"\nfiles = [{ source = \"site\", destination = \"/\" }]\n";
    let (start, folder) = application(text);
    let page = folder.path().join("site/page.html");
    std::fs::create_dir(folder.path().join("site")).unwrap();
    std::fs::write(&page, "before").unwrap();
    let host = start.options(|options| options.direct_mounts = true).start().await;
    assert_eq!(host.get("/read?/page.html").await.expect(200), "before");
    std::fs::write(&page, "after").unwrap();
    assert_eq!(host.get("/read?/page.html").await.expect(200), "after");
    assert!(host.get("/write?/page.html").await.expect(200).starts_with("error: "));
}
