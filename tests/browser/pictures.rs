//! The pictures in the README. `tests/pictures` takes them anew; otherwise they are only taken, so that the way there is tested.

use std::path::Path;

use super::on_page;
use super::page::Page;
use crate::support::Lb;

/// How many requests are answered before a picture is taken: charts and heatmap show something then. Whoever takes pictures for
/// the README lets the page fill.
fn enough() -> u64 {
    if std::env::var_os("LB_PICTURES").is_some() { 1500 } else { 100 }
}

/// A page with some life on it, so large that all of what is to be seen is.
async fn lively(page: &Page, height: u32) {
    page.resize(1280, height).await;
    page.run("document.documentElement.style.scrollbarWidth = 'none'").await;
    page.choose_rate(100).await;
    page.start_auto().await;
    page.wait_until("the page has filled", |seen| seen.answered() >= enough()).await;
}

/// Takes a picture of what is in the window.
async fn take(page: &Page, name: &str) {
    let picture = page.web().screenshot_as_png().await.expect("a picture");
    assert!(picture.starts_with(b"\x89PNG"));
    if let Some(folder) = std::env::var_os("LB_PICTURES") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder).join(name);
        std::fs::write(path, picture).expect("the picture can be written");
    }
}

async fn show(page: &Page, id: &str) {
    page.wait_for("it is offered", &format!("return !document.getElementById('{id}').hidden")).await;
    page.run(&format!("document.getElementById('{id}').scrollIntoView()")).await;
}

#[test]
fn all_is_well() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        lively(page, 1500).await;
        page.run("scrollTo(0, 0)").await;
        take(page, "page-well.png").await;
        page.stop_auto().await;
    });
}

#[test]
fn one_is_ejected() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        page.click("#theme").await;
        lively(page, 1000).await;
        page.toggle("web2", false).await;
        // lb tells its counts once a second; a second later probes will have changed its belief.
        page.wait_until("web2 is ejected, and its failures are told", |seen| {
            let web2 = seen.card("web2");
            web2.text("belief") == "ejected" && web2.text("attempts").ends_with("3 failed")
        })
        .await;
        // A click on a card may have moved the page.
        page.run("scrollTo(0, 0)").await;
        take(page, "page.png").await;
        page.stop_auto().await;
    });
}

#[test]
fn a_trace_is_open() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        lively(page, 620).await;
        page.toggle("web2", false).await;
        page.wait_until("web2 is out", |seen| seen.card("web2").is_out()).await;
        page.stop_auto().await;
        show(page, "traces").await;
        page.click("#traces-outcome option[value=retried]").await;
        page.wait_for("a trace is listed", "return Boolean(document.querySelector('[data-trace]'))").await;
        page.run("document.querySelector('[data-trace] button').click()").await;
        page.wait_for("it opens", "return Boolean(document.querySelector('.trace-detail'))").await;
        show(page, "traces").await;
        take(page, "page-trace.png").await;
    });
}

#[test]
fn a_drill_runs() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        lively(page, 620).await;
        show(page, "drills").await;
        page.wait_for("it may be run", "return !document.getElementById('drills-run').disabled").await;
        page.click("#drills-choice option[value=a-server-dies]").await;
        page.click("#drills-run").await;
        // Its first step comes after ten seconds.
        page.wait_for(
            "a step is done while others are to come",
            "return /done/.test(document.getElementById('drills-shown').innerText)",
        )
        .await;
        show(page, "drills").await;
        take(page, "page-drill.png").await;
        page.click("#drills-stop").await;
        page.run("scrollTo(0, 0)").await;
        page.stop_auto().await;
    });
}
