//! What the cards show is true, whoever made it so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lb_common::backend::{HEALTH_PATH, Health};

use super::{ANY_PORT, NEVER_EJECT, before_the_servers_of, on_page, toggle};
use crate::support::{Endpoint, Lb, Reply, get};

/// In how many seconds the cards are promised to be right is 2; a machine may be slow, and this is not the measurement.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn a_server_that_fails_without_the_pages_doing_shows_so_at_once_and_after_a_reload() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        for (active, words) in [(false, "INACTIVE (simulated failure)"), (true, "ACTIVE")] {
            toggle(lb.address(), "web3", active);
            let toggled = Instant::now();
            page.wait_until("web3's card is right", |seen| seen.card("web3").text("says-words") == words).await;
            let took = toggled.elapsed();
            println!("the card said {words} {took:?} after the server did");
            assert!(took < SOON);

            let reloaded = Instant::now();
            page.reload().await;
            let right = |seen: &super::page::Seen| {
                let others = ["web1", "web2", "web4"];
                seen.card("web3").text("says-words") == words
                    && others.iter().all(|name| seen.card(name).text("says-words") == "ACTIVE")
            };
            page.wait_until("all cards are right after a reload", right).await;
            let took = reloaded.elapsed();
            println!("all cards were right {took:?} after a reload began");
            assert!(took < SOON);
        }
    });
}

#[test]
fn a_server_that_drains_is_told_from_the_others_by_word_shape_and_colour() {
    let demo = Lb::demo();
    let config = before_the_servers_of(&demo, ANY_PORT, NEVER_EJECT).replace("\"web4\"", "\"web4\", draining = true");
    let lb = Lb::with_config(&config);
    on_page(&lb.url(), async |page| {
        page.wait_until("it is said", |seen| seen.column("belief-words") == ["Up", "Up", "Up", "Draining"]).await;
        for scheme in ["light", "dark"] {
            // Contrast as in WCAG 2.2, 1.4.3.
            let script = format!(
                "const card = document.querySelector('[data-server=\"web4\"]');
                 card.style.transition = 'none';
                 document.documentElement.dataset.theme = '{scheme}';
                 const belief = card.querySelector('[data-part=belief]');
                 const paper = document.createElement('canvas').getContext('2d');
                 const light = (colour) => {{
                   paper.fillStyle = colour;
                   paper.fillRect(0, 0, 1, 1);
                   const [r, g, b] = [...paper.getImageData(0, 0, 1, 1).data].map((one) => one / 255)
                     .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
                   return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
                 }};
                 const [ink, ground] = [light(getComputedStyle(belief).color), light(getComputedStyle(card).backgroundColor)];
                 return [Math.max(ink, ground) / Math.min(ink, ground), belief.querySelector('.shape').dataset.shape]"
            );
            let (contrast, shape): (f64, String) = serde_json::from_value(page.run(&script).await).expect("a ratio");
            assert!(contrast >= 4.5, "{scheme}: {contrast}");
            assert_eq!(shape, "draining");
        }
    });
}

#[test]
fn when_all_servers_fail_their_own_answer_is_shown() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        for server in ["web1", "web2", "web3", "web4"] {
            page.toggle(server, false).await;
        }
        let seen = page.send().await;
        assert_eq!(seen.text("last-status"), "503 Service Unavailable");
        let body = seen.text("last-body");
        assert!(body.starts_with("Server web") && body.ends_with(" is inactive (simulated failure)"), "{body}");
        assert!(seen.text("last-story").contains(" answered 503 in "), "{seen:#?}");
        assert_eq!(seen.text("total-success"), "0 %");
        assert_eq!(seen.column("button"), ["Restore Server"; 4]);
    });
}

#[test]
fn controls_that_are_not_pinned_reach_their_server_all_the_same() {
    let demo = Lb::demo();
    let lb = Lb::with_config(&before_the_servers_of(&demo, ANY_PORT, NEVER_EJECT));
    let web = demo.status().clusters.remove(0).endpoints;
    let is_active = |name: &str| {
        let server = web.iter().find(|endpoint| endpoint.name == name).expect("it is one of the four");
        let answer = get(server.address.parse().expect("an address"), HEALTH_PATH);
        serde_json::from_slice::<Health>(&answer.body).expect("a health").active
    };
    on_page(&lb.url(), async |page| {
        assert_eq!(page.seen().await.column("says-words"), ["not probed"; 4]);
        for server in ["web2", "web2", "web4", "web1"] {
            let seen = page.toggle(server, false).await;
            assert_eq!(seen.card(server).text("says-words"), "INACTIVE (simulated failure)");
            assert!(!is_active(server));
            page.send().await;
            page.toggle(server, true).await;
            assert!(is_active(server));
        }
        assert_eq!(page.seen().await.text("notice"), "");
    });
}

