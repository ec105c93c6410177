//! The kinds of values that `lb.toml` has: numbers in a range, durations, sizes, shares, addresses.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use toml::de::DeValue;

use super::table::Value;

/// Clients that come by IPv4 to a socket for both are told by their IPv4 address.
fn canonical(network: IpNet) -> IpNet {
    match (network.addr().to_canonical(), network.prefix_len()) {
        (IpAddr::V4(address), length @ 96..) if network.addr().is_ipv6() => {
            Ipv4Net::new(address, length - 96).map_or(network, IpNet::from)
        }
        _ => network,
    }
}

/// No time limit in `lb.toml` is longer.
const LONGEST: Duration = Duration::from_hours(24);

impl<'a> Value<'a> {
    /// A string.
    pub(super) fn string(&self) -> Option<&'a str> {
        if let DeValue::String(text) = self.get() {
            return Some(text);
        }
        self.problem("this is not a string", "put it between quotation marks");
        None
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Option<bool> {
        if let DeValue::Boolean(value) = self.get() {
            return Some(*value);
        }
        self.problem("this is neither true nor false", "write true or false, without quotation marks");
        None
    }

    /// A whole number in the range.
    pub(super) fn integer(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let number = match self.get() {
            DeValue::Integer(digits) => u32::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.problem(
                &format!("this is not a whole number from {} to {}", range.start(), range.end()),
                "write it in digits, without quotation marks",
            );
        }
        number
    }

    /// A duration longer than zero and at most a day: `"250ms"`, `"10s"`, `"2m"`.
    pub(super) fn duration(&self) -> Option<Duration> {
        self.duration_within(Duration::from_millis(1)..=LONGEST, "1ms to 24h")
    }

    /// A duration in the range, which is named in words.
    pub(super) fn duration_within(&self, range: RangeInclusive<Duration>, in_words: &str) -> Option<Duration> {
        let parsed = match self.get() {
            DeValue::String(text) => parse_duration(text).filter(|duration| range.contains(duration)),
            _ => None,
        };
        if parsed.is_none() {
            self.problem(
                &format!("this is not a duration from {in_words}"),
                "write a number with a unit, as in \"250ms\", \"10s\", \"2m\"",
            );
        }
        parsed
    }

    /// A number of bytes: `"64KiB"`, `"1MiB"`, `"512B"`.
    pub(super) fn size(&self) -> Option<u32> {
        let parsed = match self.get() {
            DeValue::String(text) => parse_size(text),
            _ => None,
        };
        if parsed.is_none() {
            self.problem(
                "this is not a size up to 1GiB",
                "write a number with a unit, as in \"512B\", \"64KiB\", \"1MiB\"",
            );
        }
        parsed
    }

    /// A number of bytes in the range, which is named in words.
    pub(super) fn size_within(&self, range: RangeInclusive<u32>, in_words: &str) -> Option<u32> {
        let parsed = match self.get() {
            DeValue::String(text) => parse_size(text).filter(|size| range.contains(size)),
            _ => None,
        };
        if parsed.is_none() {
            self.problem(
                &format!("this is not a size from {in_words}"),
                "write a number with a unit, as in \"512B\", \"64KiB\"",
            );
        }
        parsed
    }

    /// A number with at most one digit after the point, in tenths: `1.9`, `2`.
    pub(super) fn tenths(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let parsed = match self.get() {
            DeValue::Integer(digits) if digits.radix() == 10 => parse_tenths(digits.as_str()),
            DeValue::Float(number) => parse_tenths(number.as_str()),
            _ => None,
        };
        let parsed = parsed.filter(|tenths| range.contains(tenths));
        if parsed.is_none() {
            let [least, most] = [*range.start(), *range.end()].map(|tenths| f64::from(tenths) / 10.0);
            self.problem(
                &format!("this is not a number from {least:.1} to {most:.1}"),
                "write it with one digit after the point, without quotation marks, as in 1.9",
            );
        }
        parsed
    }

    /// A share from `"0%"` to `"100%"`, in percent.
    pub(super) fn share(&self) -> Option<u8> {
        self.percent(0..=100).and_then(|percent| u8::try_from(percent).ok())
    }

