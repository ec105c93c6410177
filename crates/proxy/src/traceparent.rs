//! The field `traceparent` of the W3C's Trace Context (Level 1, §3.2): which trace a request belongs to. Reads and writes it;
//! whether a request is recorded is not decided here.

/// What the field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    /// The trace, not zero.
    pub(crate) trace: u128,
    /// Whose part of it the request is, not zero.
    pub(crate) parent: u64,
    /// Whether whoever sends it records it.
    pub(crate) sampled: bool,
    /// Whether the trace's id was drawn at random (Level 2, §3.2.2.5.2).
    pub(crate) random: bool,
}

/// How long the field is in version 00.
const LENGTH: usize = 55;

/// Reads the field; `None` if it is none that can be relied on: the trace begins anew then.
pub(crate) fn parse(value: &[u8]) -> Option<Context> {
    // Later versions begin as this one does, and go on after a hyphen (§3.2.4).
    let (known, rest) = value.split_at_checked(LENGTH)?;
    let version = known.get(..2)?;
    let goes_on = match version {
        b"ff" => return None,
        b"00" => rest.is_empty(),
        _ => rest.is_empty() || rest.starts_with(b"-"),
    };
    let are_hyphens = [2, 35, 52].iter().all(|at| known[*at] == b'-');
    if !goes_on || !are_hyphens || hex(version).is_none() {
        return None;
    }
    let trace = hex(&known[3..35])?;
    let parent = u64::try_from(hex(&known[36..52])?).ok()?;
    let flags = hex(&known[53..55])?;
    (trace != 0 && parent != 0).then_some(Context { trace, parent, sampled: flags & 1 == 1, random: flags & 2 == 2 })
}

/// The field's value, in version 00.
pub(crate) fn format(context: Context) -> String {
    let Context { trace, parent, sampled, random } = context;
    format!("00-{trace:032x}-{parent:016x}-{:02x}", u8::from(sampled) | u8::from(random) << 1)
}

/// A number of lower-case hexadecimal digits (§3.2.2); capitals are wrong.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0u128, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_read_is_written_again() {
        let context = parse(GOOD.as_bytes()).expect("it is good");
        assert_eq!(context.trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((context.parent, context.sampled), (0x00f0_67aa_0ba9_02b7, true));
        assert_eq!(format(context), GOOD);
        assert!(!parse(GOOD.replace("-01", "-00").as_bytes()).expect("it is good").sampled);
        for flags in ["-00", "-02", "-03"] {
            let other = GOOD.replace("-01", flags);
            assert_eq!(format(parse(other.as_bytes()).expect("it is good")), other);
        }
        // Others are not known, and not passed on.
        let all = parse(GOOD.replace("-01", "-ff").as_bytes()).expect("it is good");
        assert!(format(all).ends_with("-03"));
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        for good in [GOOD.replacen("00", "cc", 1), GOOD.replacen("00", "cc", 1) + "-what-comes-later"] {
            assert!(parse(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [GOOD.replacen("00", "cc", 1) + ".what", GOOD.to_owned() + "-what", GOOD.replacen("00", "ff", 1)] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_relied_on_is_none() {
        let zero_trace = GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        let zero_parent = GOOD.replace("00f067aa0ba902b7", &"0".repeat(16));
        for bad in [
            "",
            &GOOD[..54],
            &GOOD.to_uppercase(),
            &GOOD.replace('-', "_"),
            &GOOD.replacen("4bf9", "4bg9", 1),
            &GOOD.replacen("00", "0x", 1),
            &zero_trace,
            &zero_parent,
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
        for at in 0..GOOD.len() {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = b'G';
            assert_eq!(parse(&bytes), None, "{at}");
        }
    }
}
