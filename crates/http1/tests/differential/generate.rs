//! Makes messages by their grammar, mostly good ones, with the corners of it that nobody uses.

use fastrand::Rng;

use super::mutate::one;

fn chance(rng: &mut Rng, percent: u8) -> bool {
    rng.u8(..100) < percent
}

/// A few requests on one connection; after most of them one that says where it begins.
pub(crate) fn requests(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..rng.usize(1..=3) {
        if chance(rng, 5) {
            bytes.extend_from_slice(b"\r\n");
        }
        request(rng, &mut bytes);
    }
    if chance(rng, 80) {
        bytes.extend_from_slice(b"GET /after HTTP/1.1\r\nHost: after\r\n\r\n");
    }
    bytes
}

fn request(rng: &mut Rng, into: &mut Vec<u8>) {
    const METHODS: [&str; 12] = [
        "GET",
        "GET",
        "POST",
        "POST",
        "PUT",
        "HEAD",
        "OPTIONS",
        "DELETE",
        "PATCH",
        "CONNECT",
        "get",
        "M-SEARCH!#$%&'*+.^_`|~",
    ];
    let method = one(rng, &METHODS);
    let version = if chance(rng, 85) { "HTTP/1.1" } else { "HTTP/1.0" };
    let mut host = one(rng, &["h", "example.com", "EXAMPLE.com:80", "[::1]", "[::1]:8080", "h:", "10.0.0.1:1", ""]);
    let (path, query) = (path(rng), query(rng));
    let target = match (method, rng.u8(..10)) {
        ("CONNECT", _) => {
            host = "h:443";
            host.to_owned()
        }
        ("OPTIONS", 0..3) => "*".to_owned(),
        (_, 0..2) => {
            host = if host.is_empty() { "h" } else { host };
            let scheme = one(rng, &["http://", "http://", "HTTP://", "https://"]);
            let path = if chance(rng, 20) { String::new() } else { path + &query };
            format!("{scheme}{host}{path}")
        }
        _ => path + &query,
    };
    let mut lines = fields(rng);
    if version == "HTTP/1.1" || chance(rng, 50) {
        let at = rng.usize(..=lines.len());
        lines.insert(at, field(rng, "Host", host));
    }
    let body = match (version, rng.u8(..10)) {
        (_, 0..4) => Body::None,
        ("HTTP/1.1", 4..7) => Body::Chunked,
        _ => Body::Length,
    };
    into.extend_from_slice(format!("{method} {target} {version}\r\n").as_bytes());
    finish(rng, into, lines, body);
}

/// Perhaps interim answers, an answer, and perhaps what nobody asked for.
pub(crate) fn answer(rng: &mut Rng) -> Vec<u8> {
    const STATUSES: [&str; 13] = [
        "200 OK",
        "200 OK",
        "200 Fine",
        "200 ",
        "200",
        "404 Not Found",
        "204 No Content",
        "304 Not Modified",
        "206 Partial",
        "503 \u{e9}",
        "599 x\ty",
        "101 Switching Protocols",
        "500 a: b",
    ];
    let mut bytes = Vec::new();
    while chance(rng, 15) {
        bytes.extend_from_slice(
            one(rng, &["HTTP/1.1 100 Continue", "HTTP/1.1 103 Early Hints", "HTTP/1.0 199 "]).as_bytes(),
        );
        let lines = fields(rng);
        bytes.extend_from_slice(b"\r\n");
        bytes.extend(lines.concat());
        bytes.extend_from_slice(b"\r\n");
    }
    let version = if chance(rng, 80) { "HTTP/1.1" } else { "HTTP/1.0" };
    bytes.extend_from_slice(format!("{version} {}\r\n", one(rng, &STATUSES)).as_bytes());
    let body = match (version, rng.u8(..10)) {
        (_, 0..2) => Body::UntilClose,
        (_, 2..3) => Body::None,
        ("HTTP/1.1", 3..7) => Body::Chunked,
        _ => Body::Length,
    };
    let lines = fields(rng);
    finish(rng, &mut bytes, lines, body);
    if chance(rng, 15) {
        bytes.extend_from_slice(one(rng, &["\r\n", "x", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]).as_bytes());
    }
    bytes
}

#[derive(Clone, Copy)]
enum Body {
    None,
    Length,
    Chunked,
    UntilClose,
}

/// Adds what frames the body somewhere among the lines, and after them the body.
fn finish(rng: &mut Rng, into: &mut Vec<u8>, mut lines: Vec<Vec<u8>>, body: Body) {
    let data = data(rng);
    let framing = match body {
        Body::None | Body::UntilClose => None,
        Body::Length => {
            let zeros = if chance(rng, 10) { "00" } else { "" };
            Some(field(rng, "Content-Length", &format!("{zeros}{}", data.len())))
        }
        Body::Chunked => {
            let coding = one(rng, &["chunked", "chunked", "Chunked", "CHUNKED"]);
            Some(field(rng, "Transfer-Encoding", coding))
        }
    };
    let at = rng.usize(..=lines.len());
    lines.splice(at..at, framing);
    into.extend(lines.concat());
    into.extend_from_slice(b"\r\n");
    match body {
        Body::None => {}
        Body::Length | Body::UntilClose => into.extend_from_slice(&data),
        Body::Chunked => chunks(rng, into, &data),
    }
}

