//! What the fuzz targets of `lb-http1` hold against it, whatever bytes they are given:
//!
//! - it reads what hyper reads, or refuses it;
//! - it reads the same however the bytes come apart;
//! - what it accepts is, as the proxy sends it on, exactly one request to a strict reader.
//!
//! The judges are those of the tests in `tests/differential`; only who makes the bytes is another.

#[path = "../../tests/differential/compare.rs"]
mod compare;
#[path = "../../tests/differential/exceptions.rs"]
mod exceptions;
#[path = "../../tests/differential/mutate.rs"]
mod mutate;
#[path = "../../tests/differential/ours.rs"]
mod ours;
#[path = "../../tests/differential/reading.rs"]
mod reading;
#[path = "../../tests/differential/rewriting.rs"]
mod rewriting;
#[path = "../../tests/differential/script.rs"]
mod script;
#[path = "../../tests/differential/strict.rs"]
mod strict;
#[path = "../../tests/differential/theirs.rs"]
mod theirs;

use compare::Tally;
use fastrand::Rng;
use reading::{Reading, described, pieces};

/// Bytes that a client sends.
///
/// # Panics
///
/// If they are judged badly.
pub fn request(bytes: &[u8]) {
    let mut judged = Ok(());
    let ours = ours::requests(&whole(bytes), |head, message, trailers| {
        judged = judged.clone().and(rewriting::judge(head, message, trailers));
    });
    must_hold(bytes, judged);
    must_hold(bytes, Tally::default().compare(&ours, &theirs::requests(&whole(bytes))));
    must_be_same(bytes, &ours, &ours::requests(&apart(bytes), |_, _, _| {}));
}

/// Bytes that an endpoint sends.
///
/// # Panics
///
/// If they are judged badly.
pub fn answer(bytes: &[u8]) {
    for method in ["GET", "HEAD"] {
        let ours = ours::answer(method, &whole(bytes));
        must_hold(bytes, Tally::default().compare(&ours, &theirs::answer(method, &whole(bytes))));
        must_be_same(bytes, &ours, &ours::answer(method, &apart(bytes)));
    }
}

/// Bytes that a client sends as a body in chunks.
///
/// # Panics
///
/// If they are judged badly.
pub fn body(bytes: &[u8]) {
    const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    request(&[HEAD, bytes].concat());
}

/// Changes an input as the tests do: by fields, lines and words. Gives its new length, or `None` if it cannot be that long.
pub fn spoil(bytes: &mut [u8], length: usize, most: usize, seed: u32) -> Option<usize> {
    let mut spoilt = bytes.get(..length)?.to_vec();
    mutate::spoil(&mut Rng::with_seed(seed.into()), &mut spoilt);
    let fits = !spoilt.is_empty() && spoilt.len() <= most.min(bytes.len());
    fits.then(|| {
        bytes[..spoilt.len()].copy_from_slice(&spoilt);
        spoilt.len()
    })
}

fn whole(bytes: &[u8]) -> Vec<Vec<u8>> {
    pieces(bytes, &[])
}

/// In pieces of one byte at first, and of more later, so that a long input takes no long time.
fn apart(bytes: &[u8]) -> Vec<Vec<u8>> {
    let cuts: Vec<usize> = (0..bytes.len()).filter(|at| *at < 512 || at % 61 == 0).collect();
    pieces(bytes, &cuts)
}

fn must_hold(bytes: &[u8], judged: Result<(), String>) {
    if let Err(failure) = judged {
        panic!("{failure}\n{}", described(bytes, &whole(bytes)));
    }
}

fn must_be_same(bytes: &[u8], at_once: &Reading, in_pieces: &Reading) {
    assert!(
        at_once.messages == in_pieces.messages,
        "it matters how they come: {at_once:?} or {in_pieces:?}\n{}",
        described(bytes, &whole(bytes))
    );
}
