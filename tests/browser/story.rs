//! The whole story of a failure, told twice: by the page, as a person reads it, and by the API; from real servers that are killed.

use lb_common::api::{Belief, Event, TIMELINE_PATH, TRACES_PATH, Timeline, Traces, What};
use thirtyfour::Key;

use super::page::{Page, Seen};
use super::{ANY_PORT, before, on_page};
use crate::support::{Lb, Server, get};

const REASON: &str = "3 requests failed within 10s, the last one refused the connection";

/// The texts of all that the selector finds, each on one line.
async fn texts(page: &Page, selector: &str) -> Vec<String> {
    let script = format!(
        "return [...document.querySelectorAll('{selector}')].map((one) => one.innerText.replace(/\\s+/g, ' ').trim())"
    );
    serde_json::from_value(page.run(&script).await).expect("texts")
}

/// What the page lists under "What happened" of web2, from the first on: without the time of day.
async fn happened(page: &Page) -> Vec<String> {
    let mut items = texts(page, "#happened li p").await;
    items.retain(|item| item.starts_with("web2 "));
    items.reverse();
    items
}

/// What the marks on the axis of time tell of web2, from the first on, to who goes through them by the arrow keys.
async fn marked(page: &Page) -> Vec<String> {
    page.run("document.getElementById('timeline').focus()").await;
    page.press(Key::Home).await;
    let mut told: Vec<String> = Vec::new();
    loop {
        let [now] = &texts(page, "#timeline-event").await[..] else { panic!("there is one place for them") };
        let (_time, event) = now.split_once(' ').expect("a time and an event");
        // Those that share a mark say so.
        let event = event.split(" (and ").next().expect("there is a first part").to_owned();
        if told.last() == Some(&event) {
            told.retain(|event| event.starts_with("web2 "));
            return told;
        }
        told.push(event);
        page.press(Key::Right).await;
    }
}

/// What web2 was believed to be, one after the other, and why.
fn beliefs(lb: &Lb) -> Vec<(Belief, String)> {
    let timeline: Timeline = serde_json::from_slice(&get(lb.address(), TIMELINE_PATH).body).expect("a timeline");
    let of_web2 = |event: Event| match event.what {
        What::Belief { endpoint, to, reason, .. } if endpoint == "web2" => Some((to, reason)),
        _ => None,
    };
    timeline.events.into_iter().filter_map(of_web2).collect()
}

/// The seconds that are left of web2's ejection, by its card.
fn seconds_left(seen: &Seen) -> Option<u64> {
    let words = seen.card("web2").text("belief-words").strip_prefix("Ejected ")?;
    Some(words.strip_suffix("\u{a0}s").and_then(|number| number.parse().ok()).expect("a number of seconds"))
}

