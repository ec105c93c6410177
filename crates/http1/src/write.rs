//! Writes what a body is framed with.

/// Ends a chunked body that has no trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Appends these bytes as one chunk; none if there are none, since an empty chunk would be the last.
pub fn push_chunk(into: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    push_chunk_size(into, data.len());
    into.extend_from_slice(data);
    into.extend_from_slice(b"\r\n");
}

/// Appends the line before a chunk of that many bytes, which is not the last one; after them an end of line is to follow.
pub fn push_chunk_size(into: &mut Vec<u8>, length: usize) {
    push_number(into, length as u64, 16);
    into.extend_from_slice(b"\r\n");
}

/// Appends a number in decimal digits.
pub fn push_decimal(into: &mut Vec<u8>, number: u64) {
    push_number(into, number, 10);
}

fn push_number(into: &mut Vec<u8>, mut number: u64, base: u64) {
    // 2^64 has twenty decimal digits.
    let (mut digits, mut at) = ([0u8; 20], 20);
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[usize::try_from(number % base).unwrap_or_default()];
        number /= base;
        if number == 0 {
            break;
        }
    }
    into.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_has_its_size_before_it_and_an_empty_one_is_none() {
        let mut bytes = Vec::new();
        push_chunk(&mut bytes, &[b'x'; 26]);
        push_chunk(&mut bytes, b"");
        assert_eq!(bytes, format!("1a\r\n{}\r\n", "x".repeat(26)).as_bytes());
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 7, 10, 1234, u64::MAX] {
            let mut bytes = Vec::new();
            push_decimal(&mut bytes, number);
            assert_eq!(bytes, number.to_string().as_bytes());
        }
    }
}
