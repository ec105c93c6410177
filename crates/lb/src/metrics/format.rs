//! Which of the two formats a reader gets.

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus' text format.
    Text,
    /// `OpenMetrics`.
    OpenMetrics,
}

impl Format {
    /// The one that a reader prefers whose Accept fields are these (RFC 9110 §12.5.1); Prometheus' own if it does not say, and
    /// if it accepts neither: a reader that is told nothing finds it harder to see what is wrong.
    pub(crate) fn accepted<'a>(accept: impl Iterator<Item = &'a str>) -> Self {
        let ranges: Vec<_> = accept.flat_map(|field| field.split(',')).map(Range::read).collect();
        let open = liking(&ranges, "application/*", "application/openmetrics-text");
        let text = liking(&ranges, "text/*", "text/plain");
        // Where they are liked alike, it is OpenMetrics if it was asked for by its name: nobody does who cannot read it.
        let prefers_open = open.quality > text.quality || (open.quality >= text.quality && open.is_named);
        if open.quality > 0.0 && prefers_open { Self::OpenMetrics } else { Self::Text }
    }

    /// The media type of what is written.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What is accepted, and how much it is liked, 0 to 1.
struct Range<'a> {
    media: &'a str,
    quality: f32,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let weight = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("q"));
        // A weight that is none is as if it were not there.
        let quality = weight.and_then(|(_, weight)| weight.parse().ok()).filter(|weight| (0.0..=1.0).contains(weight));
        Self { media, quality: quality.unwrap_or(1.0) }
    }
}

/// How much a media type is liked.
struct Liking {
    quality: f32,
    /// By itself, rather than by a range that it falls in.
    is_named: bool,
}

/// The most specific range decides, also where another one gives more.
fn liking(ranges: &[Range<'_>], family: &str, media: &str) -> Liking {
    let quality_of = |wanted: &str| {
        let same = ranges.iter().filter(|range| range.media.eq_ignore_ascii_case(wanted));
        same.map(|range| range.quality).reduce(f32::max)
    };
    let named = quality_of(media);
    let quality = named.or_else(|| quality_of(family)).or_else(|| quality_of("*/*"));
    Liking { quality: quality.unwrap_or(0.0), is_named: named.is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = "application/openmetrics-text";

    #[test]
    fn a_reader_gets_the_format_that_it_prefers() {
        for (accept, format) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("application/json", Format::Text),
            // What Prometheus sends.
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            ("text/plain;q=0.9, application/openmetrics-text;q=0.1", Format::Text),
            ("text/plain, Application/OpenMetrics-Text", Format::OpenMetrics),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=0, application/*", Format::Text),
            ("application/*", Format::OpenMetrics),
            ("application/openmetrics-text ; Q=0.4 , */* ; q=0.8", Format::Text),
            ("application/openmetrics-text;q=many, text/*;q=0.5", Format::OpenMetrics),
        ] {
            assert_eq!(Format::accepted([accept].into_iter()), format, "{accept}");
        }
    }

    #[test]
    fn what_it_accepts_may_stand_in_several_fields() {
        assert_eq!(Format::accepted(["text/plain;q=0.5", OPEN].into_iter()), Format::OpenMetrics);
        assert_eq!(Format::accepted([].into_iter()), Format::Text);
    }
}
