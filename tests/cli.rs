//! The command line, as people meet it.

use std::process::Output;

use crate::support::lb::lb;

fn run(arguments: &[&str], config: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("lb.toml"), config).expect("a file");
    lb().args(arguments).current_dir(folder.path()).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_and_version_say_what_there_is() {
    let help = run(&["--help"], "");
    assert!(help.status.success());
    for word in ["check", "demo", "--config", "LB_LOG", "Exit status"] {
        assert!(text(&help.stdout).contains(word), "{word}");
    }
    assert_eq!(text(&run(&["--version"], "").stdout), format!("lb {}\n", env!("CARGO_PKG_VERSION")));
    assert!(text(&run(&["demo", "--help"], "").stdout).contains("--listen"));
    assert_eq!(run(&["--no-such-flag"], "").status.code(), Some(2));
}

#[test]
fn check_praises_a_good_configuration() {
    let good = "[[listeners]]\nbind = \"127.0.0.1:0\"\n[[routes]]\npath = \"/\"\nfiles = \"embedded\"\n";
    let checked = run(&["check"], good);
    assert_eq!(text(&checked.stdout), "lb.toml is good: 1 listener, 1 route, 0 clusters, 0 endpoints\n");
    assert!(checked.status.success() && checked.stderr.is_empty());
}

#[test]
fn check_tells_all_that_is_wrong_with_place_and_hint() {
    let bad = "[[listeners]]\nbnd = \"127.0.0.1:0\"\n[[routes]]\npath = \"/\"\ncluster = \"web\"\n";
    let checked = run(&["check"], bad);
    assert_eq!(checked.status.code(), Some(1));
    assert_eq!(
        text(&checked.stderr),
        "lb.toml:1:1: a listener lacks `bind`\n  hint: for example bind = \"0.0.0.0:8080\"\n\
         lb.toml:2:1: a listener has no key `bnd`\n  hint: did you mean `bind`?\n\
         lb.toml:5:11: cluster \"web\" is not declared\n  hint: declare it: [clusters.web]\n"
    );
}

#[test]
fn a_bad_configuration_is_not_served() {
    let served = run(&[], "nonsense = true");
    assert_eq!(served.status.code(), Some(1));
    assert!(text(&served.stderr).contains("lb.toml:1:1: the file has no key `nonsense`"));
}

#[test]
fn a_missing_configuration_is_told_with_a_way_out() {
    let missing = run(&["check", "--config", "no/such.toml"], "");
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("no/such.toml: cannot be read"));
    assert!(text(&missing.stderr).contains("lb demo"));
}
