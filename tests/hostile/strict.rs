//! Requests read by the letter of RFC 9112. Written for these tests alone, from the RFC, and sharing nothing with what it
//! judges: a reader that is too lenient here would hide what it is there to find.

/// Who has sent the bytes: what is right differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// A client: HTTP/1.0 or 1.1, any form of target, chunk extensions, empty lines before the request line.
    Client,
    /// A proxy, towards an endpoint: HTTP/1.1, exactly one Host, one framing, no chunk extension, not a byte between requests.
    Proxy,
}

/// What is wrong, in words.
pub(crate) type Flaw = &'static str;

/// `Ok(None)` where the bytes are right so far, but end too early.
type Read<T> = Result<Option<T>, Flaw>;

/// A request, reduced to what must arrive unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) method: String,
    /// In origin form, or `*`.
    pub(crate) target: String,
    /// Without its framing.
    pub(crate) body: Vec<u8>,
    /// The target holds a character that RFC 3986 does not know but browsers send as it is.
    pub(crate) raw_target: bool,
    /// The connection ends with it.
    pub(crate) last: bool,
}

/// All requests in some bytes, and how the bytes end.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) messages: Vec<Message>,
    pub(crate) end: End,
}

/// What comes after the last whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing, or nothing that anybody may read.
    Clean,
    /// A request that is not whole.
    Unfinished,
    /// What is no request.
    Flawed(Flaw),
}

/// Reads as many requests as there are.
pub(crate) fn walk(bytes: &[u8], rules: Rules) -> Walk {
    let (mut rest, mut messages) = (bytes, Vec::new());
    let end = loop {
        if rest.is_empty() {
            break End::Clean;
        }
        match read(rest, rules) {
            Ok(Some((message, length))) => {
                rest = &rest[length..];
                let last = message.last;
                messages.push(message);
                if last && rules == Rules::Client {
                    break End::Clean;
                }
            }
            Ok(None) => break End::Unfinished,
            Err(flaw) => break End::Flawed(flaw),
        }
    };
    Walk { messages, end }
}

/// Reads one request, and says how long it is.
pub(crate) fn read(bytes: &[u8], rules: Rules) -> Read<(Message, usize)> {
    let mut rest = bytes;
    if rules == Rules::Client {
        // RFC 9112 §2.2: empty lines before the request line are read over.
        while let Some(after) = rest.strip_prefix(b"\r\n") {
            rest = after;
        }
    }
    let Some((first, mut rest)) = line(rest)? else { return Ok(None) };
    let mut message = request_line(first, rules)?;
    let old = message.last;
    let mut head = Head::default();
    loop {
        let Some((field_line, after)) = line(rest)? else { return Ok(None) };
        rest = after;
        if field_line.is_empty() {
            break;
        }
        let (name, value) = field(field_line)?;
        head.take(name, value);
    }
    match head.hosts[..] {
        [] if old => {}
        [] => return Err("no Host"),
        [host] if is_host(host) => {}
        [_] => return Err("a Host that is none"),
        _ => return Err("several Hosts"),
    }
    let body = match (&head.lengths[..], &head.codings[..]) {
        ([], []) => Some((Vec::new(), rest)),
        ([length], []) => {
            let length = decimal(length).ok_or("a Content-Length that is no number")?;
            rest.get(..length).map(|body| (body.to_vec(), &rest[length..]))
        }
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => {
            if old {
                return Err("Transfer-Encoding in HTTP/1.0");
            }
            chunked(rest, rules)?
        }
        ([], _) => return Err("a Transfer-Encoding that is no lone chunked"),
        (_, []) => return Err("several Content-Lengths"),
        _ => return Err("Content-Length and Transfer-Encoding together"),
    };
    let Some((body, rest)) = body else { return Ok(None) };
    message.body = body;
    message.last = head.close || (old && !head.keep_alive);
    Ok(Some((message, bytes.len() - rest.len())))
}

/// The fields that matter here.
#[derive(Default)]
struct Head<'b> {
    hosts: Vec<&'b [u8]>,
    lengths: Vec<&'b [u8]>,
    codings: Vec<&'b [u8]>,
    close: bool,
    keep_alive: bool,
}

impl<'b> Head<'b> {
    fn take(&mut self, name: &[u8], value: &'b [u8]) {
        match &name.to_ascii_lowercase()[..] {
            b"host" => self.hosts.push(value),
            b"content-length" => self.lengths.push(value),
            b"transfer-encoding" => self.codings.push(value),
            b"connection" => {
                for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            _ => {}
        }
    }
}

/// The line at the start, without its CRLF, and what follows it. What cannot become a line is told before its end comes.
fn line(bytes: &[u8]) -> Read<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let line = &bytes[..end.unwrap_or(bytes.len())];
    let line = match line.strip_suffix(b"\r") {
        Some(line) => line,
        None if end.is_some() => return Err("a line that ends in LF alone"),
        None => line,
    };
    if line.contains(&b'\r') {
        return Err("a CR alone");
    }
    if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err("a control character");
    }
    Ok(end.map(|end| (line, &bytes[end + 1..])))
}

