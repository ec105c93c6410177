//! Hostile bytes: what others have collected to confuse proxies, sent through `lb`, and judged by what arrives behind it. nginx and
//! `HAProxy` go through the same, for comparison:
//!
//! `cargo test -p lb --test e2e hostile -- --nocapture`

mod corpora;
mod entries;
mod judge;
mod origin;
mod scanner;
mod slow;
mod strict;
mod websockets;

use std::net::SocketAddr;

use entries::Entry;
use judge::{Row, judge, table};
use origin::Origin;
use strict::{End, Rules, walk};

use crate::support::{Lb, Peer, config};

/// All corpora, by name.
fn corpora() -> Vec<(&'static str, Vec<Entry>)> {
    vec![
        ("gunicorn valid", entries::gunicorn("valid")),
        ("gunicorn invalid", entries::gunicorn("invalid")),
        ("guardian compliant", entries::guardian(&["Compliant"])),
        ("guardian acceptable", entries::guardian(&["Acceptable"])),
        ("guardian ambiguous", entries::guardian(&["Ambiguous"])),
        ("guardian severe", entries::guardian(&["Severe"])),
        ("browser targets", entries::browsers()),
    ]
}

/// All corpora through one proxy, which is started before an origin of its own.
fn judged<P>(
    corpora: &[(&str, Vec<Entry>)],
    start: impl FnOnce(SocketAddr) -> P,
    address: impl FnOnce(&P) -> SocketAddr,
) -> Vec<Row> {
    let origin = Origin::new();
    let proxy = start(origin.address());
    let address = address(&proxy);
    corpora.iter().map(|(name, entries)| judge(address, &origin, name, entries)).collect()
}

#[test]
fn nothing_malformed_reaches_an_endpoint_and_everything_valid_does() {
    let corpora = &corpora()[..];
    let start_lb = |origin| Lb::with_config(&config::cluster(&[origin], ""));
    let [lb, nginx, haproxy] = std::thread::scope(|scope| {
        let lb = scope.spawn(|| judged(corpora, start_lb, Lb::address));
        let nginx = scope.spawn(|| judged(corpora, Peer::nginx, Peer::address));
        let haproxy = scope.spawn(|| judged(corpora, Peer::haproxy, Peer::address));
        [lb, nginx, haproxy].map(|rows| rows.join().expect("it was judged"))
    });
    let by = |name: &'static str, rows: Vec<Row>| rows.into_iter().map(move |row| (name, row));
    let rows: Vec<_> = by("lb", lb).chain(by("nginx", nginx)).chain(by("haproxy", haproxy)).collect();
    println!("{}", table(&rows));
    for (proxy, row) in &rows {
        for (what, list) in [
            ("violation", &row.violations),
            ("desync", &row.desyncs),
            ("valid, refused", &row.valid_refused),
            ("malformed, forwarded", &row.malformed_forwarded),
        ] {
            for one in list {
                println!("{proxy}: {}: {what}: {one}", row.corpus);
            }
        }
    }
    for (_, row) in rows.iter().filter(|(proxy, _)| *proxy == "lb") {
        let faults =
            [&row.violations, &row.desyncs, &row.valid_refused, &row.malformed_forwarded, &row.severe_forwarded];
        assert!(faults.iter().all(|list| list.is_empty()), "{row:#?}");
    }
}

#[test]
fn the_strict_reader_takes_nothing_that_the_corpora_call_severe() {
    for entry in entries::guardian(&["Severe"]) {
        let walk = walk(&entry.bytes, Rules::Client);
        assert!(walk.end != End::Clean && walk.messages.is_empty(), "{entry:?} was read as {walk:?}");
    }
}

#[test]
fn the_judge_finds_all_that_is_severe_where_nothing_is_in_between() {
    let (origin, entries) = (Origin::new(), entries::guardian(&["Severe"]));
    let row = judge(origin.address(), &origin, "guardian severe", &entries);
    assert_eq!((row.severe_forwarded.len(), row.refused), (entries.len(), 0), "{row:#?}");
    assert_eq!(row.violations.len(), entries.len(), "{row:#?}");
    let row = judge(origin.address(), &origin, "browser targets", &entries::browsers());
    assert_eq!((row.forwarded, row.raw_targets, row.violations.len()), (row.sent, row.sent, 0), "{row:#?}");
}
