//! The whole story of a failure, told twice: by the API and by the page, from real servers.

use lb_common::api::Belief;
use lb_common::api::{Event, TIMELINE_PATH, TRACES_PATH, Timeline, Traces, What};

use super::page::Page;
use super::{on_page, toggle};
use crate::support::{Lb, get};

/// What is written at that place of the page, on one line.
async fn text(page: &Page, selector: &str) -> String {
    let script = format!("return document.querySelector('{selector}')?.innerText.replace(/\\s+/g, ' ') ?? ''");
    page.run(&script).await.as_str().expect("a text").to_owned()
}

fn timeline(lb: &Lb) -> Vec<Event> {
    let timeline: Timeline = serde_json::from_slice(&get(lb.address(), TIMELINE_PATH).body).expect("a timeline");
    timeline.events
}

/// What web2 was believed to be, one after the other, and why.
fn beliefs(lb: &Lb) -> Vec<(Belief, String)> {
    let of_web2 = |event: Event| match event.what {
        What::Belief { endpoint, to, reason, .. } if endpoint == "web2" => Some((to, reason)),
        _ => None,
    };
    timeline(lb).into_iter().filter_map(of_web2).collect()
}

#[test]
fn a_server_fails_and_comes_back_and_both_tell_all_of_it() {
    let demo = Lb::demo();
    // Without probes it is requests that tell, each step once; and a trial comes soon.
    let servers = demo.status().clusters.remove(0).endpoints;
    let endpoints: Vec<_> =
        servers.iter().map(|one| format!("{{ name = {:?}, address = {:?} }}", one.name, one.address)).collect();
    let lb = Lb::with_config(&format!(
        "workers = 2\n[[listeners]]\nbind = \"127.0.0.1:0\"\n\
         [[routes]]\npath = \"/api\"\ncluster = \"web\"\ntrace = true\n\
         [[routes]]\npath = \"/lb\"\nadmin = true\n[[routes]]\npath = \"/\"\nfiles = \"embedded\"\n\
         [clusters.web]\nendpoints = [{}]\nhealth = {{ max-fails = 3, eject-time = \"3s\", eject-jitter = \"0%\" }}\n",
        endpoints.join(", ")
    ));
    on_page(&lb.url(), async |page| {
        toggle(demo.address(), "web2", false);
        page.choose_rate(20).await;
        page.start_auto().await;

        // The ejection, with its cause: on the card, among what happened, and from the API.
        let reason = "3 requests failed within 10s, the last one answered 503";
        let seen = page
            .wait_until("web2 is ejected, and its card says until when", |seen| {
                let web2 = seen.card("web2");
                web2.text("belief-words").starts_with("Ejected ") && web2.text("reason") == reason
            })
            .await;
        let words = seen.card("web2").text("belief-words");
        assert!(words.starts_with("Ejected ") && words.ends_with("\u{a0}s"), "{words}");
        let happened = format!("return document.getElementById('happened').innerText.includes('{reason}')");
        page.wait_for("the ejection is among what happened, with its cause", &happened).await;
        assert_eq!(beliefs(&lb)[0], (Belief::Ejected, reason.to_owned()));

        // The failed attempt, its reason and the retry: in the list of traces, opened.
        page.wait_for("traces are offered", "return !document.getElementById('traces').hidden").await;
        // They are asked for when somebody sees them.
        page.run("document.getElementById('traces').scrollIntoView()").await;
        page.wait_for("a retried request is listed", "return Boolean(document.querySelector('[data-trace]'))").await;
        page.click("#traces-outcome option[value=retried]").await;
        page.wait_for(
            "requests that met web2 are listed",
            "return document.querySelectorAll('[data-trace]').length >= 3",
        )
        .await;
        page.run("document.querySelector('[data-trace] button').click()").await;
        page.wait_for("it opens", "return Boolean(document.querySelector('.trace-detail'))").await;
        let story = text(page, ".trace-detail").await;
        assert!(story.contains("web2 answered 503 in ") && story.contains("→ retried →"), "{story}");
        assert!(story.contains(" answered 200 in "), "{story}");
        let traces: Traces =
            serde_json::from_slice(&get(lb.address(), &format!("{TRACES_PATH}?outcome=retried")).body).expect("traces");
        assert_eq!(traces.traces.len(), 3, "it is asked three times, and no more once it is ejected");
        for trace in &traces.traces {
            let [failed, answered] = &trace.attempts[..] else { panic!("two attempts: {trace:#?}") };
            assert_eq!((failed.endpoint.as_str(), failed.status, failed.blamed), ("web2", Some(503), true));
            assert_eq!((answered.status, trace.status), (Some(200), Some(200)));
        }

        // The trial fails while web2 does, and succeeds once it is restored.
        page.wait_until("a trial has failed", |seen| seen.card("web2").text("reason").contains("trial")).await;
        toggle(demo.address(), "web2", true);
        page.wait_until("web2 is back", |seen| seen.card("web2").text("belief-words") == "Up").await;
        page.wait_for(
            "its return is among what happened",
            "return /web2 (is )?up/i.test(document.getElementById('happened').innerText)",
        )
        .await;
        let told: Vec<Belief> = beliefs(&lb).into_iter().map(|(belief, _)| belief).collect();
        let last = [Belief::Ejected, Belief::Trial, Belief::Up];
        assert!(told.len() >= 5 && told.ends_with(&last), "{told:?}");
        let seen = page.stop_auto().await;
        assert_eq!(seen.text("total-success"), "100 %", "nobody has noticed");
    });
}