    /// A share that may be more than the whole, in percent: `"125%"`.
    pub(super) fn percent(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let parsed = match self.get() {
            DeValue::String(text) => text
                .strip_suffix('%')
                .filter(|number| number.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|number| number.parse().ok()),
            _ => None,
        };
        let parsed = parsed.filter(|percent| range.contains(percent));
        if parsed.is_none() {
            self.problem(
                &format!("this is not a share from {}% to {}%", range.start(), range.end()),
                "write a whole number with a percent sign, as in \"50%\"",
            );
        }
        parsed
    }

    /// A part of the whole that may be small, 0 to 1: `"1%"`, `"0.05%"`.
    pub(super) fn fraction(&self) -> Option<f64> {
        let is_plain = |number: &&str| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let parsed = match self.get() {
            DeValue::String(text) => {
                text.strip_suffix('%').filter(is_plain).and_then(|number| number.parse::<f64>().ok())
            }
            _ => None,
        };
        let parsed = parsed.filter(|percent| (0.0..=100.0).contains(percent));
        if parsed.is_none() {
            self.problem("this is not a share from 0% to 100%", "write a number with a percent sign, as in \"0.1%\"");
        }
        parsed.map(|percent| percent / 100.0)
    }

    /// A name: it stands in header fields, logs and URLs.
    pub(super) fn name(&self) -> Option<&'a str> {
        let name = self.string()?;
        let good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !good {
            self.problem("this is not a name", "write visible ASCII characters without blanks, as in \"web1\"");
        }
        good.then_some(name)
    }

    /// A network, or an address as one of its own.
    pub(super) fn network(&self) -> Option<IpNet> {
        let text = self.string()?;
        let found = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).map(canonical);
        if found.is_none() {
            self.problem("this is not a network", "write one as \"10.0.0.0/8\", or an address as \"10.0.0.1\"");
        }
        found
    }

    /// An address to listen on.
    pub(super) fn socket_address(&self) -> Option<SocketAddr> {
        let address = self.string()?.parse().ok();
        if address.is_none() {
            self.problem(
                "this is not an address to listen on",
                "write an IP address and a port, as in \"0.0.0.0:8080\" or \"[::]:8080\"",
            );
        }
        address
    }
}

/// A duration as people write it on the command line and in drills: up to a day, as in `lb.toml`.
pub(crate) fn parse_time(text: &str) -> Option<Duration> {
    parse_duration(text).filter(|duration| *duration <= LONGEST)
}

/// A duration longer than zero with a unit, as in `250ms`, `10s`, `2m`, `1h`.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let duration = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3600)?),
        _ => return None,
    };
    (!duration.is_zero()).then_some(duration)
}

fn parse_size(text: &str) -> Option<u32> {
    let (number, unit) = split_unit(text)?;
    let factor = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor).filter(|size| *size <= 1 << 30)?.try_into().ok()
}

fn parse_tenths(text: &str) -> Option<u32> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(tenth) || tenth.len() > 1 {
        return None;
    }
    whole.parse::<u32>().ok()?.checked_mul(10)?.checked_add(tenth.parse().ok()?)
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let border = text.find(|c: char| !c.is_ascii_digit())?;
    Some((text[..border].parse().ok()?, text[border..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_are_longer_than_zero() {
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("10 s"), Some(Duration::from_secs(10)));
        assert_eq!(parse_duration("2m"), Some(Duration::from_mins(2)));
        for wrong in ["10", "s", "", "0s", "1.5s", "-1s", "10sec", "99999999999999999999s", "9999999999999999999h"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_have_a_unit_and_are_bounded() {
        assert_eq!(parse_size("64KiB"), Some(65536));
        assert_eq!(parse_size("0B"), Some(0));
        for wrong in ["64", "64KB", "2GiB", "18446744073709551615KiB"] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tenths_have_at_most_one_digit_after_the_point() {
        assert_eq!((parse_tenths("1.9"), parse_tenths("2"), parse_tenths("0.1")), (Some(19), Some(20), Some(1)));
        for wrong in ["1.95", "1.", ".5", "-1.0", "1e1", "inf", "nan", "4294967295"] {
            assert_eq!(parse_tenths(wrong), None, "{wrong}");
        }
    }
}