#[test]
fn a_change_of_belief_is_listed_and_announced() {
    let demo = Lb::demo();
    let lb = Lb::with_config(&before_the_servers_of(&demo, ANY_PORT, "health = { eject-time = \"1s\" }"));
    on_page(&lb.url(), async |page| {
        page.toggle("web2", false).await;
        page.choose_rate(20).await;
        page.start_auto().await;
        let ejected = "web2 ejected: 3 requests failed within 10s, the last one answered 503";
        page.wait_until("the ejection is announced", |seen| seen.text("announce").contains(ejected)).await;
        let seen = page.seen().await;
        assert!(seen.text("happened").contains("web2 ejected:"), "{seen:#?}");
        assert_eq!(seen.text("happened-empty"), "");
        // Not by the page: without a pin, no control reaches a server that is out.
        toggle(demo.address(), "web2", true);
        page.wait_until("its return is announced", |seen| seen.text("announce").contains("web2 up: ")).await;
        let seen = page.stop_auto().await;
        assert!(seen.text("happened").contains("web2 up:"), "{seen:#?}");
        assert_eq!(seen.text("total-success"), "100 %");
        let live =
            page.run("const { role, ariaLive } = document.getElementById('announce'); return [role, ariaLive]").await;
        assert_eq!(live, serde_json::json!(["status", "polite"]));
    });
}

/// Each time a server came back, the page asked again, and the browser's console told of another 404.
#[test]
fn where_no_controls_are_offered_the_page_does_not_ask_for_them_again() {
    let demo = Lb::demo();
    let config = before_the_servers_of(&demo, ANY_PORT, "health = { eject-time = \"1s\" }")
        .replace("[[routes]]\npath = \"/control\"\ncluster = \"web\"\n", "");
    let lb = Lb::with_config(&config);
    on_page(&lb.url(), async |page| {
        page.run(
            "window.asked = [];
             const real = window.fetch;
             window.fetch = (...what) => { asked.push(String(what[0])); return real(...what); };",
        )
        .await;
        toggle(demo.address(), "web2", false);
        page.choose_rate(20).await;
        page.start_auto().await;
        page.wait_until("web2 is ejected", |seen| seen.text("announce").contains("web2 ejected: ")).await;
        toggle(demo.address(), "web2", true);
        page.wait_until("web2 is back", |seen| seen.text("announce").contains("web2 up: ")).await;
        page.stop_auto().await;
        let asked: Vec<String> = serde_json::from_value(page.run("return asked").await).expect("paths");
        assert!(asked.iter().any(|path| path == "/api"), "{asked:?}");
        assert!(!asked.iter().any(|path| path.starts_with("/control")), "{asked:?}");
    });
}

#[test]
fn controls_that_nobody_could_offer_while_all_were_down_are_offered_later() {
    let works = Arc::new(AtomicBool::new(false));
    let endpoint = Endpoint::new({
        let works = Arc::clone(&works);
        move |_| Reply::Status(if works.load(Ordering::Relaxed) { 200 } else { 503 }, String::new())
    });
    let lb = Lb::with_config(&format!(
        "workers = 2\n[[listeners]]\nbind = \"{ANY_PORT}\"\n\
         [[routes]]\npath = \"/control\"\ncluster = \"web\"\n\
         [[routes]]\npath = \"/lb\"\nadmin = true\n\
         [[routes]]\npath = \"/\"\nfiles = \"embedded\"\n\
         [clusters.web]\nendpoints = [{{ name = \"e1\", address = \"{}\" }}]\n\
         probe = {{ path = \"/\", interval = \"100ms\", timeout = \"100ms\", fall = 1, rise = 1 }}\n",
        endpoint.address()
    ));
    on_page(&lb.url(), async |page| {
        let button = |seen: &super::page::Seen| seen.card("e1").text("button").to_owned();
        let seen = page.wait_until("it is down", |seen| seen.card("e1").text("belief-words") == "Down").await;
        assert_eq!(button(&seen), "");
        works.store(true, Ordering::Relaxed);
        page.wait_until("it can be told to fail", |seen| button(seen) == "Simulate Failure").await;
    });
}
