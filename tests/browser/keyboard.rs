//! Everything without a mouse.

use thirtyfour::Key;

use super::on_page;
use super::page::Page;
use crate::support::Lb;

async fn dialog_is_open(page: &Page) -> bool {
    page.run("return document.getElementById('keys').open").await == true
}

#[test]
fn every_key_does_what_the_help_says() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        page.press('s').await;
        page.wait_until("S has sent a request", |seen| seen.answered() == 1).await;

        page.press('a').await;
        page.wait_until("A has started the automatic ones", |seen| seen.text("auto") == "Stop Auto Requests").await;
        page.press('a').await;
        page.wait_until("A has stopped them", |seen| seen.text("auto") == "Start Auto Requests").await;

        for (key, server) in [('1', "web1"), ('4', "web4")] {
            page.press(key).await;
            page.wait_until("the server fails", |seen| seen.card(server).text("says") == "inactive").await;
            page.press(key).await;
            page.wait_until("the server works again", |seen| seen.card(server).text("says") == "active").await;
        }
    });
}

#[test]
fn the_help_opens_and_closes_and_takes_the_keys_meanwhile() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        for close in [char::from(Key::Escape), char::from(Key::Enter)] {
            page.press('?').await;
            assert!(dialog_is_open(page).await);
            assert!(page.seen().await.text("keys").contains("Send a single request"));
            page.press('s').await;
            page.press('2').await;
            page.press(close).await;
            assert!(!dialog_is_open(page).await);
        }
        page.click("#help").await;
        assert!(dialog_is_open(page).await);
        page.press_escape().await;
        assert!(!dialog_is_open(page).await);

        // Had a key reached the page through the dialog, this would not be the first request.
        page.press('s').await;
        let seen = page.wait_until("a request is answered", |seen| seen.answered() == 1).await;
        assert_eq!(seen.text("total-sent"), "1");
        assert_eq!(seen.column("says"), ["active"; 4]);
    });
}

#[test]
fn everything_is_reached_by_tab_in_reading_order_with_a_visible_focus() {
    // Among others, which depend on what lb offers and on what has happened.
    const AMONG: [&str; 11] =
        ["theme", "help", "send", "auto", "rate", "reset", "web1", "web2", "web3", "web4", "last-body"];
    // Of several in one card, or of one kind, each has the same name.
    const NEXT: &str = "const name = (one) => one.id || one.closest('[data-server]')?.dataset.server || one.tagName;
        const all = [...document.querySelectorAll('a[href], button, select, input, textarea, summary, [tabindex]')]
            .filter((one) => one.checkVisibility() && one.tabIndex >= 0 && !one.disabled);
        window.next = all[all.indexOf(document.activeElement) + 1];
        return window.next ? name(window.next) : ''";
    const FOCUS: &str = "const one = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        return [one === window.next, one.matches(':focus-visible'), outlineStyle, outlineWidth]";
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        page.press('s').await;
        page.wait_until("the last response can be read", |seen| seen.answered() == 1).await;
        let mut missing = AMONG.into_iter().peekable();
        loop {
            let next = page.run(NEXT).await;
            if next == "" {
                break;
            }
            page.press(Key::Tab).await;
            assert_eq!(page.run(FOCUS).await, serde_json::json!([true, true, "solid", "2px"]), "{next}");
            missing.next_if(|name| next == *name);
        }
        assert_eq!(missing.next(), None, "it is not reached, or too early");
    });
}

#[test]
fn a_server_is_toggled_from_its_button_by_keyboard_and_the_focus_stays_there() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        page.run("document.querySelector('[data-server=web3] [data-action=toggle]').focus()").await;
        for says in ["inactive", "active"] {
            page.press(Key::Enter).await;
            page.wait_until("the server has obeyed", |seen| {
                seen.card("web3").text("says") == says && !seen.card("web3").text("button").starts_with("Asking")
            })
            .await;
            let focused =
                page.run("return document.activeElement.closest('[data-server]')?.dataset.server ?? ''").await;
            assert_eq!(focused, "web3");
        }
        // Automatic requests redraw the cards often; the focus must bear that, too.
        page.press('a').await;
        page.wait_until("some are answered", |seen| seen.answered() >= 2).await;
        let focused = page.run("return document.activeElement.closest('[data-server]')?.dataset.server ?? ''").await;
        assert_eq!(focused, "web3");
    });
}
