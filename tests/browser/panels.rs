//! Traces, changes by hand, faults and drills: the page shows what the admin API tells, and tells it what a person decides.

use lb_common::api::TIMELINE_PATH;
use serde_json::json;
use thirtyfour::Key;

use super::on_page;
use super::page::Page;
use super::told::{ToldLb, answer};
use crate::support::{Lb, get};

/// Looks again and again until that expression is true in the page.
async fn wait_for(page: &Page, what: &str, expression: &str) {
    page.wait_for(what, &format!("return Boolean({expression})")).await;
}

async fn text(page: &Page, selector: &str) -> String {
    let text = page.run(&format!("return document.querySelector('{selector}').innerText.replace(/\\s+/g, ' ')")).await;
    text.as_str().expect("a text").to_owned()
}

/// Opens "More" of a server.
async fn open_more(page: &Page, server: &str) {
    let summary = format!("[data-server={server}] summary");
    wait_for(page, "More is offered", &format!("document.querySelector('{summary}')?.checkVisibility()")).await;
    page.click(&summary).await;
    // The controls are made when it opens.
    let controls = format!("document.querySelector('[data-server={server}] [data-action=drain]')");
    wait_for(page, "it opens", &controls).await;
}

async fn show_traces(page: &Page) {
    wait_for(page, "traces are offered", "!document.getElementById('traces').hidden").await;
    page.run("document.getElementById('traces').scrollIntoView()").await;
    wait_for(page, "traces are listed", "document.querySelector('[data-trace]')").await;
}

#[test]
fn a_trace_tells_its_story_and_who_was_passed_over_and_has_an_address() {
    let told = ToldLb::new(|_| None);
    let url = told.lb.url();
    on_page(&url, async |page| {
        show_traces(page).await;
        let list = "[...document.querySelectorAll('[data-trace]')].map((one) => one.dataset.trace)";
        assert_eq!(page.run(&format!("return {list}")).await, json!(["12", "11"]));

        page.click("#traces-outcome option[value=retried]").await;
        wait_for(page, "the others are left out", &format!("{list}.join() === '11'")).await;
        page.run("document.querySelector('[data-trace] button').focus()").await;
        page.press(Key::Enter).await;
        wait_for(page, "it opens", "document.querySelector('.trace-detail')").await;
        let detail = text(page, ".trace-detail").await;
        let story =
            "web2 answered 503 in 1.0 ms → retried → web1 answered 200 in 2.0 ms. web3 was passed over: ejected.";
        assert!(detail.starts_with(story), "{detail}");
        assert!(detail.contains("connect 0.3 ms · wait for the first byte 0.7 ms"), "{detail}");
        assert!(detail.contains("wait for the first byte 2.0 ms · body 2.0 ms"), "{detail}");
        assert!(detail.contains("Passed over: web3 (ejected), web2 (tried already)"), "{detail}");
        assert!(detail.contains("0 B of the request's body read, 5.1 kB of the answer sent"), "{detail}");
        // Both attempts and nothing else fill the scale, one after the other.
        let bars = "return [...document.querySelectorAll('.waterfall-bar .segment')].map(({ dataset, style }) =>
            [dataset.kind, parseFloat(style.left), parseFloat(style.width)])";
        let expected = json!([["connect", 0, 6], ["wait", 6, 14], ["wait", 20, 40], ["body", 60, 40]]);
        assert_eq!(page.run(bars).await, expected);
        assert_eq!(page.run("return location.hash").await, "#trace=11");

        page.reload().await;
        wait_for(page, "its address opens it", "document.querySelector('[data-trace=\"11\"] .trace-detail')").await;
        wait_for(page, "the others are listed, too", "document.querySelector('[data-trace=\"12\"]')").await;
        page.press_escape().await;
        wait_for(page, "it closes", "!document.querySelector('.trace-detail')").await;
        let focus = "return [location.hash, document.activeElement.closest('[data-trace]')?.dataset.trace]";
        assert_eq!(page.run(focus).await, json!(["", "11"]));

        page.run("location.hash = '#trace=99'").await;
        wait_for(page, "it is missed", "!document.getElementById('notice').hidden").await;
        assert!(page.seen().await.text("notice").starts_with("Trace 99 is no longer kept"));
    });
}

#[test]
fn what_another_panel_chose_is_shown_with_a_way_back() {
    let told = ToldLb::new(|_| None);
    on_page(&told.lb.url(), async |page| {
        show_traces(page).await;
        let choose = "document.dispatchEvent(new CustomEvent('show-traces',
            { detail: { title: 'Slow ones', query: 'outcome=retried&min-ms=3' } }))";
        page.run(choose).await;
        wait_for(page, "they are listed", "document.querySelectorAll('[data-trace]').length === 1").await;
        assert_eq!(text(page, "#traces-title").await, "Slow ones");
        assert!(told.script.requests().iter().any(|one| one.line.contains("outcome=retried&min-ms=3")));
        page.press_escape().await;
        wait_for(page, "all are listed", "document.querySelectorAll('[data-trace]').length === 2").await;
        assert_eq!(text(page, "#traces-title").await, "Traces");
    });
}

