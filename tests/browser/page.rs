//! The page in a browser: what a person sees on it, and what a person does with it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::{By, Key, RequestData, SessionId, WebDriver};

use super::chromium::Chromium;
use crate::support::PATIENCE;

/// How often the page is looked at while a test waits for something on it.
const PAUSE: Duration = Duration::from_millis(20);

/// So Chromium calls it when it drops requests because an interface came or went, as with each container that the tests
/// next door start. A script or a sheet of the page that meets this is missing until the page is loaded again.
const NETWORK_CHANGED: &str = "ERR_NETWORK_CHANGED";

pub(crate) struct Page {
    chromium: Chromium,
}

/// What the page showed at one moment, between two frames; `seen.js` says what there is.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    page: HashMap<String, String>,
    pub(crate) cards: Vec<Card>,
}

/// A server's card.
#[derive(Debug, Clone)]
pub(crate) struct Card(HashMap<String, String>);

impl Page {
    /// Opens it in a new browser and waits until it shows the servers.
    pub(crate) async fn open(url: &str) -> Self {
        let page = Self { chromium: Chromium::start().await };
        if let Err(error) = page.web().goto(url).await {
            assert!(error.to_string().contains(NETWORK_CHANGED), "the page cannot be loaded: {error}");
            page.web().goto(url).await.expect("the page is loaded");
        }
        page.wait_until_ready().await;
        page
    }

    pub(crate) async fn reload(&self) {
        self.web().refresh().await.expect("the page is loaded again");
        self.wait_until_ready().await;
    }

    pub(crate) async fn close(self) {
        self.chromium.quit().await;
    }

    pub(crate) fn web(&self) -> &WebDriver {
        self.chromium.web()
    }

    async fn wait_until_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // In this order: when the page says that it is ready, all that it consists of has been asked for and has come, or
            // has not, and that is in the log by then.
            let is_ready = self.run("return document.documentElement.dataset.ready ?? ''").await == "true";
            let complaints = self.log().await;
            // Also of a page that is ready: what is missing may be its stylesheet.
            if complaints.iter().any(|complaint| complaint.contains(NETWORK_CHANGED)) {
                self.web().refresh().await.expect("the page is loaded again");
            } else if is_ready {
                return;
            }
            assert!(Instant::now() < deadline, "the page does not get ready: {complaints:#?}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What the browser has found wrong since it was asked last.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.log().await;
        log.into_iter().filter(|complaint| !complaint.contains(NETWORK_CHANGED)).collect()
    }

    async fn log(&self) -> Vec<String> {
        let log = self.web().browser_log().await.expect("the browser tells its log");
        log.into_iter().map(|entry| entry.message).collect()
    }

    /// What it shows now.
    pub(crate) async fn seen(&self) -> Seen {
        let seen = self.run(include_str!("seen.js")).await;
        let (page, cards): (_, Vec<_>) = serde_json::from_value(seen).expect("seen.js gives texts");
        Seen { page, cards: cards.into_iter().map(Card).collect() }
    }

