//! How the page looks, and from where it gets what it needs for that.

use super::page::Page;
use super::{ANY_PORT, before_the_servers_of, on_page};
use crate::support::Lb;

/// Makes web2 fail amid automatic requests, which go on, and waits until it is ejected.
async fn eject_web2(page: &Page) {
    page.choose_rate(100).await;
    page.start_auto().await;
    page.wait_until("enough are counted to see the shares", |seen| seen.answered() >= 200).await;
    page.toggle("web2", false).await;
    page.wait_until("web2 is ejected", |seen| seen.card("web2").text("belief") == "ejected").await;
}

#[test]
fn nothing_comes_from_elsewhere_and_nothing_is_wrong() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        page.send().await;
        let asked =
            page.run("return performance.getEntries().map((one) => one.name).filter((one) => one.includes(':'))").await;
        let asked: Vec<String> = serde_json::from_value(asked).expect("addresses");
        assert!(asked.iter().all(|address| address.starts_with(&lb.url())), "{asked:?}");
        for file in ["", "app.js", "style.css", "api"] {
            assert!(asked.contains(&format!("{}{file}", lb.url())), "{file} is not among {asked:?}");
        }
        let complaints = page.complaints().await;
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}

#[test]
fn nothing_scrolls_sideways_on_a_phone_or_on_a_wall() {
    let demo = Lb::demo();
    // Long enough out for all that is looked at.
    let lb = Lb::with_config(&before_the_servers_of(&demo, ANY_PORT, "health = { eject-time = \"10m\" }"));
    on_page(&lb.url(), async |page| {
        eject_web2(page).await;
        for (width, height) in [(360, 740), (1280, 900), (1920, 1080)] {
            page.resize(width, height).await;
            let widths = page.run("const { clientWidth, scrollWidth } = document.documentElement; return [innerWidth, clientWidth, scrollWidth]").await;
            let widths: [u32; 3] = serde_json::from_value(widths).expect("three widths");
            assert_eq!(widths[0], width);
            assert!(widths[2] <= widths[1], "at {width} px the page is {} px wide", widths[2]);
            // Nor is anything cut off at the window's edge instead.
            let outside = "return [...document.querySelectorAll('body *')]
                .filter((one) => one.checkVisibility() && !one.closest('.sr-only'))
                .filter((one) => one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML)";
            assert_eq!(page.run(outside).await, serde_json::json!([]), "at {width} px");
        }
        page.stop_auto().await;
    });
}

#[test]
fn the_theme_is_switched_and_remembered() {
    let lb = Lb::demo();
    on_page(&lb.url(), async |page| {
        let background = async || page.run("return getComputedStyle(document.body).backgroundColor").await;
        let light = background().await;
        let mut dark = light.clone();
        for theme in ["system", "light", "dark"] {
            let label = format!("Theme: {theme}");
            page.wait_until("the theme is named", |seen| seen.text("theme") == label).await;
            dark = background().await;
            if theme != "dark" {
                page.click("#theme").await;
            }
        }
        assert_ne!(dark, light);
        page.reload().await;
        assert_eq!(page.seen().await.text("theme"), "Theme: dark");
        assert_eq!(background().await, dark);
        page.click("#theme").await;
        page.wait_until("it follows the system again", |seen| seen.text("theme") == "Theme: system").await;
        assert_eq!(background().await, light);
    });
}
