//! The proxies: how each is set up for the same work. Each listens on one address, takes four endpoints in turn, keeps
//! connections on both sides, keeps Host, and adds X-Forwarded-For, -Host, -Proto and Via.

mod caddy;
mod haproxy;
pub(crate) mod lb;
mod nginx;
mod pingora;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use self::lb::Looking;
use crate::load::ENDPOINTS;

/// The connections that a proxy must be able to hold: ten thousand clients and some that work.
const CONNECTIONS: usize = 16_384;

/// Idle connections that are kept to each endpoint, as many as `lb` keeps; Pingora's number stands in its program.
const POOL: usize = 128;

/// A proxy that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Peer {
    Lb,
    #[value(skip)]
    LbPlain,
    Nginx,
    Haproxy,
    Caddy,
    Pingora,
    /// `lb` that counts nothing
    LbQuiet,
    /// `lb` whose page somebody has open
    LbWatched,
    /// the same, with one request in a hundred traced
    LbSampled,
}

/// What a proxy is to do.
pub(crate) struct Setup<'a> {
    pub(crate) listen: SocketAddr,
    pub(crate) endpoints: [SocketAddr; ENDPOINTS],
    /// Its own folder, for its files.
    pub(crate) folder: &'a Path,
    /// Whether it writes an access log, into its folder.
    pub(crate) logs: bool,
}

/// Where the programs are that are built, not installed.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) lb: PathBuf,
    pub(crate) plain: Option<PathBuf>,
    pub(crate) pingora: Option<PathBuf>,
}

impl Peer {
    pub(crate) const ALL: [Self; 5] = [Self::Lb, Self::Nginx, Self::Haproxy, Self::Caddy, Self::Pingora];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lb => "lb",
            Self::LbPlain => "plain lb",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Caddy => "Caddy",
            Self::Pingora => "Pingora",
            Self::LbQuiet => "lb, everything off",
            Self::LbWatched => "lb, metrics on and a page open",
            Self::LbSampled => "lb, and 1 % traced",
        }
    }

    /// Those that show what it costs `lb` to be seen.
    pub(crate) const LOOKING: [Self; 3] = [Self::LbQuiet, Self::LbWatched, Self::LbSampled];

    /// Whether somebody has its page open.
    pub(crate) fn is_watched(self) -> bool {
        matches!(self, Self::LbWatched | Self::LbSampled)
    }

    /// Whether it can write an access log. Pingora leaves it to the program around it.
    pub(crate) fn has_log(self) -> bool {
        matches!(self, Self::Lb | Self::LbPlain | Self::Nginx | Self::Haproxy | Self::Caddy)
    }

    /// Whether valgrind can run it; it does not get along with Go's runtime.
    pub(crate) fn runs_in_valgrind(self) -> bool {
        self != Self::Caddy
    }

    fn program(self, programs: &Programs) -> PathBuf {
        match self {
            Self::Lb | Self::LbQuiet | Self::LbWatched | Self::LbSampled => programs.lb.clone(),
            Self::LbPlain => programs.plain.clone().unwrap_or_default(),
            Self::Nginx => "nginx".into(),
            Self::Haproxy => "haproxy".into(),
            Self::Caddy => "caddy".into(),
            Self::Pingora => programs.pingora.clone().unwrap_or_default(),
        }
    }

    /// Its version, as it tells it itself.
    pub(crate) fn version(self, programs: &Programs) -> Result<String> {
        let argument = match self {
            Self::Nginx | Self::Haproxy => "-v",
            Self::Lb | Self::LbPlain | Self::LbQuiet | Self::LbWatched | Self::LbSampled | Self::Pingora => "--version",
            Self::Caddy => "version",
        };
        let program = self.program(programs);
        let output = Command::new(&program).arg(argument).output();
        let output = output.with_context(|| format!("{} cannot be run", program.display()))?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let version = text.split([' ', '/', '\n']).find(|word| word.contains(|char: char| char.is_ascii_digit()));
        Ok(version.unwrap_or("of an unknown version").to_owned())
    }

    /// The program and its arguments, its files written.
    pub(crate) fn command(self, programs: &Programs, setup: &Setup<'_>) -> Result<Vec<String>> {
        let (file, text, arguments) = match self {
            Self::Lb | Self::LbPlain => lb::files(setup, Looking::Usual),
            Self::LbQuiet => lb::files(setup, Looking::Not),
            Self::LbWatched => lb::files(setup, Looking::Watched),
            Self::LbSampled => lb::files(setup, Looking::Sampled),
            Self::Nginx => nginx::files(setup),
            Self::Haproxy => haproxy::files(setup),
            Self::Caddy => caddy::files(setup),
            Self::Pingora => pingora::files(setup),
        };
        std::fs::write(setup.folder.join(file), text)?;
        let mut command = vec![self.program(programs).to_str().context("a path is text")?.to_owned()];
        command.extend(arguments);
        Ok(command)
    }
}

/// The name of a file, what is in it, and the arguments.
type Files = (&'static str, String, Vec<String>);

/// A text once for each endpoint, with the endpoint's number.
fn each(setup: &Setup<'_>, text: impl Fn(usize, SocketAddr) -> String) -> String {
    setup.endpoints.iter().enumerate().map(|(index, address)| text(index + 1, *address)).collect()
}