    /// Looks again and again until it shows that, and gives what it showed then.
    pub(crate) async fn wait_until(&self, what: &str, shows: impl Fn(&Seen) -> bool) -> Seen {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.seen().await;
            if shows(&seen) {
                return seen;
            }
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain until {what}; the page shows {seen:#?}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Runs the body of a function in the page again and again until it gives true.
    pub(crate) async fn wait_for(&self, what: &str, script: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.run(script).await != true {
            let shown = self.run("return document.querySelector('main').innerText").await;
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain until {what}; the page shows {shown}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Runs the body of a function in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.web().execute(script, Vec::new()).await.expect("the script runs").json().clone()
    }

    /// Clicks where a person would; fails if it is hidden or something lies over it.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.web().find(By::Css(selector)).await;
        let element = element.unwrap_or_else(|error| panic!("there is no {selector}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{selector} cannot be clicked: {error}"));
    }

    /// Clicks a server's main button, which must be labelled so.
    pub(crate) async fn click_on_card(&self, server: &str, label: &str) {
        assert_eq!(self.seen().await.card(server).text("button"), label);
        self.click(&format!("[data-server={server}] [data-action=toggle]")).await;
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn press(&self, key: impl Into<char>) {
        self.web().action_chain().send_keys(key.into()).perform().await.expect("the key is pressed");
    }

    pub(crate) async fn press_escape(&self) {
        self.press(Key::Escape).await;
    }

    /// Chooses how many automatic requests a second.
    pub(crate) async fn choose_rate(&self, rate: u32) {
        self.click(&format!("#rate option[value=\"{rate}\"]")).await;
    }

    /// Sends a single request by the button and waits for its answer.
    pub(crate) async fn send(&self) -> Seen {
        let before = self.seen().await;
        self.click("#send").await;
        self.wait_until("the request is answered", |seen| {
            let none_came = seen.text("last-status") == "No answer" && before.text("last-status") != "No answer";
            seen.answered() == before.answered() + 1 || none_came
        })
        .await
    }

    /// Simulates a failure of that server by its button, or ends it.
    pub(crate) async fn toggle(&self, server: &str, active: bool) -> Seen {
        let (label, says) = if active { ("Restore Server", "active") } else { ("Simulate Failure", "inactive") };
        self.click_on_card(server, label).await;
        self.wait_until(&format!("{server} says that it is {says}"), |seen| seen.card(server).text("says") == says)
            .await
    }

    /// Stops the automatic requests by the button, and waits for the answers that are under way.
    pub(crate) async fn stop_auto(&self) -> Seen {
        assert_eq!(self.seen().await.text("auto"), "Stop Auto Requests");
        self.click("#auto").await;
        self.wait_until("all is answered and nothing more is sent", |seen| {
            seen.text("auto") == "Start Auto Requests" && seen.number("total-sent") == seen.answered()
        })
        .await
    }

    pub(crate) async fn start_auto(&self) {
        assert_eq!(self.seen().await.text("auto"), "Start Auto Requests");
        self.click("#auto").await;
        self.wait_until("automatic requests are sent", |seen| seen.text("auto") == "Stop Auto Requests").await;
    }

    /// Makes the window's inside so large, also narrower than any window can be.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let command = DevTools("Emulation.setDeviceMetricsOverride", metrics);
        self.web().cmd(command).await.expect("the window is resized");
        self.wait_for("the page has its new width", &format!("return innerWidth === {width}")).await;
        // What is drawn by script follows in the next frame.
        let frames = "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))";
        self.web().execute_async(frames, Vec::new()).await.expect("frames are drawn");
    }

    /// Makes the system prefer `light` or `dark`, which the page follows. A theme that a script sets lasts only until the page
    /// draws its own.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        let command = DevTools("Emulation.setEmulatedMedia", features);
        self.web().cmd(command).await.expect("the system prefers it");
        let follows = format!("return matchMedia('(prefers-color-scheme: {scheme})').matches");
        self.wait_for("the page hears of it", &follows).await;
    }

    /// For pictures: what is scrolled is told apart by nothing else.
    pub(crate) async fn hide_scrollbars(&self) {
        let command = DevTools("Emulation.setScrollbarsHidden", json!({ "hidden": true }));
        self.web().cmd(command).await.expect("the scrollbars are hidden");
    }
}

impl Seen {
    /// The text of that id; empty if it is hidden.
    pub(crate) fn text(&self, id: &str) -> &str {
        self.page.get(id).unwrap_or_else(|| panic!("seen.js does not look at #{id}"))
    }

    pub(crate) fn number(&self, id: &str) -> u64 {
        self.text(id).parse().unwrap_or_else(|_| panic!("#{id} shows no number: {self:#?}"))
    }

    pub(crate) fn card(&self, server: &str) -> &Card {
        let card = self.cards.iter().find(|card| card.text("name") == server);
        card.unwrap_or_else(|| panic!("there is no card of {server}: {self:#?}"))
    }

    /// That field of every card, in the order of the cards.
    pub(crate) fn column(&self, field: &str) -> Vec<&str> {
        self.cards.iter().map(|card| card.text(field)).collect()
    }

    /// How many requests the servers answered, by the cards.
    pub(crate) fn answered(&self) -> u64 {
        self.cards.iter().map(Card::count).sum()
    }
}

impl Card {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.0.get(field).unwrap_or_else(|| panic!("seen.js does not look at a card's {field}"))
    }

    /// How many requests it answered.
    pub(crate) fn count(&self) -> u64 {
        self.text("count").parse().expect("a count is a number")
    }

    /// Whether it is out, by probes or by requests: which of them notice first is a matter of time.
    pub(crate) fn is_out(&self) -> bool {
        ["ejected", "down"].contains(&self.text("belief"))
    }
}

/// A command of the Chrome `DevTools` Protocol with its parameters.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl FormatRequestData for DevTools {
    fn format_request(&self, session: &SessionId) -> RequestData {
        let Self(command, parameters) = self;
        RequestData::new(Method::POST, format!("session/{session}/goog/cdp/execute"))
            .add_body(json!({ "cmd": command, "params": parameters }))
    }
}
