//! What the page draws of requests and of time: the flow, the charts, the events, the heatmap, the numbers.

use serde_json::{Value, json};
use thirtyfour::Key;

use super::page::Page;
use super::{ANY_PORT, NEVER_EJECT, before_the_servers_of, on_page, toggle};
use crate::support::Lb;

/// No other test listens on this address, so the kernel gives the port away to nobody while it is free.
const ALONE: &str = "127.83.0.2";

/// The text that a screen reader is told of the slider of that id.
async fn told(page: &Page, id: &str) -> String {
    let told = page.run(&format!("return document.getElementById('{id}').getAttribute('aria-valuetext')")).await;
    told.as_str().expect("a slider tells its value in words").to_owned()
}

/// Sends requests until the charts show some, and no more.
async fn send_until_counted(page: &Page) {
    page.choose_rate(20).await;
    page.start_auto().await;
    let counted =
        "return /from clients (?!0\\/s)/.test(document.getElementById('charts').getAttribute('aria-valuetext'))";
    page.wait_for("requests are counted", counted).await;
    page.stop_auto().await;
}

#[test]
fn the_flow_has_every_server_and_sets_apart_the_one_that_fails() {
    let demo = Lb::demo();
    let lb = Lb::with_config(&before_the_servers_of(&demo, ANY_PORT, "health = { eject-time = \"10m\" }"));
    on_page(&lb.url(), async |page| {
        let names =
            "return [...document.querySelectorAll('.flow-node [data-field=name]')].map((one) => one.textContent)";
        assert_eq!(page.run(names).await, json!(["web1", "web2", "web3", "web4"]));
        page.toggle("web2", false).await;
        page.choose_rate(20).await;
        page.start_auto().await;
        page.wait_until("web2 is ejected", |seen| seen.card("web2").text("belief") == "ejected").await;
        page.wait_for(
            "its node says so, with the time that is left",
            "
            const node = document.querySelectorAll('.flow-node')[1];
            const words = node.querySelector('[data-field=words]').textContent;
            return node.dataset.belief === 'ejected' && /^Ejected \\d+\u{a0}s$/.test(words)",
        )
        .await;
        let apart =
            "const left = [...document.querySelectorAll('.flow-node')].map((one) => one.getBoundingClientRect().left);
            return left.map((one) => one > Math.min(...left))";
        assert_eq!(page.run(apart).await, json!([false, true, false, false]));
        page.wait_for(
            "the sentence says so, too",
            "
            const sentence = document.getElementById('flow-sentence').textContent;
            return sentence.includes('3 of 4 endpoints are up; web2 is ejected.')",
        )
        .await;
        page.stop_auto().await;
    });
}

#[test]
fn the_charts_tell_their_values_at_the_moment_that_the_keys_choose() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        send_until_counted(page).await;
        page.run("document.getElementById('charts').focus()").await;
        page.press(Key::Home).await;
        page.wait_for(
            "the cursor stands in all charts",
            "
            const lines = [...document.querySelectorAll('.u-cursor-x')].map((one) => one.style.transform);
            return lines.length === 4 && new Set(lines).size === 1 && !lines[0].includes('(-10px')",
        )
        .await;
        let first = told(page, "charts").await;
        assert!(first.contains("web4 0/s") && first.contains("p99 –"), "before the first request: {first}");
        for chart in ["requests", "errors", "latency", "retries"] {
            let legend = format!("return document.querySelector('[data-chart={chart}] .legend').textContent");
            let legend = page.run(&legend).await;
            assert!(legend.as_str().is_some_and(|text| text.contains("0/s") || text.contains('–')), "{legend}");
        }
    });
}

#[test]
fn the_charts_are_drawn_anew_at_once_in_another_theme() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        send_until_counted(page).await;
        let axis = "const canvas = document.querySelector('[data-chart=latency] canvas');
            const { data } = canvas.getContext('2d').getImageData(0, 0, 40, canvas.height);
            let [sum, count] = [0, 0];
            for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) { sum += data[i]; count += 1; }
            return count > 0 ? sum / count : null;";
        let mut brightness = Vec::new();
        for theme in ["light", "dark"] {
            page.click("#theme").await;
            page.wait_until("the theme is another", |seen| seen.text("theme") == format!("Theme: {theme}")).await;
            page.wait_for(
                "two frames are drawn",
                "return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))",
            )
            .await;
            brightness.push(page.run(axis).await.as_f64().expect("numbers stand at the axis"));
        }
        assert!(brightness[0] + 60.0 < brightness[1], "light on dark after dark on light: {brightness:?}");
    });
}

