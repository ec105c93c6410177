//! Runs `docker-compose` and `docker`, in a project of its own, and cleans up whatever happens.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};
use std::time::Duration;

use crate::support::wait_until;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

const NO_ENGINE: &str = "this test runs containers: start Docker, or run `tests/run`, which brings an engine up";

/// The containers of docker-compose.yml, until it is dropped.
pub(super) struct Compose {
    project: String,
    /// `docker-compose`, or the plugin of `docker`.
    program: &'static [&'static str],
    is_down: bool,
}

impl Compose {
    /// Builds the images and waits until every container says that it is healthy.
    pub(super) fn up() -> Self {
        if let Err(why) = run(Command::new("docker").arg("ps")) {
            panic!("{NO_ENGINE}\n{why}");
        }
        let is_there = |program: &&[&str]| run(Command::new(program[0]).args(&program[1..]).arg("version")).is_ok();
        let programs: [&[&str]; 2] = [&["docker-compose"], &["docker", "compose"]];
        let Some(program) = programs.into_iter().find(is_there) else { panic!("no docker-compose: {NO_ENGINE}") };
        // A name of its own, so that neither a demo that somebody runs nor another test gets in the way.
        let compose = Self { project: format!("lbtest{}", std::process::id()), program, is_down: false };
        compose.run(&["up", "--build", "--detach"]);
        let containers = compose.run(&["ps", "-q"]);
        let containers: Vec<_> = containers.lines().collect();
        assert_eq!(containers.len(), 5, "four servers and a load balancer");
        let mut health = ["inspect", "--format", "{{.State.Health.Status}}"].to_vec();
        health.extend(containers);
        wait_until("every container is healthy", || {
            // Each look is a process; no need to start more than a few a second.
            std::thread::park_timeout(Duration::from_millis(200));
            docker(&health).lines().all(|status| status == "healthy")
        });
        compose
    }

    /// Where a service's port is reached from here.
    pub(super) fn address(&self, service: &str, port: u16) -> SocketAddr {
        let published = self.run(&["port", service, &port.to_string()]);
        let port = published.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("{service} is published as {published:?}"));
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// `docker kill`: no signal that could be handled, no time to say goodbye.
    pub(super) fn kill(&self, service: &str) {
        docker(&["kill", self.container(service).trim()]);
    }

    pub(super) fn start(&self, service: &str) {
        docker(&["start", self.container(service).trim()]);
    }

    /// All that a service has written so far.
    pub(super) fn log(&self, service: &str) -> String {
        self.run(&["logs", "--no-color", service])
    }

    /// Stops and removes all; then nothing of the project may be left.
    pub(super) fn down(mut self) {
        self.run(&["down"]);
        self.is_down = true;
        let label = format!("label=com.docker.compose.project={}", self.project);
        for what in ["container", "network", "volume"] {
            let all: &[&str] = if what == "container" { &["--all"] } else { &[] };
            let left = docker(&[&[what, "ls", "--filter", &label], all, &["--quiet"]].concat());
            assert!(left.is_empty(), "{what} is left: {left}");
        }
    }

    fn container(&self, service: &str) -> String {
        self.run(&["ps", "-aq", service])
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments).unwrap_or_else(|why| panic!("{why}"))
    }

    fn try_run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(self.program[0]);
        command.args(&self.program[1..]).args(["-f", "docker-compose.yml", "-p", &self.project]).args(arguments);
        // Port 0: whichever is free.
        run(command.current_dir(FOLDER).env("LB_PORT", "0"))
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        if self.is_down {
            return;
        }
        // The test has failed: tell what can be told, and clean up all the same.
        for arguments in [&["ps"][..], &["logs", "--no-color", "loadbalancer"], &["down"]] {
            let said = self.try_run(arguments).unwrap_or_else(|why| why);
            eprintln!("--- {}:\n{said}---", arguments[0]);
        }
    }
}

fn docker(arguments: &[&str]) -> String {
    run(Command::new("docker").args(arguments)).unwrap_or_else(|why| panic!("{why}"))
}

/// What it wrote to stdout; what it was and all that it wrote, if it fails.
fn run(command: &mut Command) -> Result<String, String> {
    let Output { status, stdout, stderr } = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    if status.success() { Ok(out.into_owned()) } else { Err(format!("{command:?}: {status}\n{out}{err}")) }
}
