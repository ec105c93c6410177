//! What a request is marked with on its way, so that others find it again: a request id, and its place in a trace over several
//! services (W3C Trace Context). Both only where they are configured.

use lb_http1::{Field, Fields};

use crate::story::Span;
use crate::traceparent::{self, Context};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// A longer request id is replaced, as one that is no visible ASCII: it stands in logs.
const MOST_ID: usize = 128;

/// How requests are marked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marking {
    /// The field that carries the request id: a client's is passed on, else one is made. `None`: no field does.
    pub request_id: Option<String>,
    /// Whether a trace is begun where a request brings none, and our part of it named to the endpoint.
    pub propagate: bool,
    /// What part of the traces that begin here is recorded, 0 to 1.
    pub sample: f64,
}

/// One request's marks.
#[derive(Debug, Default)]
pub(crate) struct Marks<'m> {
    /// The field and its value.
    pub(crate) request_id: Option<(&'m str, Box<str>)>,
    pub(crate) span: Option<Span>,
    keeps_state: bool,
}

impl Marking {
    /// Marks a request with those fields.
    pub(crate) fn mark(&self, fields: &Fields) -> Marks<'_> {
        let request_id = self.request_id.as_deref().map(|name| (name, request_id(fields, name)));
        let mut parents = fields.all(TRACEPARENT);
        // Of two, nobody knows which one is right.
        let parent = parents.next().filter(|_| self.propagate && parents.next().is_none()).and_then(traceparent::parse);
        let span = self.propagate.then(|| {
            let sampled = || fastrand::f64() < self.sample;
            let begun = || Context { trace: fastrand::u128(1..), parent: 0, sampled: sampled(), random: true };
            let Context { trace, sampled, random, .. } = parent.unwrap_or_else(begun);
            let parent = parent.map(|parent| parent.parent);
            Span { trace, span: fastrand::u64(1..), parent, recorded: sampled, random }
        });
        Marks { request_id, span, keeps_state: parent.is_some() }
    }
}

impl Marks<'_> {
    /// Whether a client's field gives way to them.
    pub(crate) fn replace(&self, field: &Field<'_>) -> bool {
        // A server behind may take an underscore for a hyphen.
        let hyphen = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
        let is = |name: &str| {
            name.len() == field.name.len() && name.bytes().map(|byte| hyphen(&byte)).eq(field.name.iter().map(hyphen))
        };
        self.request_id.as_ref().is_some_and(|(name, _)| is(name))
            || (self.span.is_some() && (is(TRACEPARENT) || (is(TRACESTATE) && !self.keeps_state)))
    }

    /// Gives each field that they add.
    pub(crate) fn push(&self, mut push: impl FnMut(&str, &[u8])) {
        if let Some((name, value)) = &self.request_id {
            push(name, value.as_bytes());
        }
        if let Some(Span { trace, span, recorded, random, .. }) = self.span {
            let context = Context { trace, parent: span, sampled: recorded, random };
            push(TRACEPARENT, traceparent::format(context).as_bytes());
        }
    }
}

fn request_id(fields: &Fields, name: &str) -> Box<str> {
    let said = fields.get(name).and_then(|value| std::str::from_utf8(value).ok());
    let is_good = |value: &&str| {
        (1..=MOST_ID).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
    };
    match said.filter(is_good) {
        Some(value) => value.into(),
        None => format!("{:032x}", fastrand::u128(..)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn marked(marking: &Marking, lines: &str) -> (Vec<(String, String)>, Vec<String>) {
        let fields = Fields::read(format!("{lines}\r\n").as_bytes(), &lb_http1::Limits::DEFAULT).expect("fields");
        let marks = marking.mark(&fields);
        let mut added = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        marks.push(|name, value| added.push((name.to_owned(), text(value))));
        let kept = fields.iter().filter(|field| !marks.replace(field)).map(|field| text(field.name)).collect();
        (added, kept)
    }

    #[test]
    fn nothing_is_marked_unless_it_is_configured() {
        let (added, kept) = marked(&Marking::default(), &format!("traceparent: {PARENT}\r\nx-request-id: a\r\n"));
        assert!(added.is_empty());
        assert_eq!(kept, ["traceparent", "x-request-id"]);
    }

    #[test]
    fn a_good_request_id_is_passed_on_and_another_one_replaced() {
        let marking = Marking { request_id: Some("x-request-id".to_owned()), ..Marking::default() };
        let (added, kept) = marked(&marking, "X-Request-Id: abc-1\r\nx_request_id: forged\r\nx-other: 1\r\n");
        assert_eq!((added[0].1.as_str(), &kept[..]), ("abc-1", &["x-other".to_owned()][..]));
        for bad in
            ["", "X-Request-Id: a b\r\n", "X-Request-Id: \"\r\n", &format!("X-Request-Id: {}\r\n", "a".repeat(129))]
        {
            let (added, kept) = marked(&marking, bad);
            assert!(added[0].1.len() == 32 && kept.is_empty(), "{added:?}");
        }
    }

    #[test]
    fn a_trace_goes_on_with_our_part_of_it() {
        let marking = Marking { propagate: true, ..Marking::default() };
        let (added, kept) = marked(&marking, &format!("traceparent: {PARENT}\r\ntracestate: a=b\r\n"));
        let ours = traceparent::parse(added[0].1.as_bytes()).expect("it is one");
        let theirs = traceparent::parse(PARENT.as_bytes()).expect("it is one");
        assert_eq!((ours.trace, ours.sampled), (theirs.trace, true));
        assert_ne!(ours.parent, theirs.parent);
        assert_eq!(kept, ["tracestate"]);
    }

    #[test]
    fn a_trace_begins_where_none_can_be_relied_on() {
        for sample in [0.0, 1.0] {
            let marking = Marking { propagate: true, sample, ..Marking::default() };
            for lines in ["", "traceparent: x\r\n", &format!("traceparent: {PARENT}\r\ntraceparent: {PARENT}\r\n")] {
                let (added, kept) = marked(&marking, &format!("{lines}tracestate: a=b\r\n"));
                let ours = traceparent::parse(added[0].1.as_bytes()).expect("it is one");
                assert_eq!(ours.sampled, sample > 0.5);
                assert!(kept.is_empty(), "{kept:?}");
            }
        }
    }
}
