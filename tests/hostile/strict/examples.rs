//! The strict reader against examples of each rule.

use super::{End, Rules, read, walk};

const BOTH: [Rules; 2] = [Rules::Client, Rules::Proxy];

fn flaw(text: &str, rules: Rules) -> &'static str {
    read(text.as_bytes(), rules).expect_err(text)
}

#[test]
fn requests_are_read_one_after_the_other() {
    let text = "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n\
                POST /c HTTP/1.1\r\nHost: h:80\r\nContent-Length: 3\r\n\r\nabc\
                PUT /d HTTP/1.1\r\nHost: [::1]:8\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n\
                OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n";
    for rules in BOTH {
        let walk = walk(text.as_bytes(), rules);
        assert_eq!(walk.end, End::Clean);
        let told: Vec<_> = walk.messages.iter().map(|m| (&m.method[..], &m.target[..], &m.body[..])).collect();
        let empty = &b""[..];
        assert_eq!(
            told,
            [("GET", "/a?b", empty), ("POST", "/c", b"abc"), ("PUT", "/d", b"hi0123456789"), ("OPTIONS", "*", empty)]
        );
    }
}

#[test]
fn what_is_cut_off_anywhere_is_unfinished() {
    let text = b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n";
    for rules in BOTH {
        for length in 1..text.len() {
            assert_eq!(read(&text[..length], rules), Ok(None), "{length}");
        }
        assert_eq!(read(text, rules).expect("a request").expect("all of it").1, text.len());
    }
    assert_eq!(read(b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nshort", Rules::Proxy), Ok(None));
}

#[test]
fn what_nobody_may_send_is_flawed() {
    for (text, expected) in [
        ("GET / HTTP/1.1\nHost: h\r\n\r\n", "a line that ends in LF alone"),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: y\n\r\n", "a line that ends in LF alone"),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: y\rz\r\n\r\n", "a CR alone"),
        ("GET / HTTP/1.1\r\n\rHost: h\r\n\r\n", "a CR alone"),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: \0", "a control character"),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: \x7f", "a control character"),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "a request line that is not three words"),
        ("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "a request line that is not three words"),
        ("GET /\r\nHost: h\r\n\r\n", "a request line that is not three words"),
        ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", "a request line that is not three words"),
        ("G@T / HTTP/1.1\r\nHost: h\r\n\r\n", "a method that is no token"),
        ("GET / HTTP/1.2\r\nHost: h\r\n\r\n", "a version that is not HTTP/1.1"),
        ("GET / http/1.1\r\nHost: h\r\n\r\n", "a version that is not HTTP/1.1"),
        ("GET /\t HTTP/1.1\r\nHost: h\r\n\r\n", "a character that no target has"),
        ("GET /é HTTP/1.1\r\nHost: h\r\n\r\n", "a character that no target has"),
        ("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", "a character that no target has"),
        ("GET /\"a\" HTTP/1.1\r\nHost: h\r\n\r\n", "a character that no target has"),
        ("GET /%0 HTTP/1.1\r\nHost: h\r\n\r\n", "a percent sign without two digits"),
        ("GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", "a folded line"),
        ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", "a folded line"),
        ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", "a field name that is no token"),
        ("GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", "a field name that is no token"),
        ("GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", "a field without a colon"),
        ("GET / HTTP/1.1\r\n\r\n", "no Host"),
        ("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "several Hosts"),
        ("GET / HTTP/1.1\r\nHost: h i\r\n\r\n", "a Host that is none"),
        ("GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", "a Host that is none"),
        ("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", "a Host that is none"),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", "a Content-Length that is no number"),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", "a Content-Length that is no number"),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\na", "a Content-Length that is no number"),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n",
            "a Content-Length that is no number",
        ),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "several Content-Lengths"),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "Content-Length and Transfer-Encoding together",
        ),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "a Transfer-Encoding that is no lone chunked",
        ),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "a Transfer-Encoding that is no lone chunked",
        ),
    ] {
        for rules in BOTH {
            assert_eq!(flaw(text, rules), expected, "{text:?}");
        }
    }
}

