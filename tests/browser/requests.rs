//! The row of buttons and what comes of it: rates, totals, what outlives a reload.

use std::time::Instant;

use lb_common::api::Status;

use super::on_page;
use crate::support::{Endpoint, Lb, Reply, config};

/// How many attempts the load balancer made at its servers.
fn attempts(status: &Status) -> u64 {
    status.clusters.iter().flat_map(|cluster| &cluster.endpoints).map(|endpoint| endpoint.attempts).sum()
}

#[test]
fn automatic_requests_are_sent_at_the_rate_that_is_chosen() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        for (rate, enough) in [(1, 3), (5, 10), (20, 40), (100, 200)] {
            let before = page.seen().await.answered();
            page.choose_rate(rate).await;
            let began = Instant::now();
            page.start_auto().await;
            page.wait_until("enough are answered", |seen| seen.answered() >= before + enough).await;
            let seen = page.stop_auto().await;
            // A busy machine may send fewer, but none may send more: one at once, then so many a second.
            let most = 1 + began.elapsed().as_millis() * u128::from(rate) / 1000;
            let sent = seen.answered() - before;
            assert!(u128::from(sent) <= most, "{sent} were sent at {rate} a second, {most} may be");
            assert_eq!(seen.text("rate"), rate.to_string());
        }
        let seen = page.seen().await;
        assert_eq!(seen.text("total-success"), "100 %");
        assert!(attempts(&lb.status()) >= seen.answered(), "they really reached the servers");
    });
}

#[test]
fn the_rate_can_be_changed_while_requests_are_sent() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        page.start_auto().await;
        page.choose_rate(100).await;
        // At one a second it would take longer than anybody waits.
        page.wait_until("a hundred are answered", |seen| seen.answered() >= 100).await;
        page.stop_auto().await;
    });
}

#[test]
fn when_too_many_wait_for_an_answer_the_page_says_so_and_sends_no_more() {
    let endpoint = Endpoint::new(|request| match request.line.as_str() {
        line if line.starts_with("GET /api ") => Reply::Hang,
        _ => Reply::Status(404, "nothing here".to_owned()),
    });
    let lb = Lb::with_config(
        &config::cluster(&[endpoint.address()], "timeouts = { response = \"40s\" }")
            .replace("path = \"/\"\n", "path = \"/api\"\n")
            .replace("[clusters", "[[routes]]\npath = \"/\"\nfiles = \"embedded\"\n[clusters"),
    );
    on_page(&lb.url(), async |page| {
        page.choose_rate(100).await;
        page.start_auto().await;
        let seen = page.wait_until("it says that too many wait", |seen| !seen.text("full").is_empty()).await;
        assert_eq!(seen.text("total-sent"), "64");
        assert_eq!(seen.text("total-success"), "–", "none has failed");
        page.click("#auto").await;
        page.wait_until("it says so no longer", |seen| seen.text("full").is_empty()).await;
        assert_eq!(page.seen().await.text("total-sent"), "64");
    });
}

#[test]
fn a_request_that_the_browser_drops_is_sent_anew() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        // As Chromium does with all that waits for a connection when a container starts on the same machine: these were
        // shown as failures of lb, which had not seen them.
        page.run(
            "const real = window.fetch;
             let drops = 4;
             window.fetch = (url, ...more) => {
               if (url === '/api' && drops-- > 0) return Promise.reject(new TypeError('Failed to fetch'));
               return real(url, ...more);
             };",
        )
        .await;
        let seen = page.send().await;
        assert_eq!(seen.text("last-status"), "200 OK");
        assert_eq!((seen.text("total-sent"), seen.text("total-success")), ("1", "100 %"));
        assert!(seen.text("last-story").starts_with("The connection was lost 4 times before an answer, "));
    });
}

#[test]
fn what_was_counted_outlives_a_reload_and_ends_with_a_reset() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        page.send().await;
        page.send().await;
        let before = page.send().await;
        page.reload().await;
        let after = page.wait_until("the counts are there again", |seen| seen.answered() == 3).await;
        assert_eq!(after.column("count"), before.column("count"));
        assert_eq!(after.column("share"), before.column("share"));
        for id in
            ["total-sent", "total-success", "total-retried", "last-status", "last-time", "last-story", "last-body"]
        {
            assert_eq!(after.text(id), before.text(id), "{id}");
            assert_ne!(after.text(id), "", "{id}");
        }

        page.click("#reset").await;
        page.wait_until("nothing is counted", |seen| seen.text("total-sent") == "0").await;
        page.reload().await;
        let seen = page.seen().await;
        assert_eq!((seen.text("total-sent"), seen.text("total-success"), seen.answered()), ("0", "–", 0));
        assert!(seen.text("last-empty").starts_with("No requests yet."), "{seen:#?}");
    });
}

#[test]
fn a_reload_amid_automatic_requests_makes_none_of_them_a_failure() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        page.choose_rate(100).await;
        page.start_auto().await;
        page.wait_until("some are answered", |seen| seen.answered() >= 20).await;
        // Browsers break off requests before the page hears that it is left: this counted them as failed.
        page.reload().await;
        let seen = page.wait_until("the counts are there again", |seen| seen.answered() >= 20).await;
        assert_eq!(seen.text("auto"), "Start Auto Requests", "they do not go on by themselves");
        assert_eq!((seen.number("total-sent"), seen.text("total-success")), (seen.answered(), "100 %"));
    });
}
