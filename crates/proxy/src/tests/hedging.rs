//! A second attempt beside one that is late: when it begins, which of the two wins, and what becomes of the other.

use std::time::Duration;

use lb_balance::{Algorithm, Belief, BudgetPolicy};
use tokio::time::Instant;

use super::world::{OK, Script, UNAVAILABLE, World, at_once, in_paused_time};
use crate::config::{ClusterConfig, Hedge};

const DELAY: Duration = Duration::from_millis(50);

fn after(ms: u64, bytes: &'static str) -> Script {
    Script::Answer { after: Duration::from_millis(ms), bytes }
}

/// A world that hedges after 50 ms.
fn hedging(scripts: &[Script]) -> World {
    hedging_with(scripts, |_| {})
}

fn hedging_with(scripts: &[Script], change: impl FnOnce(&mut ClusterConfig)) -> World {
    World::with(scripts, |config| {
        config.hedge = Some(Hedge::After(DELAY));
        change(config);
    })
}

/// Which endpoints the answer names, and what it says that came of them: `e1 503, e2 200`.
fn told(answer: &str) -> String {
    let trace = answer.lines().find_map(|line| line.strip_prefix("lb-trace: ")).unwrap_or_else(|| panic!("{answer}"));
    let attempt = |attempt: &str| {
        let mut parts = attempt.split(';').map(|part| part.trim_matches('"'));
        let (name, what) = (parts.next().expect("a name"), parts.next().expect("what came of it"));
        format!("{name} {}", what.split_once('=').expect("a key and its value").1)
    };
    trace.split(", ").map(attempt).collect::<Vec<_>>().join(", ")
}

async fn get_and_time(world: &World) -> (String, Duration) {
    let began = Instant::now();
    let answer = world.get().await;
    (answer, began.elapsed())
}

#[test]
fn a_hedge_that_answers_first_wins_and_nobody_is_blamed() {
    in_paused_time(async {
        let world = hedging(&[after(9000, OK), at_once(OK)]);
        let (answer, took) = get_and_time(&world).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(told(&answer), "e1 overtaken, e2 200");
        assert!(took >= DELAY && took < DELAY * 2, "{took:?}");
        let counters = world.snapshot().await.endpoints.iter().map(|e| e.counters).collect::<Vec<_>>();
        assert!(counters.iter().all(|c| (c.in_flight, c.attempts, c.failures) == (0, 1, 0)), "{counters:?}");
    });
}

#[test]
fn the_connection_of_an_attempt_that_was_overtaken_is_not_used_again() {
    in_paused_time(async {
        let world = hedging(&[after(9000, OK), at_once(OK)]);
        for _ in 0..3 {
            assert_eq!(told(&world.get().await), "e1 overtaken, e2 200");
        }
        assert_eq!(world.dialled(), [0, 1, 0, 0]);
    });
}

#[test]
fn a_first_attempt_that_answers_after_all_wins_and_the_hedge_is_cancelled() {
    in_paused_time(async {
        let world = hedging(&[after(100, OK), after(9000, OK)]);
        let (answer, took) = get_and_time(&world).await;
        assert_eq!(told(&answer), "e2 overtaken, e1 200");
        assert!(took >= DELAY * 2 && took < DELAY * 3, "{took:?}");
        assert!(world.snapshot().await.endpoints.iter().all(|e| e.counters.in_flight == 0));
    });
}

#[test]
fn an_answer_in_time_is_not_hedged() {
    in_paused_time(async {
        let world = hedging(&[after(40, OK), at_once(OK)]);
        assert_eq!(told(&world.get().await), "e1 200");
    });
}

#[test]
fn a_request_is_hedged_once() {
    in_paused_time(async {
        let world = hedging(&[after(9000, OK), after(300, UNAVAILABLE), after(300, OK), at_once(OK)]);
        let (answer, took) = get_and_time(&world).await;
        assert_eq!(told(&answer), "e2 503, e1 200");
        assert!(took >= Duration::from_secs(9), "{took:?}");
    });
}

#[test]
fn without_a_budget_there_is_no_hedge() {
    in_paused_time(async {
        let world = hedging_with(&[after(200, OK), at_once(OK)], |config| {
            config.budget = Some(BudgetPolicy { percent: 0, floor: 0 });
        });
        assert_eq!(told(&world.get().await), "e1 200");
        assert_eq!(world.dialled(), [0]);
    });
}

#[test]
fn where_nobody_else_can_be_asked_there_is_no_hedge() {
    in_paused_time(async {
        let world = hedging(&[after(200, OK)]);
        assert_eq!(told(&world.get().await), "e1 200");
    });
}

