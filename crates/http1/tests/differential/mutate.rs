//! Spoils messages, in the ways in which servers were misled.

use fastrand::Rng;

/// Spoils it in a few places.
pub(crate) fn spoil(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..=3) {
        match rng.u8(..13) {
            0 => insert_bytes(rng, bytes),
            1 => remove_bytes(rng, bytes),
            2 => replace_byte(rng, bytes),
            3 => duplicate_line(rng, bytes),
            4 => swap_lines(rng, bytes),
            5 | 6 => insert_line(rng, bytes),
            7 => change_line_end(rng, bytes),
            8 => change_number(rng, bytes),
            9 | 10 => spoil_size(rng, bytes),
            11 => begin_blank(rng, bytes),
            _ => replace_word(rng, bytes),
        }
    }
}

/// One of those.
pub(crate) fn one<'t>(rng: &mut Rng, of: &[&'t str]) -> &'t str {
    of[rng.usize(..of.len())]
}

const SHARP: &[u8] = b"\r\n\t :;,0\0\x0b\x0c\x7f\x80\xff\"\\#/ ?@[]xX15+-_\x01";

fn insert_bytes(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let at = rng.usize(..=bytes.len());
    bytes.insert(at, SHARP[rng.usize(..SHARP.len())]);
}

fn remove_bytes(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let at = rng.usize(..=bytes.len());
    let end = (at + rng.usize(1..4)).min(bytes.len());
    bytes.drain(at..end);
}

fn replace_byte(rng: &mut Rng, bytes: &mut [u8]) {
    if let Some(at) = (!bytes.is_empty()).then(|| rng.usize(..bytes.len())) {
        bytes[at] = if rng.bool() { SHARP[rng.usize(..SHARP.len())] } else { rng.u8(..) };
    }
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn change_lines(rng: &mut Rng, bytes: &mut Vec<u8>, change: impl FnOnce(&mut Rng, &mut Vec<Vec<u8>>)) {
    let mut lines = lines(bytes);
    if !lines.is_empty() {
        change(rng, &mut lines);
        *bytes = lines.concat();
    }
}

/// Puts before it what a parser may read over.
fn begin_blank(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let blank = one(rng, &["\n", "\r\n", "\r", "\r\r\n", "\n\r\n", " ", "\u{feff}"]);
    bytes.splice(..0, blank.repeat(rng.usize(1..20)).bytes());
}

fn duplicate_line(rng: &mut Rng, bytes: &mut Vec<u8>) {
    change_lines(rng, bytes, |rng, lines| {
        let line = lines[rng.usize(..lines.len())].clone();
        lines.insert(rng.usize(..=lines.len()), line);
    });
}

fn swap_lines(rng: &mut Rng, bytes: &mut Vec<u8>) {
    change_lines(rng, bytes, |rng, lines| {
        let (one, other) = (rng.usize(..lines.len()), rng.usize(..lines.len()));
        lines.swap(one, other);
    });
}

fn insert_line(rng: &mut Rng, bytes: &mut Vec<u8>) {
    const LINES: [&str; 40] = [
        "Content-Length: 5\r\n",
        "Content-Length: 0\r\n",
        "content-length:5,5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5 \r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 18446744073709551615\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length : 5\r\n",
        "Content_Length: 5\r\n",
        "Content-Length:\r\n",
        "Transfer-Encoding: chunked\r\n",
        "transfer-encoding:\tchunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: ,chunked,\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "Transfer-Encoding: chunked\n",
        " folded\r\n",
        "\tTransfer-Encoding: chunked\r\n",
        "Host: other\r\n",
        "Host: a b\r\n",
        "host:user@h\r\n",
        "Connection: close\r\n",
        "Connection: keep-alive\r\n",
        "Connection: Content-Length, host\r\n",
        "Connection: \u{e9}, close\r\n",
        "Expect: 100-continue\r\n",
        "Expect: 200-ok\r\n",
        ": no name\r\n",
        "no colon\r\n",
        "X: \0\r\n",
        "X: a\rb\r\n",
        "X\u{e9}: y\r\n",
        "0\r\n\r\n",
        "\r\n",
    ];
    let line = one(rng, &LINES).as_bytes().to_vec();
    change_lines(rng, bytes, |rng, lines| lines.insert(rng.usize(..=lines.len()), line));
}

fn change_line_end(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let end = one(rng, &["\n", "\r", "", "\r\r\n", "\n\r", " \r\n", "\r\n ", "\r\n\t", "\r\n\r\n", "\0\r\n"]);
    change_lines(rng, bytes, |rng, lines| {
        let at = rng.usize(..lines.len());
        let line = &mut lines[at];
        while line.ends_with(b"\n") || line.ends_with(b"\r") {
            line.pop();
        }
        line.extend_from_slice(end.as_bytes());
    });
}

fn change_number(rng: &mut Rng, bytes: &mut [u8]) {
    let digits: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at].is_ascii_hexdigit()).collect();
    if !digits.is_empty() {
        bytes[digits[rng.usize(..digits.len())]] = b"0123456789abcdefABCDEF"[rng.usize(..22)];
    }
}

