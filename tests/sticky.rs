//! Sessions, over a restart.

use crate::support::{Client, Endpoint, Lb, config};

#[test]
fn a_session_survives_a_restart_with_the_same_secret_and_a_drain() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef\n").expect("it can be written");
    let (one, two) = (Endpoint::saying("one"), Endpoint::saying("two"));
    let sticky = format!("sticky = {{ secret-file = {:?}, max-age = \"1h\" }}", secret.display().to_string());
    let config = config::cluster(&[one.address(), two.address()], &sticky);
    let (name, cookie) = {
        let lb = Lb::with_config(&config);
        let mut client = Client::connect(lb.address());
        let first = client.get("/");
        let set = first.header("set-cookie").expect("a stranger gets a session").to_owned();
        assert!(set.starts_with("lb-session=") && set.ends_with("; Max-Age=3600"), "{set}");
        (first.text().to_owned(), format!("Cookie: {}\r\n", set.split(';').next().expect("a value")))
    };
    let keys = if name == "one" { "name = \"e1\"" } else { "name = \"e2\"" };
    let lb = Lb::with_config(&config.replace(keys, &format!("{keys}, draining = true")));
    // Two connections may be two workers.
    for mut client in [Client::connect(lb.address()), Client::connect(lb.address())] {
        for _ in 0..5 {
            let answer = client.get_with("/", &cookie);
            assert_eq!((answer.text(), answer.header("set-cookie")), (name.as_str(), None));
            assert_ne!(client.get("/").text(), name, "strangers are not sent there");
        }
    }
    let seen = if name == "one" { one.requests() } else { two.requests() };
    assert!(seen.iter().any(|request| cookie.contains(request.headers.get("cookie").map_or("-", String::as_str))));
}