/// A body in chunks.
pub(crate) fn chunks(rng: &mut Rng, into: &mut Vec<u8>, mut data: &[u8]) {
    const EXTENSIONS: [&str; 9] = ["", "", "", "", ";a", ";a=b", " ;a=\"b c\"", "\t; a = b", ";"];
    loop {
        let (chunk, rest) = data.split_at(if data.is_empty() { 0 } else { rng.usize(1..=data.len()) });
        let zeros = "0".repeat(if chance(rng, 10) { rng.usize(..20) } else { 0 });
        let size = if rng.bool() { format!("{:x}", chunk.len()) } else { format!("{:X}", chunk.len()) };
        let extension = one(rng, &EXTENSIONS);
        into.extend_from_slice(format!("{zeros}{size}{extension}\r\n").as_bytes());
        if chunk.is_empty() {
            break;
        }
        into.extend_from_slice(chunk);
        into.extend_from_slice(b"\r\n");
        data = rest;
    }
    if chance(rng, 25) {
        for _ in 0..rng.usize(1..4) {
            let name = one(rng, &["X-Sum", "x-sum", "Trailer-Two", "ETag"]);
            into.extend_from_slice(format!("{name}:").as_bytes());
            into.extend(value(rng));
            into.extend_from_slice(b"\r\n");
        }
    }
    into.extend_from_slice(b"\r\n");
}

/// Fields that frame nothing.
fn fields(rng: &mut Rng) -> Vec<Vec<u8>> {
    let count = if chance(rng, 2) { rng.usize(..140) } else { rng.usize(..6) };
    let line = |rng: &mut Rng| match rng.u8(..10) {
        0..2 => {
            let options = [
                "close",
                "keep-alive",
                "Close",
                "x, close",
                "Keep-Alive, x",
                ", ,close ,",
                "upgrade",
                "host",
                "",
                "x-one",
            ];
            let value = one(rng, &options);
            let name = one(rng, &["Connection", "connection", "CONNECTION"]);
            field(rng, name, value)
        }
        2 => {
            let (name, value) = [
                ("Expect", "100-continue"),
                ("expect", "100-Continue"),
                ("Upgrade", "websocket"),
                ("TE", "trailers"),
                ("Keep-Alive", "timeout=5"),
                ("Trailer", "X-Sum"),
                ("Proxy-Connection", "close"),
            ][rng.usize(..7)];
            field(rng, name, value)
        }
        _ => {
            let names =
                ["Accept", "X-One", "x-one", "Cookie", "!#$%&'*+-.^_`|~", "User-Agent", "Set-Cookie", "Date", "a"];
            let mut line = format!("{}:", one(rng, &names)).into_bytes();
            line.extend(value(rng));
            line.extend_from_slice(b"\r\n");
            line
        }
    };
    (0..count).map(|_| line(rng)).collect()
}

/// A line with that value, and the space around it that may be there (RFC 9112 §5).
fn field(rng: &mut Rng, name: &str, value: &str) -> Vec<u8> {
    const SPACE: [&str; 8] = [" ", " ", " ", " ", "", "\t", "  ", " \t "];
    let (before, after) = (one(rng, &SPACE), if chance(rng, 10) { one(rng, &SPACE) } else { "" });
    format!("{name}:{before}{value}{after}\r\n").into_bytes()
}

/// A value with the space around it.
fn value(rng: &mut Rng) -> Vec<u8> {
    const VALUES: [&[u8]; 10] = [
        b" x",
        b"y",
        b" a, b,,c",
        b"",
        b"  \t ",
        b" \"q\\\"\"  ",
        b" \xff\x80\xfe",
        b"\ta\tb ",
        b": :",
        b" GET / HTTP/1.1",
    ];
    VALUES[rng.usize(..VALUES.len())].to_vec()
}

fn path(rng: &mut Rng) -> String {
    const PATHS: [&str; 10] =
        ["/", "/", "/a", "/a/b.c", "//", "/%41%2f", "/a;b=c", "/:@!$&'()*+,;=-._~", "/a[0]|{}^", "/a/../b"];
    if chance(rng, 1) {
        return "/`".to_owned();
    }
    one(rng, &PATHS).to_owned()
}

fn query(rng: &mut Rng) -> String {
    one(rng, &["", "", "", "?", "?a=b", "?a?b/c", "?q=[]\\`{}|^", "?%"]).to_owned()
}

fn data(rng: &mut Rng) -> Vec<u8> {
    let length = if chance(rng, 1) { rng.usize(..20_000) } else { rng.usize(..40) };
    if chance(rng, 10) {
        return b"GET /within HTTP/1.1\r\nHost: within\r\n\r\n".to_vec();
    }
    (0..length).map(|_| rng.u8(..)).collect()
}

/// Where a message may come apart, for a reader that is fed.
pub(crate) fn cuts(rng: &mut Rng, length: usize) -> Vec<usize> {
    match rng.u8(..10) {
        0..3 => Vec::new(),
        // Byte by byte.
        3 if length < 600 => (0..length).collect(),
        _ => (0..rng.usize(1..8)).map(|_| rng.usize(..=length)).collect(),
    }
}
