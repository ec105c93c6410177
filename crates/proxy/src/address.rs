//! An endpoint's address: a host, by number or by name, and a port. Resolves nothing: that is `dial`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// `host:port`, as in `127.0.0.1:5000`, `[::1]:5000` or `web1:5000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Number(IpAddr),
    Name(String),
}

/// Why a string is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// There is no colon and port.
    #[error("the port is missing")]
    NoPort,
    /// What follows the last colon is not a port.
    #[error("the port is not a number from 1 to 65535")]
    BadPort,
    /// What precedes it is not a host.
    #[error("the host is neither an IP address (IPv6 in brackets) nor a name")]
    BadHost,
}

impl Address {
    /// The address as a socket's, if its host is a number.
    pub fn as_socket(&self) -> Option<SocketAddr> {
        match &self.host {
            Host::Number(ip) => Some(SocketAddr::new(*ip, self.port)),
            Host::Name(_) => None,
        }
    }

    /// The host's name, if it is one, and the port.
    pub(crate) fn as_name(&self) -> Option<(&str, u16)> {
        match &self.host {
            Host::Number(_) => None,
            Host::Name(name) => Some((name, self.port)),
        }
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let (host, port) = text.rsplit_once(':').ok_or(BadAddress::NoPort)?;
        let host = if let Some(ip) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Host::Number(ip.parse::<Ipv6Addr>().map_err(|_| BadAddress::BadHost)?.into())
        } else if let Ok(ip) = host.parse::<std::net::Ipv4Addr>() {
            Host::Number(ip.into())
        } else if is_name(host) {
            Host::Name(host.to_owned())
        } else {
            return Err(BadAddress::BadHost);
        };
        match port.parse() {
            Ok(0) | Err(_) => Err(BadAddress::BadPort),
            Ok(port) => Ok(Self { host, port }),
        }
    }
}

/// RFC 1123 §2.1, and the underscore that container networks use. Digits and dots alone are a mistyped number.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    host.len() <= 253
        && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
        && !host.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Number(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_read_and_written_alike() {
        for text in ["127.0.0.1:5000", "[::1]:80", "web1:5000", "a.example.com:443", "lb_web-1.local:1"] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        let wrong = |text: &str| text.parse::<Address>().expect_err(text);
        assert_eq!(wrong("web1"), BadAddress::NoPort);
        assert_eq!(wrong("web1:http"), BadAddress::BadPort);
        assert_eq!(wrong("web1:0"), BadAddress::BadPort);
        assert_eq!(wrong("web1:65536"), BadAddress::BadPort);
        for text in [":80", "::1:80", "[::1:80", "256.1.1.1:80", "a b:80", "http://web1:80", "-web:80"] {
            assert_eq!(wrong(text), BadAddress::BadHost, "{text}");
        }
    }
}
