//! The binary `lb-backend`: environment, log and signals around the library of the same name.
//!
//! It takes no arguments and reads no file; every setting is an environment variable (see `settings`). It exits with 0
//! after SIGTERM or SIGINT, with 2 if a setting is bad, and with 1 if it cannot listen.

mod settings;

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use lb_backend::Backend;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use settings::Settings;

// One thread: each of the demo's four servers does next to nothing, and the load balancer needs the CPUs.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(error) => return fail(2, &error),
    };
    match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error),
    }
}

async fn run(settings: Settings) -> io::Result<()> {
    let Settings { name, address, log } = settings;
    tracing_subscriber::fmt()
        .with_env_filter(log)
        .with_target(false)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();

    // Before the first line of the log: whoever has read that we listen may stop us.
    let stop = stop_signal()?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    lb_backend::serve(listener, Backend::new(name), stop).await
}

/// Is ready once SIGTERM (`docker stop`) or SIGINT (Ctrl-C) has come. It listens to them from this call on, polled or not.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Says why on stderr, whatever the log's filter is.
fn fail(code: u8, error: &dyn Display) -> ExitCode {
    eprintln!("lb-backend: {error}");
    ExitCode::from(code)
}
