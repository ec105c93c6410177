//! What a configuration may say of the admin API, of traces and of what is counted.

use std::path::Path;

use super::{complaint, good, parse, with};
use crate::config::Config;

const TOKEN: &str = "0123456789abcdef";

fn admin(keys: &str) -> Config {
    good(&with(&format!("[admin]\n{keys}\n")))
}

fn knows(config: &Config, token: &str) -> bool {
    config.admin.token.as_ref().expect("there is one").is(token.as_bytes())
}

#[test]
fn without_a_word_of_it_nothing_is_allowed_and_nobody_listens() {
    let config = good(&with(""));
    assert!(config.admin.bind.is_none() && config.admin.token.is_none());
    assert!(!config.admin.open && !config.admin.faults && config.metrics);
    assert!(config.traces.sample.abs() < 1e-12 && config.traces.keep == 1000, "{:?}", config.traces);
}

#[test]
fn what_is_said_of_the_admin_api_is_heard() {
    let config = admin("changes-without-token = true\nfaults = true");
    assert_eq!(config.admin.bind.map(|bind| bind.to_string()).as_deref(), Some("127.0.0.1:9900"));
    assert!(config.admin.open && config.admin.faults && config.admin.token.is_none());
    let config = admin(&format!("bind = \"[::1]:9000\"\ntoken = \"{TOKEN}\""));
    assert_eq!(config.admin.bind.map(|bind| bind.to_string()).as_deref(), Some("[::1]:9000"));
    assert!(knows(&config, TOKEN));
    for other in ["", "0123456789abcde", "0123456789abcdefg", "0123456789abcdeF"] {
        assert!(!knows(&config, other), "{other}");
    }
    assert_eq!(format!("{:?}", config.admin.token), "Some(Secret(..))", "it is shown nowhere");
}

#[test]
fn a_token_may_stand_in_a_file_with_a_line_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = with("[admin]\ntoken-file = \"token\"\n");
    for content in [TOKEN.to_owned(), format!("{TOKEN}\n"), format!("{TOKEN}\r\n"), format!("  {TOKEN} \n\n")] {
        std::fs::write(folder.path().join("token"), &content).expect("it can be written");
        let config = parse("lb.toml", &text, folder.path()).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(knows(&config, TOKEN), "{content:?}");
    }
    // The blanks around it make it no longer.
    std::fs::write(folder.path().join("token"), "0123456789abcde\n").expect("it can be written");
    assert_eq!(
        parse("lb.toml", &text, folder.path()).expect_err("it is too short").to_string(),
        "lb.toml:11:14: a token has 16 visible ASCII characters at least\n  hint: make one with `openssl rand -hex 32`\n"
    );
}

#[test]
fn what_is_wrong_with_the_admin_api_is_told() {
    let told = |keys: &str| complaint(&with(&format!("[admin]\n{keys}\n")));
    let short = "a token has 16 visible ASCII characters at least\n  hint: make one with `openssl rand -hex 32`\n";
    assert_eq!(told("token = \"0123456789abcde\""), format!("lb.toml:11:9: {short}"));
    assert_eq!(told("token = \"0123456789 abcdef\""), format!("lb.toml:11:9: {short}"));
    assert_eq!(told("token = \"0123456789abcdé\""), format!("lb.toml:11:9: {short}"));
    assert_eq!(
        told(&format!("token = \"{TOKEN}\"\ntoken-file = \"token\"")),
        "lb.toml:12:14: there are two tokens\n  hint: keep one of `token` and `token-file`\n"
    );
    assert_eq!(
        told("token-file = \"no/such/token\""),
        "lb.toml:11:14: no/such/token cannot be read: No such file or directory (os error 2)\n  \
         hint: relative paths start at the folder of the configuration file\n"
    );
    assert_eq!(
        told("tokenfile = \"token\""),
        "lb.toml:11:1: admin has no key `tokenfile`\n  hint: did you mean `token-file`?\n"
    );
    assert_eq!(
        told("faults = \"yes\""),
        "lb.toml:11:10: this is neither true nor false\n  hint: write true or false, without quotation marks\n"
    );
}

#[test]
fn what_is_said_of_traces_is_heard() {
    let traces = |keys: &str| good(&with(&format!("[traces]\n{keys}\n"))).traces;
    for (said, sample) in [("0%", 0.0), ("0.1%", 0.001), ("12.5%", 0.125), ("100%", 1.0)] {
        assert!((traces(&format!("sample = \"{said}\"")).sample - sample).abs() < 1e-12, "{said}");
    }
    for keep in [0, 1, 100_000] {
        assert_eq!(traces(&format!("keep = {keep}")).keep, keep);
    }
    assert!(!good(&format!("metrics = false\n{}", with(""))).metrics);
}

#[test]
fn what_is_wrong_with_traces_is_told() {
    let told = |keys: &str| complaint(&with(&format!("[traces]\n{keys}\n")));
    for sample in ["\"101%\"", "\"-1%\"", "\"1e1%\"", "\"+5%\"", "\"%\"", "\"1\"", "\"NaN%\"", "\"inf%\"", "0.1", "1"] {
        assert_eq!(
            told(&format!("sample = {sample}")),
            "lb.toml:11:10: this is not a share from 0% to 100%\n  hint: write a number with a percent sign, as in \"0.1%\"\n",
            "{sample}"
        );
    }
    for keep in ["-1", "100001", "\"5\"", "1.5"] {
        assert_eq!(
            told(&format!("keep = {keep}")),
            "lb.toml:11:8: this is not a whole number from 0 to 100000\n  hint: write it in digits, without quotation marks\n",
            "{keep}"
        );
    }
    assert_eq!(told("samples = \"1%\""), "lb.toml:11:1: traces has no key `samples`\n  hint: did you mean `sample`?\n");
    let metrics = parse("lb.toml", &format!("metrics = 1\n{}", with("")), Path::new(""));
    assert!(
        metrics.expect_err("it is wrong").to_string().starts_with("lb.toml:1:11: this is neither true nor false\n")
    );
}