#[test]
fn a_cell_of_the_heatmap_asks_for_traces_as_lb_takes_it() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        send_until_counted(page).await;
        page.run("document.addEventListener('show-traces', ({ detail }) => { window.asked = detail; })").await;
        page.run("document.getElementById('heatmap').focus()").await;
        page.press(Key::Left).await;
        page.press(Key::Up).await;
        let cell = told(page, "heatmap").await;
        page.press(Key::Enter).await;
        let asked = page.run("return window.asked").await;
        let (title, query) = (asked["title"].as_str().expect("a title"), asked["query"].as_str().expect("a query"));
        let moment = cell.split(',').next().expect("a cell names its time first");
        assert!(title.starts_with(&format!("Requests from {moment}")), "{title}, of {cell}");
        let script = format!(
            "const answer = await fetch('/lb/v1/traces?{query}');
            return [answer.status, Array.isArray((await answer.json()).traces)]"
        );
        let answer: Value = page.run(&script).await;
        assert_eq!(answer, json!([200, true]), "{query}");
    });
}

#[test]
fn an_lb_that_was_started_again_tells_what_happened_since_and_nothing_twice() {
    const PROBED: &str = "probe = { path = \"/health\", interval = \"200ms\", fall = 1, rise = 1 }";
    let demo = Lb::demo();
    let lb = Lb::with_config(&before_the_servers_of(&demo, &format!("{ALONE}:0"), PROBED));
    let (url, address) = (lb.url(), lb.address().to_string());
    let listed = |words: &str| {
        let items = "return [...document.querySelectorAll('#happened li')]";
        format!("{items}.filter((one) => one.textContent.includes('{words}')).length")
    };
    let (starts, failures, recoveries) =
        (listed(" started"), listed("web2’s probe failed"), listed("web2’s probe succ"));
    on_page(&url, async |page| {
        for round in 1..=2 {
            toggle(demo.address(), "web2", false);
            page.wait_for("a probe has failed", &format!("{failures} === {round}")).await;
            toggle(demo.address(), "web2", true);
            page.wait_for("a probe has succeeded", &format!("{recoveries} === {round}")).await;
        }
        drop(lb);
        page.wait_until("lb is missed", |seen| seen.text("connection").ends_with("reconnecting")).await;
        let lost = "
            const { textContent } = document.getElementById('heard');
            return /^Connection to lb lost \\d+ s ago; trying again\\. What is shown is as of /.test(textContent)
              && getComputedStyle(document.querySelector('.goes-stale')).opacity !== '1'";
        page.wait_for("it is said since when, and what is shown looks old", lost).await;

        let lb = Lb::with_config(&before_the_servers_of(&demo, &address, PROBED));
        page.wait_until("lb is back", |seen| seen.text("connection").ends_with("live")).await;
        page.wait_for("both starts are told", &format!("{starts} === 2")).await;
        page.wait_until("web2 is probed", |seen| seen.card("web2").text("says") == "active").await;
        // Events are numbered anew: asked for those after the last number of before, lb would not tell these.
        toggle(demo.address(), "web2", false);
        page.wait_for("a failure is told, once", &format!("{failures} === 3")).await;
        toggle(demo.address(), "web2", true);
        page.wait_for("its end is told, once", &format!("{recoveries} === 3")).await;
        assert_eq!((page.run(&starts).await, page.run(&failures).await), (json!(2), json!(3)));
        drop(lb);
    });
}

#[test]
fn without_the_demos_controls_four_numbers_tell_of_all_clients() {
    let demo = Lb::demo();
    let config = before_the_servers_of(&demo, ANY_PORT, NEVER_EJECT)
        .replace("[[routes]]\npath = \"/control\"\ncluster = \"web\"\n", "");
    let lb = Lb::with_config(&config);
    on_page(&lb.url(), async |page| {
        page.choose_rate(20).await;
        page.start_auto().await;
        page.wait_for("they are told", "
            const [rate, success, p99, retries] = ['rate', 'success', 'p99', 'retries']
              .map((name) => document.getElementById(`number-${name}`));
            return rate.checkVisibility() && /^[1-9][0-9.]*\\/s$/.test(rate.textContent) && success.textContent === '100 %'
              && / ms$/.test(p99.textContent) && retries.textContent === '0.000'").await;
        page.stop_auto().await;
    });
}