#[test]
fn a_server_is_killed_and_comes_back_and_both_tell_all_of_it() {
    let names = ["web1", "web2", "web3", "web4"];
    let mut servers = names.map(Server::start);
    let endpoints = names.into_iter().zip(servers.iter().map(Server::address)).collect::<Vec<_>>();
    // Nobody probes, so requests alone tell, each step once, with time enough for a busy machine between them; and what is in
    // Trial stays so until somebody sends one.
    let health = "health = { max-fails = 3, eject-time = \"8s\", max-eject-time = \"8s\", eject-jitter = \"0%\" }";
    let lb = Lb::with_config(&before(&endpoints, ANY_PORT, health));
    on_page(&lb.url(), async |page| {
        servers[1].kill();
        page.choose_rate(20).await;
        page.start_auto().await;

        let seen = page
            .wait_until("web2 is ejected, and its card says why", |seen| {
                seconds_left(seen).is_some() && seen.card("web2").text("reason") == REASON
            })
            .await;
        let left = seconds_left(&seen).expect("it was just seen");
        assert!((1..=8).contains(&left), "{left}");
        page.wait_until("fewer seconds are left", |seen| seconds_left(seen).is_none_or(|now| now < left)).await;
        page.stop_auto().await;
        a_trace_tells_of_the_failure_and_the_retry(page).await;

        // The next request is its trial: it fails, too, and another server answers.
        page.wait_until("web2 is to be tried", |seen| seen.card("web2").text("belief-words") == "Trial").await;
        let story = page.send().await.text("last-story").to_owned();
        assert!(story.starts_with("web2 refused the connection (") && story.contains(" → retried → "), "{story}");
        assert!(story.contains(" answered 200 in "), "{story}");
        page.wait_until("it is ejected again", |seen| seconds_left(seen).is_some()).await;

        // Started again, it is tried once more, and is back.
        servers[1].restart();
        page.wait_until("web2 is to be tried again", |seen| seen.card("web2").text("belief-words") == "Trial").await;
        let story = page.send().await.text("last-story").to_owned();
        assert!(story.starts_with("web2 answered 200 in ") && !story.contains("retried"), "{story}");
        let seen = page.wait_until("web2 is back", |seen| seen.card("web2").text("belief-words") == "Up").await;
        assert_eq!(seen.text("total-success"), "100 %", "no client has noticed");

        let told = happened(page).await;
        let begins = ["web2 ejected: ", "web2 on trial: ", "web2 ejected: ", "web2 on trial: ", "web2 up: "];
        assert_eq!(told.len(), begins.len(), "{told:#?}");
        assert!(told.iter().zip(begins).all(|(event, begin)| event.starts_with(begin)), "{told:#?}");
        assert!(told[0].starts_with(&format!("web2 ejected: {REASON}; trial at ")), "{told:#?}");
        assert_eq!(marked(page).await, told, "the axis of time tells the same");
    });

    let (told, why): (Vec<Belief>, Vec<String>) = beliefs(&lb).into_iter().unzip();
    assert_eq!(told, [Belief::Ejected, Belief::Trial, Belief::Ejected, Belief::Trial, Belief::Up]);
    assert_eq!(why[0], REASON);
    let traces = get(lb.address(), &format!("{TRACES_PATH}?outcome=retried"));
    let traces: Traces = serde_json::from_slice(&traces.body).expect("traces");
    // More if others were under way to it as it was ejected.
    assert!(
        traces.traces.len() >= 4,
        "it is asked three times before it is ejected, and once as its trial: {traces:#?}"
    );
    for trace in &traces.traces {
        let [failed, answered] = &trace.attempts[..] else { panic!("two attempts: {trace:#?}") };
        assert_eq!(
            (failed.endpoint.as_str(), failed.failure.as_deref(), failed.blamed),
            ("web2", Some("refused"), true)
        );
        assert_eq!((answered.status, trace.status), (Some(200), Some(200)));
    }
}

/// In the list of traces, opened.
async fn a_trace_tells_of_the_failure_and_the_retry(page: &Page) {
    page.wait_for("traces are offered", "return !document.getElementById('traces').hidden").await;
    // They are asked for when somebody sees them.
    page.run("document.getElementById('traces').scrollIntoView()").await;
    page.click("#traces-outcome option[value=retried]").await;
    let three = "const rows = [...document.querySelectorAll('[data-trace]')];
                 return rows.length >= 3 && rows.every((row) => row.innerText.includes('retried'))";
    page.wait_for("the requests that met web2 are listed", three).await;
    page.run("document.querySelector('[data-trace] button').click()").await;
    page.wait_for("it opens", "return Boolean(document.querySelector('.trace-detail'))").await;
    let [story] = &texts(page, ".trace-detail [data-field=story]").await[..] else { panic!("one trace is open") };
    assert!(story.starts_with("web2 refused the connection (") && story.contains(" → retried → web"), "{story}");
    assert!(story.contains(" answered 200 in "), "{story}");
    let attempts = texts(page, ".trace-detail .waterfall-row p:first-child").await;
    assert_eq!(attempts.len(), 2, "{attempts:?}");
    assert_eq!(attempts[0], "web2 refused the connection");
    assert!(attempts[1].ends_with(" answered 200") && !attempts[1].starts_with("web2"), "{attempts:?}");
    page.click(".trace-detail [data-action=close]").await;
    page.wait_for("it closes", "return !document.querySelector('.trace-detail')").await;
}
