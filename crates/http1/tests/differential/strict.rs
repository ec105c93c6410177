//! Takes requests apart by the letter of RFC 9112, and of nothing that it lets a recipient tolerate. It shares nothing with
//! `lb-http1`, nor with httparse below it and below hyper: what those two overlook together is seen here.

/// Names and values.
type Lines<'b> = Vec<(&'b [u8], &'b [u8])>;

/// A request that says everything in exactly one way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'b> {
    pub(crate) method: &'b [u8],
    pub(crate) target: &'b [u8],
    pub(crate) fields: Lines<'b>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Lines<'b>,
}

impl<'b> Request<'b> {
    /// Reads the request at the start of the bytes; what follows it is left.
    ///
    /// # Errors
    ///
    /// What is not as it has to be, or that it is not all there.
    pub(crate) fn read(bytes: &mut &'b [u8]) -> Result<Self, String> {
        let mut parts = line(bytes)?.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(b"HTTP/1.1"), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("the first line is not a method, a target and HTTP/1.1, one space apart".to_owned());
        };
        if !is_token(method) {
            return Err("the method is not a token".to_owned());
        }
        let begins_well = target.starts_with(b"/") || (target == b"*" && method == b"OPTIONS");
        if !begins_well || !target.iter().all(|byte| byte.is_ascii_graphic() && !b"#<>".contains(byte)) {
            return Err("the target is neither a path nor an asterisk".to_owned());
        }
        let fields = fields(bytes)?;
        let all = |name: &str| -> Vec<&[u8]> {
            let is = |field: &&(&[u8], &[u8])| field.0.eq_ignore_ascii_case(name.as_bytes());
            fields.iter().filter(is).map(|(_, value)| *value).collect()
        };
        match all("host")[..] {
            [host] if is_host(host) => {}
            [_] => return Err("Host is not a host".to_owned()),
            _ => return Err("there is not exactly one Host".to_owned()),
        }
        let (mut body, mut trailers) = (Vec::new(), Vec::new());
        match (&all("content-length")[..], &all("transfer-encoding")[..]) {
            ([], []) => {}
            ([length], []) => body.extend_from_slice(take(bytes, number(length, 10)?)?),
            ([], [b"chunked"]) => {
                loop {
                    let size = number(line(bytes)?, 16)?;
                    if size == 0 {
                        break;
                    }
                    body.extend_from_slice(take(bytes, size)?);
                    if !line(bytes)?.is_empty() {
                        return Err("a chunk is longer than it says".to_owned());
                    }
                }
                trailers = self::fields(bytes)?;
            }
            _ => return Err("the body is not framed in exactly one way".to_owned()),
        }
        Ok(Self { method, target, fields, body, trailers })
    }
}

/// Takes a line off, without its end.
pub(crate) fn line<'b>(bytes: &mut &'b [u8]) -> Result<&'b [u8], String> {
    let end = bytes.windows(2).position(|two| two == b"\r\n").ok_or("a line has no end")?;
    let (line, rest) = bytes.split_at(end);
    *bytes = &rest[2..];
    if line.iter().any(|byte| b"\r\n\0".contains(byte)) {
        Err("a line holds CR, LF or NUL".to_owned())
    } else {
        Ok(line)
    }
}

/// Takes so many bytes off.
pub(crate) fn take<'b>(bytes: &mut &'b [u8], length: u64) -> Result<&'b [u8], String> {
    let length = usize::try_from(length).ok().filter(|length| *length <= bytes.len());
    let (taken, rest) = bytes.split_at(length.ok_or("the body is not all there")?);
    *bytes = rest;
    Ok(taken)
}

/// Takes field lines off up to an empty line, and that, too.
pub(crate) fn fields<'b>(bytes: &mut &'b [u8]) -> Result<Lines<'b>, String> {
    let mut fields = Vec::new();
    loop {
        let line = line(bytes)?;
        if line.is_empty() {
            return Ok(fields);
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or("a field has no colon")?;
        let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
        if !is_token(name) {
            return Err(format!("a field's name is not a token: {}", name.escape_ascii()));
        }
        if !value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..)) {
            return Err(format!("a field's value holds a control character: {}", value.escape_ascii()));
        }
        fields.push((name, value));
    }
}

fn trim(value: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !b" \t".contains(byte);
    let start = value.iter().position(is_text).unwrap_or(value.len());
    let end = value.iter().rposition(is_text).map_or(start, |last| last + 1);
    &value[start..end]
}

/// RFC 9110 §5.6.2.
fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// `uri-host [":" port]` (RFC 9110 §7.2), as far as characters go.
fn is_host(host: &[u8]) -> bool {
    let is_of_port = |port: &[u8]| port.iter().all(u8::is_ascii_digit);
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte);
    if let Some(rest) = host.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
        let (literal, port) = (&rest[..end], &rest[end + 1..]);
        let is_literal = literal.iter().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte));
        return is_literal && (port.is_empty() || port.strip_prefix(b":").is_some_and(is_of_port));
    }
    let mut parts = host.splitn(2, |byte| *byte == b':');
    parts.next().is_some_and(|name| name.iter().all(is_of_name)) && parts.next().is_none_or(is_of_port)
}

pub(crate) fn number(digits: &[u8], base: u32) -> Result<u64, String> {
    // The standard library would take a plus sign, too.
    let is_digits = !digits.is_empty() && digits.iter().all(|byte| char::from(*byte).is_digit(base));
    let text = std::str::from_utf8(digits).ok().filter(|_| is_digits);
    let number = text.and_then(|digits| u64::from_str_radix(digits, base).ok());
    number.ok_or_else(|| format!("this is no number: {}", digits.escape_ascii()))
}