#[test]
fn what_may_do_something_twice_is_not_hedged() {
    in_paused_time(async {
        for request in [
            "POST / HTTP/1.1\r\nhost: t\r\nlb-trace: 1\r\nconnection: close\r\n\r\n",
            "DELETE / HTTP/1.1\r\nhost: t\r\nlb-trace: 1\r\nconnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: t\r\nlb-trace: 1\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
        ] {
            let world = hedging(&[after(200, OK), at_once(OK)]);
            assert_eq!(told(&world.ask(request).await), "e1 200", "{request}");
        }
    });
}

#[test]
fn a_first_attempt_that_fails_leaves_the_hedge_to_answer() {
    in_paused_time(async {
        for (first, word) in [(UNAVAILABLE, "503"), ("nonsense\r\n\r\n", "invalid-header")] {
            let world = hedging(&[after(100, first), after(200, OK), at_once(OK)]);
            let (answer, took) = get_and_time(&world).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert_eq!(told(&answer), format!("e1 {word}, e2 200"));
            assert!(took >= DELAY * 5 && took < DELAY * 6, "{took:?}");
        }
    });
}

#[test]
fn when_both_fail_a_third_is_asked() {
    in_paused_time(async {
        let world = hedging(&[after(100, UNAVAILABLE), after(200, UNAVAILABLE), at_once(OK)]);
        assert_eq!(told(&world.get().await), "e1 503, e2 503, e3 200");
    });
}

#[test]
fn when_all_fail_the_last_real_answer_is_passed_on() {
    in_paused_time(async {
        let world = hedging(&[after(100, UNAVAILABLE), after(200, "nonsense\r\n\r\n")]);
        let answer = world.get().await;
        assert!(answer.starts_with("HTTP/1.1 503 No"), "{answer}");
        assert_eq!(told(&answer), "e1 503, e2 invalid-header");
        assert!(world.snapshot().await.endpoints.iter().all(|e| e.counters.in_flight == 0));
    });
}

#[test]
fn a_hedge_is_one_of_the_attempts_that_a_request_may_make() {
    in_paused_time(async {
        let world = hedging_with(&[after(100, UNAVAILABLE), after(200, UNAVAILABLE), at_once(OK)], |config| {
            config.retry.attempts = 2.try_into().expect("not zero");
        });
        assert_eq!(told(&world.get().await), "e1 503, e2 503");
    });
}

#[test]
fn peak_ewma_hears_how_slow_the_one_was_that_was_overtaken() {
    in_paused_time(async {
        let world = hedging_with(&[after(9000, OK), at_once(OK)], |config| {
            config.policy.algorithm = Algorithm::PeakEwma;
        });
        let slow = async || world.snapshot().await.endpoints[0].counters.attempts;
        while slow().await == 0 {
            world.get().await;
        }
        for _ in 0..8 {
            assert_eq!(told(&world.get().await), "e2 200");
        }
    });
}

#[test]
fn the_delay_is_learned_from_what_others_took() {
    in_paused_time(async {
        let world = World::with(&[after(20, OK), after(5000, OK)], |config| {
            config.hedge = Some(Hedge::Quantile(80));
            config.endpoints[0].endpoint.weight = 9;
        });
        let mut slow = 0;
        for _ in 0..128 {
            slow += u32::from(get_and_time(&world).await.1 >= Duration::from_secs(5));
        }
        assert!(slow >= 10, "as long as nothing is known, nothing is hedged: {slow}");
        for _ in 0..30 {
            let (answer, took) = get_and_time(&world).await;
            assert!(took < Duration::from_millis(60), "{took:?}: {answer}");
        }
    });
}

/// Or every request that can be hedged would be the trial of an endpoint that hangs, and wait for its hedge.
#[test]
fn a_trial_that_is_overtaken_has_failed() {
    in_paused_time(async {
        let world = hedging_with(&[after(9_000_000, OK), at_once(OK)], |config| {
            config.policy.health.max_fails = 1;
            config.timeouts.response = Duration::from_secs(1);
        });
        // A POST is not hedged: the one that hangs is blamed for it.
        let post = "POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        while !world.ask(post).await.starts_with("HTTP/1.1 504") {}
        tokio::time::sleep(Duration::from_secs(11)).await;
        let belief = async || world.snapshot().await.endpoints[0].belief;
        assert_eq!(belief().await, Belief::Trial);
        let (answer, took) = get_and_time(&world).await;
        assert!(answer.starts_with("HTTP/1.1 200") && took >= DELAY, "{took:?}: {answer}");
        assert!(matches!(belief().await, Belief::Ejected { .. }));
        let (_, took) = get_and_time(&world).await;
        assert!(took < DELAY, "{took:?}");
    });
}
