//! The pictures in the README. `tests/pictures` takes them anew; otherwise they are only taken, so that the way there is tested.

use std::path::Path;

use thirtyfour::By;

use super::on_page;
use super::page::Page;
use crate::support::Lb;

/// Above what is shown and below it, in pixels: never so much that the next thing comes into the picture.
const ABOVE: u32 = 16;
const BELOW: u32 = 8;

/// A drill that shows something within seconds.
const DRILL: &str = "title = \"web2 fails half of its requests, then web3 is slow\"
steps = [\"at 3s errors 503 50% web2 for 10s\", \"at 6s latency 200ms web3 for 10s\"]
expect = [\"error-rate <= 0%\", \"p99 < 500ms\", \"attempts-per-request < 1.2\", \"ejections >= 1\"]

[world]
rate = 100
length = \"20s\"

[cluster]
endpoints = 4
";

/// Where pictures are to be left; nobody wants them otherwise.
fn folder() -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("LB_PICTURES")?;
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder))
}

/// Lets that many more requests be answered at that rate.
async fn live(page: &Page, rate: u32, requests: u64) {
    let before = page.seen().await.answered();
    page.choose_rate(rate).await;
    page.wait_until("they are answered", |seen| seen.answered() >= before + requests).await;
}

/// A page with some life behind it: whoever takes pictures lets the charts fill, which takes four minutes.
async fn lively(page: &Page) {
    page.choose_rate(100).await;
    page.start_auto().await;
    if folder().is_none() {
        return live(page, 100, 100).await;
    }
    // Something goes wrong meanwhile, and is mended.
    for server in ["web3", "web1"] {
        live(page, 20, 300).await;
        live(page, 100, 1500).await;
        page.toggle(server, false).await;
        page.wait_until("it is down", |seen| seen.card(server).text("belief") == "down").await;
        live(page, 20, 200).await;
        page.toggle(server, true).await;
        page.wait_until("it is back", |seen| seen.card(server).text("belief") == "up").await;
        live(page, 20, 300).await;
        live(page, 100, 1500).await;
        live(page, 20, 400).await;
    }
    live(page, 100, 1500).await;
}

/// Takes a picture of all that is between the first element's upper edge and the other's lower one.
async fn take(page: &Page, from: &str, to: &str, name: &str) {
    // A control that has the focus looks as if somebody were about to press it.
    let script = format!(
        "document.activeElement.blur();
         const [from, to] = ['{from}', '{to}'].map((one) => document.querySelector(one).getBoundingClientRect());
         return [Math.floor(from.top + scrollY), Math.ceil(to.bottom + scrollY)]"
    );
    let [top, bottom]: [u32; 2] = serde_json::from_value(page.run(&script).await).expect("two places");
    let top = top.saturating_sub(ABOVE);
    page.resize(1280, bottom + BELOW - top).await;
    page.run(&format!("scrollTo(0, {top})")).await;
    let picture = page.web().screenshot_as_png().await.expect("a picture");
    assert!(picture.starts_with(b"\x89PNG"));
    if let Some(folder) = folder() {
        std::fs::write(folder.join(name), picture).expect("the picture can be written");
    }
}

#[test]
fn pictures_show_the_page_when_all_is_well_when_a_server_is_ejected_a_trace_and_a_drill() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        page.resize(1280, 1000).await;
        page.hide_scrollbars().await;
        page.prefer("light").await;
        lively(page).await;
        take(page, "body", ".chart[data-chart=retries]", "page-well.png").await;

        page.resize(1280, 1000).await;
        page.toggle("web2", false).await;
        // lb tells its counts once a second; another second later its probes may have changed its belief.
        let seen = page
            .wait_until("web2 is out, and its failures are told", |seen| {
                seen.card("web2").is_out() && !seen.card("web2").text("attempts").ends_with(" 0 failed")
            })
            .await;
        if folder().is_some() {
            assert_eq!(seen.card("web2").text("belief"), "ejected", "the probes were quicker. hint: take them anew");
        }
        take(page, "body", "#servers", "page.png").await;
        page.wait_until("web2 is out", |seen| seen.card("web2").is_out()).await;
        page.stop_auto().await;

        open_a_trace(page).await;
        take(page, "#traces", "#traces", "page-trace.png").await;

        page.resize(1280, 1000).await;
        page.toggle("web2", true).await;
        // Who is to be tried needs somebody who asks.
        page.choose_rate(20).await;
        page.start_auto().await;
        page.wait_until("web2 is back", |seen| seen.card("web2").text("belief") == "up").await;
        page.prefer("dark").await;
        begin_a_drill(page).await;
        take(page, "#drills", "#drills", "page-drill.png").await;
        page.click("#drills-stop").await;
        page.wait_for("it is stopped", "return document.getElementById('drills-stop').hidden").await;
        page.stop_auto().await;
    });
}

async fn show(page: &Page, id: &str) {
    page.wait_for("it is offered", &format!("return !document.getElementById('{id}').hidden")).await;
    page.run(&format!("document.getElementById('{id}').scrollIntoView()")).await;
}

/// Opens a request that met web2 and was answered by another one.
async fn open_a_trace(page: &Page) {
    show(page, "traces").await;
    page.click("#traces-outcome option[value=retried]").await;
    let listed = "const all = document.querySelectorAll('[data-trace]').length;
                  return all > 0 && all === document.querySelectorAll('[data-trace] [data-field=attempts] .state + .state').length";
    page.wait_for("only those that were retried are listed", listed).await;
    page.run("document.querySelector('[data-trace] button').click()").await;
    page.wait_for("it opens", "return Boolean(document.querySelector('.trace-detail'))").await;
}

/// Begins a drill of its own, and waits until it does something.
async fn begin_a_drill(page: &Page) {
    show(page, "drills").await;
    page.wait_for("drills are told", "return document.querySelectorAll('#drills-choice option').length > 1").await;
    page.click("#drills-choice option[value='']").await;
    let text = page.web().find(By::Css("#drills-text")).await.expect("a place for the drill's file");
    text.send_keys(DRILL).await.expect("it is typed");
    page.run("document.getElementById('drills-text').scrollTop = 0").await;
    page.click("#drills-run").await;
    let done = "return document.querySelectorAll('#drills-shown [data-field=steps] [data-state=up]').length === 2";
    page.wait_for("both things go wrong", done).await;
    let steps = page.run("return document.querySelector('#drills-shown [data-field=steps]').innerText").await;
    let steps = steps.as_str().expect("a text");
    assert!(steps.contains("web2: 50 %") && steps.contains("web3: answers take 200 ms longer"), "{steps}");
}
