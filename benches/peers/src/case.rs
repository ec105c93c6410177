//! The kinds of work that are measured.

/// The length of a small answer's body, in bytes.
pub(crate) const SMALL: usize = 128;
const KIB_1: usize = 1024;
const KIB_64: usize = 64 * 1024;
/// The longest body of all.
pub(crate) const MIB_1: usize = 1024 * 1024;

/// All lengths of answers that the backends are asked for.
pub(crate) const ANSWERS: [usize; 3] = [SMALL, KIB_64, MIB_1];

/// One kind of work: always the same request, always the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// How many requests are under way at once.
    pub(crate) connections: usize,
    /// The length of the request's body; 0 is a GET.
    pub(crate) upload: usize,
    /// The length of the answer's body.
    pub(crate) answer: usize,
    /// Whether each request comes on a connection of its own.
    pub(crate) fresh: bool,
    /// Whether the proxy writes an access log.
    pub(crate) logs: bool,
}

const GET: Case =
    Case { name: "get-64", about: "", connections: 64, upload: 0, answer: SMALL, fresh: false, logs: false };

/// In the order in which they are reported.
pub(crate) const CASES: [Case; 9] = [
    Case { name: "get-1", about: "small GET, 1 connection", connections: 1, ..GET },
    Case { about: "small GET, 64 connections", ..GET },
    Case { name: "get-1000", about: "small GET, 1,000 connections", connections: 1000, ..GET },
    Case {
        name: "new-connection",
        about: "small GET, each on a new connection, 16 at once",
        connections: 16,
        fresh: true,
        ..GET
    },
    Case { name: "post-1KiB", about: "POST of 1 KiB, 64 connections", upload: KIB_1, ..GET },
    Case { name: "answer-64KiB", about: "answers of 64 KiB, 16 connections", connections: 16, answer: KIB_64, ..GET },
    Case { name: "answer-1MiB", about: "answers of 1 MiB, 8 connections", connections: 8, answer: MIB_1, ..GET },
    Case { name: "upload-1MiB", about: "uploads of 1 MiB, 8 connections", connections: 8, upload: MIB_1, ..GET },
    Case { name: "get-64-logs", about: "small GET, 64 connections, access log on", logs: true, ..GET },
];

impl Case {
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        CASES
            .into_iter()
            .find(|case| case.name == name)
            .ok_or_else(|| format!("there is no such case; there are {}", CASES.map(|case| case.name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_found_by_its_own_name() {
        for case in CASES {
            assert_eq!(Case::named(case.name), Ok(case));
        }
        assert!(Case::named("get-2").is_err());
    }

    #[test]
    fn the_backends_know_every_answer_that_is_asked_for() {
        assert!(CASES.iter().all(|case| ANSWERS.contains(&case.answer)));
    }
}
