//! Small things about text that the protocol's rules are made of.

/// Without spaces and tabs at either end (OWS, RFC 9110 §5.6.3).
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The members of a list (RFC 9110 §5.6.1) whose members hold no comma; empty ones are left out.
pub(crate) fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    list.split(|byte| *byte == b',').map(trim).filter(|member| !member.is_empty())
}

/// A number of decimal digits and nothing else; `None` also if it is larger than 2^64 - 1.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_and_nothing_else() {
        assert_eq!(decimal(b"0012"), Some(12));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "+1", "-1", "1 ", "0x1", "1,1", "18446744073709551616", "\u{661}"] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn a_list_has_its_members_without_the_space_around_them() {
        assert_eq!(members(b" a,,\tb , ").collect::<Vec<_>>(), [b"a", b"b"]);
    }
}