/// Spoils a line that is a chunk's size, or looks like one.
fn spoil_size(rng: &mut Rng, bytes: &mut Vec<u8>) {
    const BEFORE: [&str; 12] = [" ", "\t", "+", "-", "0x", "\r\n", "\n", ";", "0", "10000000000000000", "_", "g"];
    const AFTER: [&str; 10] = [" ", "\t", "h", ";\n", ";\0", ";\u{7f}", " 1", ".0", ";\r", "\r"];
    let (before, after) = if rng.bool() { (one(rng, &BEFORE), "") } else { ("", one(rng, &AFTER)) };
    change_lines(rng, bytes, |rng, lines| {
        let sizes: Vec<usize> = (0..lines.len()).filter(|at| lines[*at][0].is_ascii_hexdigit()).collect();
        if sizes.is_empty() {
            return;
        }
        let line = &mut lines[sizes[rng.usize(..sizes.len())]];
        let end = line.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(line.len());
        line.splice(end..end, after.bytes());
        line.splice(..0, before.bytes());
    });
}

fn replace_word(rng: &mut Rng, bytes: &mut Vec<u8>) {
    const WORDS: [(&str, &[&str]); 13] = [
        (
            "HTTP/1.1",
            &["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "HTTP/01.1", "HTTP/1.10", "HTTP/11"],
        ),
        ("chunked", &["Chunked", "chunke", "chunked, chunked", "identity", "chunked ", "\x0bchunked"]),
        (
            "Content-Length",
            &["Content-length", "Content_Length", "Content-Length ", "Transfer-Encoding", "Content-Lengt"],
        ),
        ("Host", &["host", "Host ", "X-Host", "Hos\tt"]),
        (" ", &["  ", "\t", "", "\x0b", "%20", "\u{a0}"]),
        ("/", &["\\", "//", "", "*", "/#f", "/\u{e9}", "h/", "/ ", "?"]),
        (":", &[" :", "::", "", ";", ": :"]),
        ("GET", &["CONNECT", "HEAD", "", "G\0T", "GET\t", "(GET)", "OPTIONS"]),
        ("200", &["204", "304", "101", "100", "99", "2000", "2 0", "600", "+20", "999"]),
        ("http://", &["ftp://", "http:/", "http:///", "http://u@", "://"]),
        ("h", &["h:80:80", "h:999999", "[::1", "h\u{e9}", "", "h,h", "%68"]),
        (":80", &[":443", ":81", ":", ""]),
        ("close", &["keep-alive", "closed", "c lose", "close;x"]),
    ];
    let (word, others) = WORDS[rng.usize(..WORDS.len())];
    let word = word.as_bytes();
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(word)).collect();
    if !places.is_empty() {
        let at = places[rng.usize(..places.len())];
        bytes.splice(at..at + word.len(), one(rng, others).bytes());
    }
}
