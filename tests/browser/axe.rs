//! The page before axe-core, which knows what those who hear a page, or see it otherwise, stumble over.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

use super::on_page;
use super::page::Page;
use crate::support::Lb;

/// Its version; another one finds other things.
const VERSION: &str = "4.14.1";

/// The script, which is installed from npm unless it is there.
fn script() -> String {
    // Of two tests that want it, only one installs it.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _alone = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("axe-{VERSION}"));
    let file: PathBuf = folder.join("node_modules/axe-core/axe.min.js");
    if !file.exists() {
        std::fs::create_dir_all(&folder).expect("a folder below target");
        std::fs::write(folder.join("package.json"), "{ \"private\": true }").expect("it can be written");
        let installed = Command::new("npm")
            .args(["install", "--save-exact", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
            .arg(&folder)
            .arg(format!("axe-core@{VERSION}"))
            .status();
        assert!(installed.expect("npm is there. hint: tests/run installs it").success());
    }
    std::fs::read_to_string(&file).expect("it is installed")
}

/// Demands that nothing serious is found in what the page shows now, in both themes, on a phone and on a desk.
async fn examine(page: &Page, script: &str, state: &str) {
    page.run(&format!("{script}; return true")).await;
    for (width, height) in [(360, 740), (1280, 900)] {
        page.resize(width, height).await;
        for theme in ["light", "dark"] {
            page.prefer(theme).await;
            let light = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((part) => part > 127)";
            assert_eq!(page.run(&format!("return {light}")).await, theme == "light", "{state}");
            page.run(
                "window.found = null;
                 // What fades is looked at when it has.
                 for (const one of document.getAnimations()) one.finish();
                 axe.run(document, { resultTypes: ['violations'] }).then((result) => { window.found = result.violations; })",
            )
            .await;
            page.wait_for("axe has looked at everything", "return window.found !== null").await;
            let found = page
                .run(
                    "return window.found.map(({ id, impact, help, nodes }) =>
                        ({ id, impact, help, where: nodes.map(({ target }) => target.join(' ')) }))",
                )
                .await;
            let found: Vec<Value> = serde_json::from_value(found).expect("a list");
            let (serious, lesser): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|one| one["impact"] == "serious" || one["impact"] == "critical");
            if !lesser.is_empty() {
                println!("axe, {state}, {theme}, {width} px, of little weight: {lesser:#?}");
            }
            assert_eq!(page.run(&format!("return {light}")).await, theme == "light", "{state}");
            assert!(serious.is_empty(), "{state}, {theme}, {width} px: {serious:#?}");
        }
    }
}

#[test]
fn axe_finds_nothing_serious_whatever_the_page_shows() {
    let script = script();
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        examine(page, &script, "before anything has happened").await;
        page.choose_rate(20).await;
        page.start_auto().await;
        page.wait_until("requests are answered", |seen| seen.answered() >= 20).await;
        page.toggle("web2", false).await;
        page.wait_until("web2 is out", |seen| seen.card("web2").is_out()).await;
        page.wait_for("traces are offered", "return !document.getElementById('traces').hidden").await;
        // They are asked for when somebody sees them.
        page.run("document.getElementById('traces').scrollIntoView()").await;
        page.wait_for("a trace is listed", "return Boolean(document.querySelector('[data-trace]'))").await;
        page.stop_auto().await;
        page.run("document.querySelector('[data-trace] button').click()").await;
        page.wait_for("it opens", "return Boolean(document.querySelector('.trace-detail'))").await;
        page.run("document.querySelector('[data-server=web3] summary').click()").await;
        page.wait_for("More opens", "return Boolean(document.querySelector('[data-server=web3] [data-action=drain]'))")
            .await;
        examine(page, &script, "one server out, a trace and More open").await;
        page.run("document.querySelector('[data-server=web3] [data-action=drain]').click()").await;
        page.wait_for("the dialog opens", "return document.getElementById('what-if').open").await;
        examine(page, &script, "the question what would follow").await;
    });
}
