//! The load balancer goes away, hangs, comes back: the page says so, and what to do.

use super::{ANY_PORT, NEVER_EJECT, before_the_servers_of, on_page};
use crate::support::Lb;

/// No other test listens on this address or calls from it, so the kernel gives the port away to nobody while it is free.
const ALONE: &str = "127.83.0.1";

#[test]
fn an_lb_that_goes_away_is_missed_and_welcomed_back() {
    let demo = Lb::demo();
    let lb = Lb::with_config(&before_the_servers_of(&demo, &format!("{ALONE}:0"), NEVER_EJECT));
    let (url, address) = (lb.url(), lb.address().to_string());
    on_page(&url, async |page| {
        page.send().await;
        drop(lb);
        let seen = page.wait_until("lb is missed", |seen| seen.text("connection").ends_with("reconnecting")).await;
        assert_eq!(seen.column("name"), ["web1", "web2", "web3", "web4"], "what was known is still shown");
        let seen = page.send().await;
        assert_eq!(seen.text("last-status"), "No answer");
        assert_eq!(seen.text("last-story"), "lb could not be reached. Is it running? Start it, then send again.");

        page.click_on_card("web2", "Simulate Failure").await;
        let seen = page.wait_until("the page gives up asking", |seen| !seen.text("notice").is_empty()).await;
        let notice = "lb did not answer in 12 tries; is it running? Start it, then ask web2 again.";
        assert!(seen.text("notice").starts_with(notice), "{seen:#?}");
        page.press_escape().await;
        page.wait_until("the notice is dismissed", |seen| seen.text("notice").is_empty()).await;

        let lb = Lb::with_config(&before_the_servers_of(&demo, &address, NEVER_EJECT));
        let seen = page.wait_until("lb is back", |seen| seen.text("connection").ends_with("live")).await;
        assert!(seen.text("announce").contains("Connected to lb again."), "{seen:#?}");
        let seen = page.send().await;
        assert_eq!(seen.text("last-status"), "200 OK");
        assert_eq!((seen.text("total-sent"), seen.text("total-success")), ("3", "66.7 %"));
        drop(lb);
    });
}

#[test]
fn a_reload_shows_its_differences_and_what_is_wrong_and_the_page_goes_on() {
    let demo = Lb::demo();
    let text = before_the_servers_of(&demo, ANY_PORT, NEVER_EJECT);
    let lb = Lb::with_config(&text);
    on_page(&lb.url(), async |page| {
        page.choose_rate(20).await;
        page.start_auto().await;
        page.wait_until("all servers answer", |seen| seen.cards.iter().all(|card| card.count() > 0)).await;

        // Without web4, and with retries.
        let fewer = text.replace(", { name = \"web4\"", "]\nretry = { attempts = 2 } # { name = \"web4\"");
        assert_ne!(fewer, text);
        lb.reload(&fewer);
        page.wait_until("web4 is gone", |seen| seen.column("name") == ["web1", "web2", "web3"]).await;
        page.wait_until("the differences are told", |seen| {
            seen.text("happened")
                .contains("lb.toml reloaded: clusters.web.endpoints web4: gone; clusters.web.retry: new")
        })
        .await;

        lb.reload(&fewer.replace("cluster = \"web\"", "cluster = \"wep\""));
        let seen = page
            .wait_until("the refusal is told", |seen| {
                seen.text("happened").contains("lb.toml not reloaded, all stays as it was: lb.toml:")
            })
            .await;
        assert!(seen.text("happened").contains("is not declared"), "{seen:#?}");
        assert_eq!(seen.column("name"), ["web1", "web2", "web3"]);

        lb.reload(&text);
        page.wait_until("web4 is back", |seen| seen.column("name") == ["web1", "web2", "web3", "web4"]).await;
        let before = page.seen().await.card("web4").count();
        page.wait_until("web4 answers again", |seen| seen.card("web4").count() > before).await;
        let seen = page.stop_auto().await;
        assert_eq!(seen.text("total-success"), "100 %", "no request has noticed");
    });
    lb.signal("TERM");
    assert!(lb.wait().0.success());
}

#[test]
fn an_lb_that_hangs_is_missed_too() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        lb.signal("STOP");
        page.wait_until("lb is missed", |seen| seen.text("connection").ends_with("reconnecting")).await;
        lb.signal("CONT");
        page.wait_until("lb is back", |seen| seen.text("connection").ends_with("live")).await;
    });
}
