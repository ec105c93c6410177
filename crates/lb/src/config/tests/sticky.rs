//! What a cluster may say of its sessions.

use std::time::Duration;

use lb_proxy::StickyConfig;

use super::cluster::{assert_told, cluster};
use super::{complaint, good, parse, with};

fn sticky(keys: &str) -> StickyConfig {
    cluster(&format!("sticky = {keys}")).sticky.expect("it is configured")
}

#[test]
fn sessions_are_kept_as_they_are_told() {
    assert!(cluster("").sticky.is_none());
    let plain = sticky("{}");
    assert_eq!((plain.cookie.as_str(), plain.secret.is_some(), plain.max_age), ("lb-session", false, None));
    let all = sticky("{ cookie = \"Home\", secret = \"0123456789abcdef\", max-age = \"720h\" }");
    assert_eq!((all.cookie.as_str(), all.secret.is_some()), ("Home", true));
    assert_eq!(all.max_age, Some(Duration::from_hours(720)));
}

#[test]
fn a_secret_may_stand_in_a_file_beside_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = with("sticky = { secret-file = \"secret\" }");
    let parsed = || parse("lb.toml", &text, folder.path());
    assert!(parsed().expect_err("there is none").to_string().contains("cannot be read"));
    std::fs::write(folder.path().join("secret"), "0123456789abcde\n").expect("it can be written");
    assert!(parsed().expect_err("its line end does not count").to_string().contains("16 bytes at least"));
    std::fs::write(folder.path().join("secret"), "0123456789abcdef\n").expect("it can be written");
    let config = parsed().unwrap_or_else(|problems| panic!("{problems}"));
    assert!(config.clusters[0].sticky.as_ref().is_some_and(|sticky| sticky.secret.is_some()));
}

#[test]
fn sessions_that_could_not_be_kept_are_told() {
    assert_told(&[
        ("sticky = true", "sticky is not a table"),
        ("sticky = { cookie = \"a=b\" }", "not the name of a cookie"),
        ("sticky = { secret = \"short\" }", "16 bytes at least"),
        ("sticky = { secret = \"0123456789abcdef\", secret-file = \"x\" }", "there are two secrets"),
        ("sticky = { max-age = \"500ms\" }", "not a duration from 1s to 9600h"),
        ("sticky = { max-age = \"9601h\" }", "not a duration from 1s to 9600h"),
        ("sticky = { secrets = \"x\" }", "did you mean `secret`?"),
    ]);
}

#[test]
fn each_cluster_has_a_cookie_of_its_own() {
    let two = |cookie: &str| {
        let other =
            format!("[clusters.api]\nendpoints = [{{ address = \"a:1\" }}]\nsticky = {{ cookie = {cookie:?} }}");
        with(&format!("sticky = {{}}\n{other}"))
    };
    assert!(complaint(&two("lb-session")).contains("lb.toml:11:1: another cluster keeps its sessions in the cookie"));
    good(&two("lb-session-api"));
}
