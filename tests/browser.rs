//! The page in a real Chromium: every button, every number, as a person sees and uses them.
//!
//! Each test has a browser of its own. Nothing waits for a time: the page is looked at until it shows what it should.

mod away;
mod axe;
mod chromium;
mod keyboard;
mod looks;
mod page;
mod panels;
mod pictures;
mod requests;
mod servers;
mod story;
mod time;
mod told;
mod tour;

use std::fmt::Display;
use std::net::SocketAddr;

use lb_common::backend::{STATUS_UPDATED, TOGGLE_PATH};

pub(crate) use tour::tour;

use crate::support::{Lb, get};
use page::Page;

/// Opens the page and hands it to the test.
fn on_page(url: &str, test: impl AsyncFnOnce(&Page)) {
    run(async {
        let page = Page::open(url).await;
        test(&page).await;
        page.close().await;
    });
}

/// Runs a test that has something to wait for.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("an event loop").block_on(test);
}

/// Tells a server of the demo, not through the page, to work or to simulate a failure.
fn toggle(address: SocketAddr, server: &str, active: bool) {
    let answer = get(address, &format!("{TOGGLE_PATH}?target={server}&active={active}"));
    assert!(answer.text().starts_with(STATUS_UPDATED), "{answer:?}");
}

/// The page before the servers of a demo, which is there only for them. Nothing is pinned, so a control meets whoever's
/// turn it is, and nobody probes: what lb believes changes by requests alone. `more` are further lines of the cluster.
fn before_the_servers_of(demo: &Lb, bind: &str, more: &str) -> String {
    let cluster = demo.status().clusters.remove(0);
    let endpoints: Vec<_> = cluster.endpoints.iter().map(|e| (e.name.as_str(), &e.address)).collect();
    before(&endpoints, bind, more)
}

/// The same before these servers, by name and address.
fn before(endpoints: &[(&str, impl Display)], bind: &str, more: &str) -> String {
    let endpoints = endpoints.iter().map(|(name, address)| format!("{{ name = \"{name}\", address = \"{address}\" }}"));
    let endpoints = endpoints.collect::<Vec<_>>().join(", ");
    format!(
        "workers = 2\n[[listeners]]\nbind = \"{bind}\"\n\
         [[routes]]\npath = \"/api\"\ncluster = \"web\"\ntrace = true\n\
         [[routes]]\npath = \"/control\"\ncluster = \"web\"\n\
         [[routes]]\npath = \"/lb\"\nadmin = true\n\
         [[routes]]\npath = \"/\"\nfiles = \"embedded\"\n\
         [clusters.web]\nendpoints = [{endpoints}]\n{more}\n"
    )
}

const ANY_PORT: &str = "127.0.0.1:0";

/// Nobody is ever ejected.
const NEVER_EJECT: &str = "health = { max-fails = 0 }";
