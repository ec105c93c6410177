//! Sessions: whoever comes back is sent where it was, as long as that works.

use std::time::Duration;

use super::world::{OK, Script, UNAVAILABLE, World, at_once, in_paused_time};
use crate::Secret;
use crate::config::{ClusterConfig, Hedge, StickyConfig};

/// An answer with a cookie of the application's own.
const OWN_COOKIE: &str = "HTTP/1.1 200 OK\r\nset-cookie: mine=1\r\ncontent-length: 2\r\n\r\nok";

fn sticky(config: &mut ClusterConfig) {
    let secret = Some(Secret::new(b"a secret of enough bytes".to_vec()));
    config.sticky = Some(StickyConfig { cookie: "home".to_owned(), secret, max_age: None });
}

/// Asks with that cookie; gives the endpoint that answered in the end, and the session's cookie if one was set.
async fn ask(world: &World, cookie: &str) -> (String, Option<String>) {
    let field = if cookie.is_empty() { String::new() } else { format!("cookie: a=b; {cookie}\r\n") };
    let answer =
        world.ask(&format!("GET / HTTP/1.1\r\nhost: t\r\nlb-trace: 1\r\nconnection: close\r\n{field}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let of = |start: &str| answer.lines().filter_map(|line| line.strip_prefix(start)).map(str::to_owned).next_back();
    let trace = of("lb-trace: ").expect("it was asked for");
    let endpoint = trace.rsplit(", ").next().and_then(|last| last.split('"').nth(1)).expect("somebody answered");
    let cookie = of("set-cookie: home=").map(|rest| format!("home={}", rest.split(';').next().expect("a value")));
    (endpoint.to_owned(), cookie)
}

/// A session at that endpoint.
async fn session_at(world: &World, name: &str) -> String {
    for _ in 0..10 {
        let (endpoint, cookie) = ask(world, "").await;
        if endpoint == name {
            return cookie.expect("a stranger gets a session");
        }
    }
    panic!("{name} never has its turn");
}

#[test]
fn a_session_stays_at_its_endpoint_and_is_told_so_once() {
    in_paused_time(async {
        let world = World::with(&[at_once(OK); 4], sticky);
        for name in ["e1", "e2", "e3", "e4"] {
            let cookie = session_at(&world, name).await;
            for _ in 0..5 {
                assert_eq!(ask(&world, &cookie).await, (name.to_owned(), None));
            }
        }
    });
}

#[test]
fn a_cookie_that_lb_did_not_make_is_ignored() {
    in_paused_time(async {
        let world = World::with(&[at_once(OK); 2], sticky);
        let mut seen = Vec::new();
        for forged in ["home=e2", "home=", "home=00000000000000000000000000000000"] {
            let (endpoint, cookie) = ask(&world, forged).await;
            assert!(cookie.is_some(), "{forged}");
            seen.push(endpoint);
        }
        assert_eq!(seen, ["e1", "e2", "e1"], "each in turn, as strangers are");
    });
}

#[test]
fn the_applications_own_cookies_stay() {
    in_paused_time(async {
        let world = World::with(&[at_once(OWN_COOKIE)], sticky);
        let answer = world.get().await;
        assert!(answer.contains("set-cookie: mine=1\r\n"), "{answer}");
        assert!(answer.contains("; Path=/; HttpOnly; SameSite=Lax\r\n"), "{answer}");
    });
}

#[test]
fn a_session_stays_where_strangers_are_no_longer_sent() {
    in_paused_time(async {
        let before = World::with(&[at_once(OK); 2], sticky);
        let cookie = session_at(&before, "e2").await;
        let world = World::with(&[at_once(OK); 2], |config| {
            sticky(config);
            config.endpoints[1].endpoint.draining = true;
        });
        for _ in 0..5 {
            assert_eq!(ask(&world, &cookie).await, ("e2".to_owned(), None));
            assert_eq!(ask(&world, "").await.0, "e1");
        }
    });
}

#[test]
fn a_session_moves_when_its_endpoint_fails() {
    in_paused_time(async {
        let before = World::with(&[at_once(OK); 2], sticky);
        let cookie = session_at(&before, "e1").await;
        let world = World::with(&[Script::Refuse, at_once(OK)], |config| {
            sticky(config);
            config.policy.health.max_fails = 1;
        });
        let (endpoint, moved) = ask(&world, &cookie).await;
        let moved = moved.expect("it is told where it is now");
        assert_eq!(endpoint, "e2");
        assert_eq!(ask(&world, &moved).await, ("e2".to_owned(), None));
        // While its endpoint is out it is not even asked.
        let dialled = world.dialled().len();
        assert_eq!(ask(&world, &cookie).await.0, "e2");
        assert!(!world.dialled()[dialled..].contains(&0));
    });
}

#[test]
fn a_session_waits_for_its_endpoint_where_others_are_hedged() {
    in_paused_time(async {
        let slow = Script::Answer { after: Duration::from_secs(3), bytes: OK };
        let hedging = |config: &mut ClusterConfig| {
            sticky(config);
            config.hedge = Some(Hedge::After(Duration::from_secs(1)));
        };
        let before = World::with(&[at_once(OK); 2], hedging);
        let cookie = session_at(&before, "e1").await;
        let world = World::with(&[slow, at_once(OK)], hedging);
        assert_eq!(ask(&world, &cookie).await, ("e1".to_owned(), None));
        assert_eq!(ask(&world, "").await.0, "e2", "a stranger's hedge is quicker");
    });
}

#[test]
fn nobody_is_bound_by_a_failure() {
    in_paused_time(async {
        let world = World::with(&[at_once(UNAVAILABLE), at_once(UNAVAILABLE)], sticky);
        let answer = world.get().await;
        assert!(answer.starts_with("HTTP/1.1 503") && !answer.contains("set-cookie"), "{answer}");
    });
}
