//! The demo as its README tells it, click by click.

use super::on_page;
use super::page::{Page, Seen};
use crate::support::Lb;

const SERVERS: [&str; 4] = ["web1", "web2", "web3", "web4"];

#[test]
fn the_demo_works_as_its_tour_says() {
    let lb = Lb::demo();
    super::run(tour(&lb.url()));
}

#[test]
fn what_became_of_a_retried_request_is_told_in_words() {
    let demo = Lb::demo();
    let lb = Lb::with_config(&super::before_the_servers_of(&demo, super::ANY_PORT, super::NEVER_EJECT));
    on_page(&lb.url(), async |page| {
        page.toggle("web2", false).await;
        // Of as many requests as there are servers, one is web2's.
        let mut retried = None;
        for _ in SERVERS {
            let seen = page.send().await;
            assert_eq!(seen.text("last-status"), "200 OK");
            let server = seen.text("last-body").strip_prefix("Response from server: ").expect("a name");
            let story = without_times(seen.text("last-story"));
            if story != format!("{server} answered 200 in … ms.") {
                assert_eq!(story, format!("web2 answered 503 in … ms → retried → {server} answered 200 in … ms."));
                assert_ne!(server, "web2");
                retried = Some(seen);
            }
        }
        let retried = retried.expect("a request was retried");
        assert_eq!((retried.text("total-success"), retried.text("total-retried")), ("100 %", "1"));
        assert_eq!(retried.card("web2").count(), 0);
    });
}

/// Through the whole demo, by its page at that address. Nobody else may send requests meanwhile.
pub(crate) async fn tour(url: &str) {
    let page = Page::open(url).await;
    four_servers_work(&page).await;
    each_gets_its_turn(&page).await;
    one_fails_and_nobody_has_noticed_yet(&page).await;
    it_is_routed_around_and_no_request_is_lost(&page).await;
    it_comes_back(&page).await;
    everything_begins_anew(&page).await;
    page.close().await;
}

async fn four_servers_work(page: &Page) {
    let all_work = |seen: &Seen| seen.column("says-words") == ["ACTIVE"; 4] && seen.column("belief-words") == ["Up"; 4];
    let seen = page.wait_until("all four are active and up", all_work).await;
    assert_eq!(seen.column("name"), SERVERS);
    assert_eq!(seen.column("button"), ["Simulate Failure"; 4]);
    assert_eq!(seen.column("edge"), ["green over green"; 4]);
    assert_eq!(seen.column("count"), ["0"; 4]);
    assert!(seen.text("connection").ends_with("live"), "{seen:#?}");
    assert!(seen.text("last-empty").starts_with("No requests yet."), "{seen:#?}");
}

async fn each_gets_its_turn(page: &Page) {
    let mut answered = Vec::new();
    for sent in 1..=8 {
        let seen = page.send().await;
        assert_eq!(seen.number("total-sent"), sent);
        assert_eq!(seen.text("last-status"), "200 OK");
        let server = seen.text("last-body").strip_prefix("Response from server: ").expect("a name").to_owned();
        assert_eq!(without_times(seen.text("last-story")), format!("{server} answered 200 in … ms."));
        assert!(seen.text("last-time").contains(" ms · "), "{seen:#?}");
        assert_ne!(seen.card(&server).text("latency"), "–");
        answered.push(server);
    }
    assert_eq!(answered[..4], answered[4..], "they take turns");
    let seen = page.seen().await;
    assert_eq!(seen.column("count"), ["2"; 4]);
    assert_eq!(seen.column("share"), ["25 %"; 4]);
    assert_eq!((seen.text("total-success"), seen.text("total-retried")), ("100 %", "0"));
}

async fn one_fails_and_nobody_has_noticed_yet(page: &Page) {
    // Until the third probe, seconds later, the two beliefs differ. A machine that is too busy may not look in time, so
    // the page itself writes down what the card shows.
    page.run(
        "const card = document.querySelector('[data-server=web2]');
         const lesson = card.querySelector('[data-field=lesson]');
         window.shown = [];
         const look = () => shown.push([card.dataset.says, card.dataset.belief, lesson.textContent].join(': '));
         new MutationObserver(look).observe(card, { attributes: true, childList: true, subtree: true });",
    )
    .await;
    let seen = page.toggle("web2", false).await;
    let web2 = seen.card("web2");
    assert_eq!(web2.text("says-words"), "INACTIVE (simulated failure)");
    assert_eq!(web2.text("button"), "Restore Server");
    assert!(web2.text("edge").starts_with("red over "), "{web2:?}");
    let shown = page.run("return shown").await;
    let shown: Vec<String> = serde_json::from_value(shown).expect("texts");
    let lesson = "inactive: up: It fails, and lb has not noticed yet.";
    assert!(shown.iter().any(|one| one == lesson), "{shown:?}");
}

async fn it_is_routed_around_and_no_request_is_lost(page: &Page) {
    page.choose_rate(20).await;
    page.start_auto().await;
    let out = page.wait_until("lb has noticed that web2 fails", |seen| seen.card("web2").is_out()).await;
    let web2 = out.card("web2");
    assert!(web2.text("reason").contains("503"), "{web2:?}");
    assert_eq!((web2.text("edge"), web2.text("lesson")), ("red over red", ""));
    assert!(out.text("happened").contains("web2"), "{out:#?}");
    let later = page
        .wait_until("the others get more requests", |seen| {
            ["web1", "web3", "web4"].iter().all(|name| seen.card(name).count() >= out.card(name).count() + 5)
        })
        .await;
    assert_eq!(later.card("web2").text("count"), "2");
    let seen = page.stop_auto().await;
    assert_eq!(seen.text("total-success"), "100 %");
    assert_eq!(seen.card("web2").text("count"), "2");
}

async fn it_comes_back(page: &Page) {
    let seen = page.toggle("web2", true).await;
    assert_eq!(seen.card("web2").text("says-words"), "ACTIVE");
    page.start_auto().await;
    page.wait_until("lb has noticed that web2 works again", |seen| {
        let web2 = seen.card("web2");
        web2.text("belief-words") == "Up" && web2.count() > 2 + 5
    })
    .await;
    let seen = page.stop_auto().await;
    assert_eq!(seen.column("edge"), ["green over green"; 4]);
    assert_eq!(seen.text("total-success"), "100 %");
}

async fn everything_begins_anew(page: &Page) {
    page.click("#reset").await;
    let seen = page.wait_until("nothing is counted", |seen| seen.text("total-sent") == "0").await;
    assert_eq!(seen.column("count"), ["0"; 4]);
    assert_eq!(seen.column("share"), ["–"; 4]);
    assert_eq!((seen.text("total-success"), seen.text("total-retried")), ("–", "0"));
    assert_eq!((seen.text("last-status"), seen.text("last-story"), seen.text("last-body")), ("", "", ""));
    assert!(seen.text("last-empty").starts_with("No requests yet."), "{seen:#?}");
    page.wait_until("it is connected", |seen| seen.text("connection").ends_with("live")).await;
}

/// A story with `…` for each number of milliseconds.
fn without_times(story: &str) -> String {
    let words = story.split(' ').collect::<Vec<_>>();
    let is_time = |at: usize| words.get(at + 1).is_some_and(|next| next.starts_with("ms"));
    (0..words.len()).map(|at| if is_time(at) { "…" } else { words[at] }).collect::<Vec<_>>().join(" ")
}