#[test]
fn a_card_tells_what_lb_counts_and_not_what_nobody_sent() {
    let told = ToldLb::new(|_| None);
    on_page(&told.lb.url(), async |page| {
        wait_for(page, "the counts are there", "document.querySelector('[data-part=small]')?.checkVisibility()").await;
        let card = text(page, "[data-server=web1]").await;
        assert!(card.contains("In flight 4 Weight 1 Ejections 2"), "{card}");
        assert!(card.contains("7 attempts since lb started, 3 failed"), "{card}");
        assert!(!card.contains("Responses"), "{card}");
        page.press('s').await;
        wait_for(page, "it is answered", "!document.getElementById('last').hidden").await;
        assert!(text(page, "[data-server=web1]").await.contains("Responses 0"));
    });
}

#[test]
fn nobody_drains_before_it_was_shown_what_would_follow() {
    let told = ToldLb::new(|_| None);
    on_page(&told.lb.url(), async |page| {
        open_more(page, "web2").await;
        let drain = "[data-server=web2] [data-action=drain]";
        for (key, orders) in [(Key::Escape, 0), (Key::Enter, 1)] {
            page.click(drain).await;
            wait_for(page, "the projection is there", "document.querySelector('#what-if tbody tr')").await;
            let shown = text(page, "#what-if").await;
            assert!(shown.starts_with("What if web2 drained"), "{shown}");
            assert!(shown.contains("web1 50 % 100 % 10 20 web2 50 % 0 % 10 0"), "{shown}");
            assert!(shown.contains("web1 would get 2.0 times its load"), "{shown}");
            page.run("document.querySelector('#what-if [value=go]').focus()").await;
            page.press(key).await;
            wait_for(page, "it closes", "!document.getElementById('what-if').open").await;
            let focused = format!("document.activeElement === document.querySelector('{drain}')");
            wait_for(page, "the focus is back", &focused).await;
            if orders == 1 {
                wait_for(
                    page,
                    "it drains",
                    "document.querySelector('[data-server=web2]').dataset.belief === 'draining'",
                )
                .await;
            }
            assert_eq!(told.orders().len(), orders);
        }
        let path = "PATCH /lb/v1/clusters/web/endpoints/web2".to_owned();
        assert_eq!(told.orders(), [(path, json!({ "draining": true }))]);
    });
}

#[test]
fn what_lb_refuses_is_told_with_its_reason() {
    let told = ToldLb::new(|request| {
        request
            .line
            .starts_with("PATCH ")
            .then(|| answer(409, &json!({ "error": "another one drains", "hint": "wait for it" })))
    });
    on_page(&told.lb.url(), async |page| {
        open_more(page, "web2").await;
        page.run("const one = document.querySelector('[data-server=web2] [name=weight]'); one.value = 5").await;
        page.click("[data-server=web2] [name=for] option[value='10m']").await;
        page.click("[data-server=web2] [data-part=weight] [value=set]").await;
        wait_for(page, "it is told", "!document.getElementById('notice').hidden").await;
        let notice = "web2 keeps its weight. lb says: another one drains. Wait for it.";
        assert!(page.seen().await.text("notice").starts_with(notice), "{:#?}", page.seen().await);
        assert_eq!(told.orders()[0].1, json!({ "weight": 5, "for": "10m" }));
    });
}

#[test]
fn a_fault_that_is_played_is_told_and_ended() {
    let told = ToldLb::new(|_| None);
    on_page(&told.lb.url(), async |page| {
        wait_for(page, "it is told", "document.querySelector('#faults-list li')").await;
        assert!(text(page, "#faults-list").await.starts_with("web1: half of the attempts are reset; for "));
        assert!(text(page, "[data-server=web1] [data-part=told]").await.contains("Fault on purpose: web1: half"));
        page.click("#faults-list button").await;
        wait_for(page, "it is gone", "document.getElementById('faults').hidden").await;
        assert_eq!(told.orders(), [("DELETE /lb/v1/faults/5".to_owned(), json!(null))]);
    });
}

#[test]
fn where_no_faults_are_allowed_the_reason_stands_beside_the_controls() {
    let told = ToldLb::new(|request| match request.line.as_str() {
        "GET /lb/v1/faults HTTP/1.1" => {
            Some(answer(200, &json!({ "allowed": false, "most": 0, "longest_s": 0, "faults": [] })))
        }
        "GET /lb/v1/drills HTTP/1.1" => Some(answer(200, &json!({ "allowed": false, "shipped": [], "run": null }))),
        _ => None,
    });
    on_page(&told.lb.url(), async |page| {
        open_more(page, "web1").await;
        wait_for(page, "it is said", "document.querySelector('[data-part=fault] fieldset').disabled").await;
        let reason = text(page, "[data-server=web1] [data-field=why-not]").await;
        assert!(reason.contains("does not allow faults"), "{reason}");
        page.run("document.getElementById('drills').scrollIntoView()").await;
        wait_for(page, "drills are said to be closed, too", "!document.getElementById('drills-why-not').hidden").await;
        assert_eq!(page.run("return document.getElementById('drills-run').disabled").await, true);
        let reason = "document.getElementById('drills-why-not').innerText";
        wait_for(
            page,
            "it is said which key allows them",
            &format!("{reason}.includes('Set drills = true in [admin]')"),
        )
        .await;
    });
}