#[test]
fn what_is_no_chunk_is_flawed() {
    for (body, expected) in [
        ("g\r\n", "a chunk size that is no number"),
        ("\r\n", "a chunk size that is no number"),
        ("+2\r\nhi\r\n", "a chunk size that is no number"),
        ("2 \r\nhi\r\n", "a chunk size that is no number"),
        (" 2\r\nhi\r\n", "a chunk size that is no number"),
        ("0x2\r\nhi\r\n", "a chunk size that is no number"),
        ("11111111111111111\r\n", "a chunk size that is no number"),
        ("2\nhi\r\n", "a line that ends in LF alone"),
        ("2\r\nhi!\r\n", "a chunk that is longer than it says"),
        ("2\r\nhi\n", "a chunk that is longer than it says"),
        ("0\r\nX : y\r\n\r\n", "a field name that is no token"),
        ("0\r\nX: y\n\r\n", "a line that ends in LF alone"),
    ] {
        for rules in BOTH {
            let text = format!("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
            assert_eq!(flaw(&text, rules), expected, "{body:?}");
        }
    }
}

#[test]
fn a_client_may_do_what_a_proxy_may_not() {
    let chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (text, expected) in [
        ("GET / HTTP/1.0\r\n\r\n", "a version that is not HTTP/1.1"),
        ("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "a request line that is not three words"),
        ("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "a target that is not in origin form"),
        ("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "CONNECT"),
        (&format!("{chunked}2 ; x=\"y\"\r\nhi\r\n0\r\n\r\n"), "a chunk extension"),
        (&format!("{chunked}0\r\nHost: evil\r\n\r\n"), "a trailer that frames or routes"),
    ] {
        assert_eq!(flaw(text, Rules::Proxy), expected, "{text:?}");
        let (_, length) = read(text.as_bytes(), Rules::Client).expect(text).expect("all of it");
        assert_eq!(length, text.len(), "{text:?}");
    }
}

#[test]
fn a_target_in_absolute_form_is_its_path() {
    let target = |target: &str| {
        let text = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        read(text.as_bytes(), Rules::Client).map(|read| read.expect("all of it").0.target)
    };
    assert_eq!(target("http://h:80/a?b"), Ok("/a?b".to_owned()));
    assert_eq!(target("https://[::1]"), Ok("/".to_owned()));
    for none in ["http://u:p@h/", "http:///", "ftp://h/", "h:80", "*", "a/b", "http://h?x"] {
        assert_eq!(target(none), Err("a target of no form"), "{none}");
    }
}

#[test]
fn characters_that_browsers_send_as_they_are_are_told() {
    let raw = |target: &str| {
        let text = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        read(text.as_bytes(), Rules::Proxy).map(|read| read.expect("all of it").0.raw_target)
    };
    assert_eq!(raw("/a;b=c@d:e?f/g?h=%20!$&'()*+,"), Ok(false));
    for target in ["/[a]", "/{a}", "/a|b", "/^", "/`", "/?a=\"b\"", "/?a\\b"] {
        assert_eq!(raw(target), Ok(true), "{target}");
    }
    assert!(raw("/a\\b").is_err());
}

#[test]
fn what_follows_the_last_request_of_a_client_is_not_read() {
    for text in [
        "GET / HTTP/1.0\r\n\r\n\0",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n\0",
        "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n\0",
    ] {
        assert_eq!(walk(text.as_bytes(), Rules::Client).end, End::Clean, "{text:?}");
    }
    for text in [
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n\0",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /\0 HTTP/1.0\r\n\r\n",
    ] {
        assert_eq!(walk(text.as_bytes(), Rules::Client).end, End::Flawed("a control character"), "{text:?}");
    }
    let proxied = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n\0";
    assert_eq!(walk(proxied.as_bytes(), Rules::Proxy).end, End::Flawed("a control character"), "nothing may follow");
}
