//! Files: from a folder and from inside the binary, and nothing beside them.

use std::path::PathBuf;

use crate::support::{Client, Lb, config, get};

fn lb_with_folder() -> (tempfile::TempDir, Lb) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret.txt"), "secret").expect("a file");
    let public = folder.path().join("public");
    std::fs::create_dir_all(public.join("sub")).expect("folders");
    std::fs::write(public.join("index.html"), "<p>hello").expect("a file");
    std::fs::write(public.join("app.js"), "0123456789").expect("a file");
    std::fs::write(public.join("sub/a b.txt"), "blank").expect("a file");
    let files = format!("path = \"/\"\nfiles = \"{}\"", public.display());
    let config = config::cluster(&["127.0.0.1:1"], "").replace("path = \"/\"\ncluster = \"web\"\ntrace = true", &files);
    let lb = Lb::with_config(&config);
    (folder, lb)
}

#[test]
fn files_of_a_folder_have_their_type_and_a_tag_that_saves_sending_them_again() {
    let (_folder, lb) = lb_with_folder();
    let mut client = Client::connect(lb.address());
    let index = client.get("/");
    assert_eq!((index.status, index.text(), index.header("content-type")), (200, "<p>hello", Some("text/html")));
    let script = client.get("/app.js");
    assert_eq!(script.header("content-type"), Some("text/javascript"));
    let tag = script.header("etag").expect("it has a tag").to_owned();
    let again = client.get_with("/app.js", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(client.get_with("/app.js", "If-None-Match: \"other\"\r\n").status, 200);
    assert_eq!(client.get("/sub/a%20b.txt").text(), "blank");
}

#[test]
fn a_part_of_a_file_can_be_asked_for() {
    let (_folder, lb) = lb_with_folder();
    let mut client = Client::connect(lb.address());
    let part = client.get_with("/app.js", "Range: bytes=2-4\r\n");
    assert_eq!((part.status, part.text(), part.header("content-range")), (206, "234", Some("bytes 2-4/10")));
    assert_eq!(client.get_with("/app.js", "Range: bytes=20-\r\n").status, 416);
}

#[test]
fn head_tells_what_get_would_and_sends_no_body() {
    let (_folder, lb) = lb_with_folder();
    let mut client = Client::connect(lb.address());
    client.send(b"HEAD /app.js HTTP/1.1\r\nHost: t\r\n\r\n");
    let head = client.answer_to("HEAD").expect("an answer");
    assert_eq!((head.status, head.header("content-length")), (200, Some("10")));
    client.send(b"POST /app.js HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.answer().expect("an answer").status, 405);
    assert_eq!(client.get("/nothing").status, 404);
}

#[test]
fn there_is_no_way_out_of_the_folder() {
    let (_folder, lb) = lb_with_folder();
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/sub/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "//secret.txt",
        "/sub/%2e%2e/%2e%2e/secret.txt",
    ] {
        let answer = get(lb.address(), path);
        assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
        assert!(!answer.text().contains("secret"), "{path}");
    }
}

#[test]
fn the_page_is_inside_the_binary() {
    let lb = Lb::demo();
    let mut client = Client::connect(lb.address());
    let page = client.get("/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    assert!(page.text().contains("Send Single Request"));
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../static");
    let mut folders = vec![PathBuf::from(shipped)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the page") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(shipped).expect("it is below").to_str().expect("a plain name");
            let expected = if name == "tailwind.css" { 404 } else { 200 };
            assert_eq!(client.get(&format!("/{name}")).status, expected, "{name}");
        }
    }
    let tag = page.header("etag").expect("it has a tag").to_owned();
    assert_eq!(client.get_with("/", &format!("If-None-Match: {tag}\r\n")).status, 304);
}
