//! A headless Chromium of a test's own, led by a chromedriver of its own. Both are gone when it is dropped.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;
use thirtyfour::{ChromiumLikeCapabilities as _, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver};

/// What to do where one of the two is missing. Without them these tests fail: skipped tests would prove nothing.
const ADVICE: &str = "apt-get install chromium chromium-driver, or run tests/run, which does";

/// Nothing of the machine's own: no display, no profile, no traffic that the page did not ask for.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// What chromedriver says once it can be spoken to; a port and a full stop follow.
const STARTED: &str = "was started successfully on port ";

pub(crate) struct Chromium {
    web: WebDriver,
    /// The browser's process, while it runs.
    pid: Option<u64>,
    // In this order: the browser ends before its profile is removed.
    _chromedriver: Chromedriver,
    _profile: TempDir,
}

struct Chromedriver {
    process: Child,
    port: u16,
    // It writes more later, and would not survive a closed pipe.
    output: BufReader<ChildStdout>,
}

impl Chromium {
    pub(crate) async fn start() -> Self {
        let profile = tempfile::tempdir().expect("a folder for the profile");
        let chromedriver = Chromedriver::start();
        let web = WebDriver::new(format!("http://127.0.0.1:{}", chromedriver.port), capabilities(&profile)).await;
        let web = web.unwrap_or_else(|error| panic!("Chromium does not start; {ADVICE}: {error}"));
        let pid = web.capabilities().get("goog:processID").and_then(serde_json::Value::as_u64);
        assert!(pid.is_some(), "chromedriver says which process the browser is");
        Self { web, pid, _chromedriver: chromedriver, _profile: profile }
    }

    pub(crate) fn web(&self) -> &WebDriver {
        &self.web
    }

    /// Ends it in order. One that is only dropped is killed.
    pub(crate) async fn quit(mut self) {
        self.web.clone().quit().await.expect("the browser ends when told to");
        self.pid = None;
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Not chromedriver's part: killed, it leaves the browser running; asked, it may never answer.
        if let Some(pid) = self.pid {
            let _already_quit = self.web.clone().leak();
            let _gone = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
    }
}

/// A port that is free for one family of addresses may be taken for the other, and chromedriver gives up then.
const STARTS: usize = 10;

impl Chromedriver {
    fn start() -> Self {
        let mut said = String::new();
        for _ in 0..STARTS {
            match Self::try_to_start() {
                Ok(chromedriver) => return chromedriver,
                Err(last_words) => said = last_words,
            }
        }
        panic!("chromedriver ended at once, {STARTS} times; {ADVICE}. It said:\n{said}");
    }

    /// An error is what it said before it ended.
    fn try_to_start() -> Result<Self, String> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("chromedriver: {error}; {ADVICE}"));
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut chromedriver = Self { process, port: 0, output };
        chromedriver.port = chromedriver.wait_for_port()?;
        Ok(chromedriver)
    }

    fn wait_for_port(&mut self) -> Result<u16, String> {
        let mut said = String::new();
        loop {
            let start = said.len();
            let length = self.output.read_line(&mut said).expect("chromedriver writes text");
            if length == 0 {
                return Err(said);
            }
            if let Some((_, port)) = said[start..].split_once(STARTED) {
                return Ok(port.trim_end().trim_end_matches('.').parse().expect("a port"));
            }
        }
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn capabilities(profile: &TempDir) -> thirtyfour::ChromeCapabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    let profile = format!("--user-data-dir={}", profile.path().display());
    for flag in FLAGS.into_iter().chain([profile.as_str()]) {
        capabilities.add_arg(flag).expect("a flag is text");
    }
    let program = program().to_str().expect("its path is text").to_owned();
    capabilities.set_binary(&program).expect("a path is text");
    capabilities.set_browser_log_level(LoggingPrefsLogLevel::Severe).expect("a level is text");
    capabilities
}

/// The browser as the shell would find it: chromedriver itself looks for other names first.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("there is no chromium in PATH; {ADVICE}"))
}