#[test]
fn a_drill_shows_what_was_measured_and_what_broke() {
    let told = ToldLb::new(|_| None);
    on_page(&told.lb.url(), async |page| {
        wait_for(page, "drills are offered", "!document.getElementById('drills').hidden").await;
        page.run("document.getElementById('drills').scrollIntoView()").await;
        wait_for(page, "it is shown", "document.getElementById('drills-shown').checkVisibility()").await;
        let shown = text(page, "#drills-shown").await;
        assert!(shown.contains("Failed: 1 of 2 expectations broken: recovery below 2 s (3.1 s)."), "{shown}");
        assert!(shown.contains("10 s web1 is killed done"), "{shown}");
        assert!(shown.contains("error rate below 0.1 %: 0.02 % holds"), "{shown}");
        assert!(shown.contains("recovery below 2 s: 3.1 s broken"), "{shown}");
    });
}

/// Pastes a drill and runs it; gives what is shown of it at its end.
async fn run_pasted(page: &Page, title: &str, expect: &str) -> String {
    let steps = "\"at 500ms kill web2 for 1s\"";
    let text = format!(
        "title = \"{title}\"\nsteps = [{steps}]\nexpect = [{expect}]\n\
         [world]\nlength = \"3s\"\nrate = 100\n[cluster]\nendpoints = 4\n"
    );
    page.click("#drills-choice option[value='']").await;
    wait_for(page, "one may paste it", "document.getElementById('drills-text').checkVisibility()").await;
    page.run(&format!("document.getElementById('drills-text').value = {}", json!(text))).await;
    page.click("#drills-run").await;
    let shown = "document.getElementById('drills-shown').innerText";
    wait_for(page, "it has begun", &format!("{shown}.includes('“{title}”')")).await;
    wait_for(page, "it has ended", &format!("/Passed|Failed|Stopped/.test({shown})")).await;
    self::text(page, "#drills-shown").await
}

#[test]
fn a_drill_is_run_against_the_demo_and_what_is_expected_holds_or_does_not() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        wait_for(page, "drills are offered", "!document.getElementById('drills').hidden").await;
        page.run("document.getElementById('drills').scrollIntoView()").await;
        wait_for(page, "they may be run", "!document.getElementById('drills-run').disabled").await;
        let holds = "\"error-rate <= 0%\", \"ejections >= 1\", \"requests > 100\"";
        let shown = run_pasted(page, "one dies", holds).await;
        assert!(shown.contains("Passed: all 3 expectations held."), "{shown}");
        assert!(shown.contains("web2 is killed: each attempt's connection breaks, for 1 s done"), "{shown}");
        assert!(shown.contains("error rate at most 0 %: 0 % holds"), "{shown}");
        let shown = run_pasted(page, "nobody asks", "\"error-rate <= 0%\", \"requests < 10\"").await;
        assert!(shown.contains("Failed: 1 of 2 expectations broken: requests below 10 ("), "{shown}");
        assert_eq!(page.complaints().await, Vec::<String>::new());
    });
    let happened = |says: &str| get(lb.address(), TIMELINE_PATH).text().contains(says);
    assert!(happened("drill \\\"one dies\\\" passed") && happened("drill \\\"nobody asks\\\" failed"));
}

#[test]
fn the_token_is_asked_for_once_and_goes_into_no_address() {
    let told = ToldLb::new(|request| {
        let allowed = request.headers.get("authorization").is_some_and(|value| value == "Bearer open sesame");
        (!allowed).then(|| answer(401, &json!({ "error": "a token is needed" })))
    });
    // A page that may not know anything yet is not ready, so it is not waited for.
    let demo = Lb::demo();
    on_page(&demo.url(), async |page| {
        page.web().goto(told.lb.url()).await.expect("the page is loaded");
        for (typed, refused) in [("wrong", true), ("open sesame", false)] {
            wait_for(page, "it is asked for", "document.getElementById('token').open").await;
            for key in typed.chars() {
                page.press(key).await;
            }
            page.press(Key::Enter).await;
            if refused {
                let said = "document.querySelector('#token [data-field=refused]').checkVisibility()";
                wait_for(page, "it is refused", said).await;
            }
        }
        show_traces(page).await;
        wait_for(page, "lb is heard", "document.getElementById('connection').innerText.includes('live')").await;
        assert_eq!(page.run("return document.getElementById('token').open").await, false);
        assert!(told.script.requests().iter().all(|one| !one.line.contains("sesame")));
        page.reload().await;
        show_traces(page).await;
        assert_eq!(page.run("return document.getElementById('token').open").await, false);
    });
}
