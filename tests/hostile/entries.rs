//! The requests of the corpora, as bytes.

use std::path::Path;
use std::process::Command;

use super::corpora;
use crate::support::python::run;

/// One collected request, perhaps several in a row, or what only looks like one.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Where it is from, so that it can be found.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Whoever collected it says that nobody may forward it.
    pub(crate) severe: bool,
}

/// What stands in the bodies of entries that come without one: a request. If it arrives as one, somebody lost count.
pub(crate) const SMUGGLED: &[u8] = b"GET /smuggled HTTP/1.1\r\nHost: smuggled\r\n\r\n";

/// gunicorn's requests of one kind, `valid` or `invalid`. They are judged by what RFC 9112 says of them: the folders' names are
/// about one server with settings of its own for each.
pub(crate) fn gunicorn(kind: &str) -> Vec<Entry> {
    let mut entries: Vec<_> = files(&corpora::gunicorn().join(kind), "http")
        .into_iter()
        .map(|(name, text)| Entry { name, bytes: unescaped(&text), severe: false })
        .collect();
    entries.extend(with_host(&entries));
    entries
}

/// The guardian's cases of one tier. They are heads; bodies are made up for them, by length and in chunks, wherever there is a
/// field that might mean it.
pub(crate) fn guardian(tiers: &[&str]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (file, text) in files(&corpora::guardian(), "yaml") {
        for case in parsed(&text) {
            let tier = case["expected"]["tier"].as_str().expect("each case has a tier");
            if tiers.contains(&tier) {
                let name = format!("{file}: {}", case["name"].as_str().expect("each case has a name"));
                let heads = head_of(&case);
                entries.extend(with_bodies(&case, &heads).into_iter().map(|bytes| Entry {
                    name: name.clone(),
                    bytes,
                    severe: tier == "Severe",
                }));
            }
        }
    }
    entries.extend(with_host(&entries));
    entries
}

/// Targets as browsers write them, with characters that RFC 3986 has no place for: who refuses them loses visitors.
pub(crate) fn browsers() -> Vec<Entry> {
    let targets = ["/[a]", "/{a}", "/a|b", "/a^b", "/?[a]={b}|c^d`e", "/?a=b\\c"];
    let request = |target: &str| Entry {
        name: target.to_owned(),
        bytes: format!("GET {target} HTTP/1.1\r\nHost: example.com\r\n\r\n").into_bytes(),
        severe: false,
    };
    targets.map(request).to_vec()
}

/// The files of a folder by name, without what they end in, in order.
fn files(folder: &Path, extension: &str) -> Vec<(String, Vec<u8>)> {
    let folder = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = folder.map(|entry| entry.expect("it can be read").path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .map(|path| {
            let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
            (name, std::fs::read(path).expect("it can be read"))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus is there");
    files
}

/// gunicorn's way to write bytes: ends of lines are for the eye, and `\r\n`, `\n`, `\t`, `\0` and `\xHH` mean what they mean in C.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, rest) {
            (b'\n', _) => {}
            (b'\\', [b'x', high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("digits are text");
                bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
                rest = after;
            }
            (b'\\', [letter @ (b'r' | b'n' | b't' | b'0'), after @ ..]) => {
                bytes.push(match letter {
                    b'r' => b'\r',
                    b'n' => b'\n',
                    b't' => b'\t',
                    _ => 0,
                });
                rest = after;
            }
            _ => bytes.push(*byte),
        }
    }
    bytes
}

/// Each entry that has no Host though it is HTTP/1.1, with one: as it is it only tells whether a missing Host is noticed.
fn with_host(entries: &[Entry]) -> Vec<Entry> {
    let insert = |entry: &Entry| {
        let line_end = entry.bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let head_end = entry.bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(entry.bytes.len());
        let head = entry.bytes[..head_end].to_ascii_lowercase();
        let wants = line_end > 0 && head[..line_end].ends_with(b"http/1.1");
        if !wants || head.windows(6).any(|six| six == b"\nhost:") {
            return None;
        }
        let mut bytes = entry.bytes.clone();
        bytes.splice(line_end..line_end, *b"\r\nHost: example.com");
        Some(Entry { name: format!("{} + Host", entry.name), bytes, severe: entry.severe })
    };
    entries.iter().filter_map(insert).collect()
}

/// The cases of a YAML file.
fn parsed(text: &[u8]) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().expect("a folder for a file");
    let file = folder.path().join("cases.yaml");
    std::fs::write(&file, text).expect("it can be written");
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1], encoding='utf-8')), sys.stdout)";
    let json = run(Command::new(corpora::python_with_packages()).args(["-c", script]).arg(&file));
    serde_json::from_str(&json).expect("it is JSON")
}

fn head_of(case: &serde_json::Value) -> Vec<u8> {
    let version = bytes_of(&case["version"]);
    let mut words = vec![bytes_of(&case["method"]), bytes_of(&case["uri"])];
    // Without a version it is a request of HTTP/0.9.
    words.extend((!version.is_empty()).then_some(version));
    let mut head = words.join(&b' ');
    head.extend(b"\r\n");
    for field in case["headers"].as_array().into_iter().flatten() {
        let line = [bytes_of(&field["name"]), bytes_of(&field["value"])].join(&b": "[..]);
        head.extend(line);
        head.extend(b"\r\n");
    }
    head.extend(b"\r\n");
    head
}

/// A scalar as the bytes that are meant: `\xA0` in YAML is a character, and here a byte.
fn bytes_of(scalar: &serde_json::Value) -> Vec<u8> {
    let text = match scalar {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    let mut bytes = Vec::new();
    for character in text.chars() {
        match u8::try_from(u32::from(character)) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend(character.to_string().bytes()),
        }
    }
    bytes
}

/// The head with each body that somebody might see in it.
fn with_bodies(case: &serde_json::Value, head: &[u8]) -> Vec<Vec<u8>> {
    let fields = case["headers"].as_array().into_iter().flatten();
    let fields: Vec<_> =
        fields.map(|field| [bytes_of(&field["name"]), b": ".to_vec(), bytes_of(&field["value"])].concat()).collect();
    let holds =
        |field: &[u8], word: &str| field.to_ascii_lowercase().windows(word.len()).any(|part| part == word.as_bytes());
    let mut bodies = Vec::new();
    for field in &fields {
        if holds(field, "content") && holds(field, "length") {
            let digits: Vec<_> =
                field.iter().copied().skip_while(|b| !b.is_ascii_digit()).take_while(u8::is_ascii_digit).collect();
            let length =
                String::from_utf8(digits).expect("digits are text").parse().ok().filter(|n: &usize| *n < 8 << 20);
            let mut body = SMUGGLED.to_vec();
            body.resize(length.unwrap_or(body.len()), b'x');
            bodies.push(body);
        }
        if holds(field, "encod") || holds(field, "chunked") {
            bodies.push([format!("{:x}\r\n", SMUGGLED.len()).as_bytes(), SMUGGLED, b"\r\n0\r\n\r\n"].concat());
        }
    }
    bodies.dedup();
    if bodies.is_empty() {
        bodies.push(Vec::new());
    }
    bodies.into_iter().map(|body| [head, &body].concat()).collect()
}

#[test]
fn bytes_are_written_in_gunicorns_way() {
    assert_eq!(unescaped(b"GET /\\x0D\\0 HTTP/1.1\\r\\n\na: \\t b\\n\\\\r\n"), b"GET /\r\0 HTTP/1.1\r\na: \t b\n\\\r");
}