/// The message is marked as the last one if its version is HTTP/1.0.
fn request_line(line: &[u8], rules: Rules) -> Result<Message, Flaw> {
    let parts: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else { return Err("a request line that is not three words") };
    if !is_token(method) {
        return Err("a method that is no token");
    }
    let old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" if rules == Rules::Client => true,
        _ => return Err("a version that is not HTTP/1.1"),
    };
    let path = match target {
        _ if method == b"CONNECT" && rules == Rules::Proxy => return Err("CONNECT"),
        _ if method == b"CONNECT" => {
            let is_authority = target.contains(&b':') && is_host(target);
            is_authority.then_some(target).ok_or("a target of no form")?
        }
        b"*" if method == b"OPTIONS" => target,
        [b'/', ..] => target,
        _ if rules == Rules::Client => absolute(target).ok_or("a target of no form")?,
        _ => return Err("a target that is not in origin form"),
    };
    let raw_target = path != b"*" && method != b"CONNECT" && check_path_and_query(path)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| "a character that no target has");
    Ok(Message { method: text(method)?, target: text(path)?, body: Vec::new(), raw_target, last: old })
}

/// Path and query of a target in absolute form.
fn absolute(target: &[u8]) -> Option<&[u8]> {
    let rest = target.strip_prefix(b"http://").or_else(|| target.strip_prefix(b"https://"))?;
    let (host, path) = rest.split_at(rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len()));
    // A user before the host is an error (RFC 9110 §4.2.4), and so is an empty host (§4.2.1): no host has an `@`.
    (!host.is_empty() && is_host(host) && path.first() != Some(&b'?')).then_some(if path.is_empty() {
        b"/"
    } else {
        path
    })
}

/// Whether there is a character that only browsers take for one of a path or a query.
fn check_path_and_query(path: &[u8]) -> Result<bool, Flaw> {
    let (mut raw, mut in_query, mut rest) = (false, false, path);
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'%' => match rest {
                [one, two, after @ ..] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit() => rest = after,
                _ => return Err("a percent sign without two digits"),
            },
            b'?' => in_query = true,
            b'/' | b':' | b'@' => {}
            _ if is_unreserved_or_sub_delim(*byte) => {}
            b'[' | b']' | b'{' | b'|' | b'}' | b'^' | b'`' => raw = true,
            b'\\' | b'"' if in_query => raw = true,
            _ => return Err("a character that no target has"),
        }
    }
    Ok(raw)
}

fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Flaw> {
    if let Some(b' ' | b'\t') = line.first() {
        return Err("a folded line");
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or("a field without a colon")?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if is_token(name) { Ok((name, value.trim_ascii())) } else { Err("a field name that is no token") }
}

fn chunked(mut rest: &[u8], rules: Rules) -> Read<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let Some((size, after)) = line(rest)? else { return Ok(None) };
        let size = match size.iter().position(|byte| *byte == b';') {
            Some(_) if rules == Rules::Proxy => return Err("a chunk extension"),
            Some(end) => size[..end].trim_ascii_end(),
            None => size,
        };
        let size = hexadecimal(size).ok_or("a chunk size that is no number")?;
        rest = after;
        if size == 0 {
            break;
        }
        let Some(data) = rest.get(..size) else { return Ok(None) };
        body.extend_from_slice(data);
        rest = &rest[size..];
        match rest {
            [b'\r', b'\n', after @ ..] => rest = after,
            [] | [b'\r'] => return Ok(None),
            _ => return Err("a chunk that is longer than it says"),
        }
    }
    loop {
        let Some((trailer, after)) = line(rest)? else { return Ok(None) };
        rest = after;
        if trailer.is_empty() {
            return Ok(Some((body, rest)));
        }
        let (name, _) = field(trailer)?;
        let frames = [&b"host"[..], b"content-length", b"transfer-encoding"];
        if rules == Rules::Proxy && frames.iter().any(|frame| name.eq_ignore_ascii_case(frame)) {
            return Err("a trailer that frames or routes");
        }
    }
}

fn is_token(bytes: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(is_tchar)
}

fn is_unreserved_or_sub_delim(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

/// A host, which may be empty, with or without a port.
fn is_host(bytes: &[u8]) -> bool {
    let colon = bytes.iter().rposition(|byte| *byte == b':').filter(|_| bytes.last() != Some(&b']'));
    let (host, port) = bytes.split_at(colon.unwrap_or(bytes.len()));
    let is_name = |host: &[u8]| host.iter().all(|byte| *byte == b'%' || is_unreserved_or_sub_delim(*byte));
    let is_literal = |host: &[u8]| {
        let inner = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
        let inner = inner.and_then(|inner| std::str::from_utf8(inner).ok());
        inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
    };
    port.iter().skip(1).all(u8::is_ascii_digit) && (is_name(host) || is_literal(host))
}

fn decimal(bytes: &[u8]) -> Option<usize> {
    let digits = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(bytes).ok().filter(|_| digits)?.parse().ok()
}

fn hexadecimal(bytes: &[u8]) -> Option<usize> {
    let digits = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_hexdigit);
    usize::from_str_radix(std::str::from_utf8(bytes).ok().filter(|_| digits)?, 16).ok()
}

#[path = "strict/examples.rs"]
mod examples;
