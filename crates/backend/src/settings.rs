//! What the environment says to the binary, checked.
//!
//! It reads through a function that it is given, so tests need not change the environment of their process.

use std::ffi::OsString;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use tracing_subscriber::EnvFilter;

/// How the backend shall run.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `SERVER_NAME`, else the hostname.
    pub(crate) name: String,
    /// `BIND` (default: every IPv4 address) and `PORT` (default: 5000; with 0 the system chooses).
    pub(crate) address: SocketAddr,
    /// `LB_LOG` (default: `info`).
    pub(crate) log: EnvFilter,
}

impl Settings {
    /// Reads the environment of this process.
    pub(crate) fn from_env() -> Result<Self, BadSetting> {
        Self::read(|variable| std::env::var_os(variable), || fs::read_to_string("/proc/sys/kernel/hostname").ok())
    }

    /// An empty variable counts as unset: that is what `docker-compose` makes of `${PORT:-}`.
    fn read(
        env: impl Fn(&str) -> Option<OsString>,
        kernel_hostname: impl FnOnce() -> Option<String>,
    ) -> Result<Self, BadSetting> {
        let env = |variable| env(variable).filter(|value| !value.is_empty());

        let port = "a port number from 0 to 65535 (0: the system chooses)";
        let port = parse(env("PORT"), "PORT", port)?.unwrap_or(5000);
        let bind = "an IP address, such as 127.0.0.1";
        let bind = parse(env("BIND"), "BIND", bind)?.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let log = "a filter, such as info or lb_backend=debug";
        let log = parse(env("LB_LOG"), "LB_LOG", log)?.unwrap_or_else(|| EnvFilter::new("info"));

        let name = parse(env("SERVER_NAME"), "SERVER_NAME", "a name in UTF-8")?
            .or_else(|| kernel_hostname().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()))
            .or_else(|| env("HOSTNAME")?.into_string().ok())
            .ok_or(BadSetting::NoName)?;

        Ok(Self { name, address: SocketAddr::new(bind, port), log })
    }
}

fn parse<T: FromStr>(
    value: Option<OsString>,
    variable: &'static str,
    expected: &'static str,
) -> Result<Option<T>, BadSetting> {
    let Some(value) = value else { return Ok(None) };
    match value.to_str().and_then(|text| text.parse().ok()) {
        Some(parsed) => Ok(Some(parsed)),
        None => Err(BadSetting::Invalid { variable, value, expected }),
    }
}

/// Why the backend cannot run like that.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadSetting {
    #[error("{variable} is {value:?}: expected {expected}")]
    Invalid { variable: &'static str, value: OsString, expected: &'static str },
    #[error("SERVER_NAME is not set and this machine does not tell its hostname: set SERVER_NAME")]
    NoName,
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, BadSetting> {
        let env = |variable: &str| {
            variables.iter().find(|(name, _)| *name == variable).map(|(_, value)| OsString::from(value))
        };
        Settings::read(env, || Some("box\n".to_owned()))
    }

    fn error(variables: &[(&str, &str)]) -> String {
        read(variables).expect_err("a bad setting").to_string()
    }

    #[test]
    fn without_variables_it_is_the_host_on_port_5000_of_every_address() {
        let settings = read(&[]).expect("the defaults are good");
        assert_eq!(settings.name, "box");
        assert_eq!(settings.address, "0.0.0.0:5000".parse().expect("an address"));
        assert_eq!(settings.log.to_string(), "info");
    }

    #[test]
    fn each_variable_is_heard() {
        let settings = read(&[("SERVER_NAME", "web1"), ("BIND", "::1"), ("PORT", "0"), ("LB_LOG", "debug")]);
        let settings = settings.expect("all are good");
        assert_eq!(settings.name, "web1");
        assert_eq!(settings.address, "[::1]:0".parse().expect("an address"));
        assert_eq!(settings.log.to_string(), "debug");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let settings = read(&[("SERVER_NAME", ""), ("BIND", ""), ("PORT", ""), ("LB_LOG", "")]);
        let settings = settings.expect("the defaults are good");
        assert_eq!(settings.name, "box");
        assert_eq!(settings.address, "0.0.0.0:5000".parse().expect("an address"));
        assert_eq!(settings.log.to_string(), "info");
    }

    #[test]
    fn an_error_names_the_variable_its_value_and_what_is_expected() {
        for port in ["http", "65536", "-1", " 5000"] {
            let says = format!("PORT is {port:?}: expected a port number from 0 to 65535 (0: the system chooses)");
            assert_eq!(error(&[("PORT", port)]), says);
        }
        assert_eq!(error(&[("BIND", "localhost")]), "BIND is \"localhost\": expected an IP address, such as 127.0.0.1");
        assert_eq!(
            error(&[("LB_LOG", "lb_backend=loud")]),
            "LB_LOG is \"lb_backend=loud\": expected a filter, such as info or lb_backend=debug"
        );
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_refused() {
        let env = |variable: &str| (variable == "SERVER_NAME").then(|| OsString::from_vec(vec![b'w', 0xff]));
        let error = Settings::read(env, || None).expect_err("a bad name");
        assert_eq!(error.to_string(), r#"SERVER_NAME is "w\xFF": expected a name in UTF-8"#);
    }

    #[test]
    fn where_the_kernel_tells_no_hostname_the_shell_may() {
        let env = |variable: &str| (variable == "HOSTNAME").then(|| OsString::from("shell"));
        assert_eq!(Settings::read(env, || None).expect("a name").name, "shell");
    }

    #[test]
    fn a_backend_without_any_name_does_not_start() {
        assert_eq!(Settings::read(|_| None, || None).expect_err("no name"), BadSetting::NoName);
    }
}
