//! The command line: what can be asked of the program, and how it ends.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, LocalOptions};

use crate::config::{self, Config};
use crate::{demo, drill, logging, run, simulate};

/// A load balancer that shows every decision it takes.
///
/// Without a command it reads lb.toml and serves until it is told to stop: SIGTERM or Ctrl-C let requests under way
/// finish, a second one does not wait. SIGHUP reloads the file, unless that is wrong; SIGUSR1 opens the access log anew.
#[derive(Debug, Parser)]
#[command(name = "lb", version, after_help = AFTER_HELP)]
struct Arguments {
    /// The configuration file
    #[arg(long, short, global = true, value_name = "PATH", default_value = "lb.toml")]
    config: PathBuf,

    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  lb demo                     four servers, a load balancer and a page to break things on
  lb check                    says all that is wrong with lb.toml, line by line
  lb --config /etc/lb.toml    serves
  lb drill docs/drills/*.toml what goes wrong, and whether it comes out as expected
  lb simulate --endpoints 10000 --rate 50000 --fail \"at 10s kill 30%\"
                              tells how that would go

Environment:
  LB_LOG    what is logged: error, warn, info (the default), debug, or per module, as in lb_proxy=debug

Exit status: 0 done or stopped in time; 1 the configuration is wrong, an address cannot be used, or requests
had to be cut off at the end; 2 the command line is wrong.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Says whether the configuration is good; if not, all that is wrong with it
    Check,

    /// Starts four servers and a load balancer before them, with a page to watch and break them
    ///
    /// Needs no configuration file and works from any folder.
    Demo {
        /// Where the load balancer listens; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
    },

    /// Tells how a cluster of the configuration would do: the balancing of production in virtual time
    #[command(after_help = simulate::STEPS)]
    Simulate(simulate::Arguments),

    /// Plays what goes wrong in virtual time, and holds what comes of it against what is expected
    ///
    /// docs/balancing.md tells how a drill is written; docs/drills has some. Exits with 1 if an expectation is broken.
    Drill(drill::Arguments),
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Check) => match load(&arguments.config) {
            Ok(config) => {
                say(&format!("{} is good: {config}", arguments.config.display()));
                ExitCode::SUCCESS
            }
            Err(failed) => failed,
        },
        Some(Command::Demo { listen }) => {
            logging::start("warn");
            block_on(demo::run(listen))
        }
        Some(Command::Simulate(simulation)) => match load(&arguments.config) {
            Ok(config) => simulate::run(&config, simulation),
            Err(failed) => failed,
        },
        Some(Command::Drill(drills)) => drill::run(&drills),
        None => {
            logging::start("info");
            match load(&arguments.config) {
                Ok(config) => block_on(run::run(&arguments.config, config)),
                Err(failed) => failed,
            }
        }
    }
}

fn load(path: &Path) -> Result<Config, ExitCode> {
    config::load(path).map_err(|problems| {
        complain(&problems.to_string());
        ExitCode::FAILURE
    })
}

fn block_on(program: impl Future<Output = Result<(), run::Failed>>) -> ExitCode {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    let result = match runtime {
        Ok(runtime) => runtime.block_on(program),
        Err(error) => Err(run::Failed::Runtime(error)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            complain(&format!("lb: {failed}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Says one line to whoever called the program. That nobody listens is no failure.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Says what is wrong to whoever called the program.
pub(crate) fn complain(text: &str) {
    let _closed = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
