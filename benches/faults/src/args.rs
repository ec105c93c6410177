//! What the command line says.

use std::path::PathBuf;

use crate::peers::Peer;

/// What to do.
pub(crate) enum Args {
    /// Be a backend, for another process of this program.
    Backend { port: u16 },
    Compare {
        /// The binary of `lb`.
        lb: PathBuf,
        peers: Vec<Peer>,
        /// Only lines whose name holds this.
        only: Option<String>,
        /// Where the page goes, if one is to be written.
        write: Option<PathBuf>,
    },
}

const USAGE: &str = "faults --lb PATH [--write PAGE] [--only WORDS] [--peers lb,nginx,haproxy]";

impl Args {
    /// Reads them, without the program's own name.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut lb, mut only, mut write, mut peers) = (None, None, None, Peer::ALL.to_vec());
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a value. {USAGE}"))?;
            match word.as_str() {
                "backend" => {
                    let port = value.parse().map_err(|_| format!("{value} is not a port"))?;
                    return Ok(Self::Backend { port });
                }
                "--lb" => {
                    let path = PathBuf::from(&value);
                    // The proxy starts in a folder of its own.
                    lb = Some(path.canonicalize().map_err(|error| format!("{value}: {error}"))?);
                }
                "--only" => only = Some(value),
                "--write" => write = Some(PathBuf::from(value)),
                "--peers" => peers = value.split(',').map(Peer::named).collect::<Result<_, _>>()?,
                _ => return Err(format!("{word} is not known. {USAGE}")),
            }
        }
        Ok(Self::Compare { lb: lb.ok_or_else(|| USAGE.to_owned())?, peers, only, write })
    }
}
