//! Why a message is not read on. Which status that makes is the proxy's to say.

/// What is wrong with a head's bytes, a request's or an answer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A line ends in something else than CR LF.
    #[error("a line ends in something else than CR LF")]
    LineEnd,
    /// The first line is not what it must be.
    #[error("the first line is not HTTP")]
    FirstLine,
    /// A field's name is not a token, or is not followed by a colon at once; folded lines end here, too.
    #[error("a header field's name is not a token followed by a colon")]
    FieldName,
    /// A field's value holds a control character.
    #[error("a header field's value holds a control character")]
    FieldValue,
    /// The head is larger than the limit.
    #[error("the head is too large")]
    TooLarge,
    /// It has more fields than the limit.
    #[error("the head has too many fields")]
    TooManyFields,
    /// Content-Length is not one number.
    #[error("Content-Length is not one number")]
    Length,
    /// Content-Length came more than once.
    #[error("Content-Length came more than once")]
    SeveralLengths,
    /// Transfer-Encoding is something else than a lone `chunked`.
    #[error("Transfer-Encoding is something else than a lone chunked")]
    Encoding,
    /// Transfer-Encoding has a coding that is not known here before its `chunked`.
    #[error("Transfer-Encoding has a coding that is not known here")]
    Coding,
    /// Content-Length and Transfer-Encoding came together.
    #[error("Content-Length and Transfer-Encoding came together")]
    LengthAndEncoding,
    /// Transfer-Encoding came with HTTP/1.0, which does not know it.
    #[error("Transfer-Encoding came with HTTP/1.0")]
    EncodingInOld,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its bytes are not a head.
    #[error(transparent)]
    Flaw(#[from] Flaw),
    /// It speaks neither HTTP/1.0 nor HTTP/1.1.
    #[error("the version is neither HTTP/1.0 nor HTTP/1.1")]
    Version,
    /// Its target is longer than the limit.
    #[error("the target is too long")]
    TargetTooLong,
    /// Its target has none of the forms of RFC 9112 §3.2, or a character that no target has.
    #[error("the target has none of the forms that a target can have")]
    Target,
    /// HTTP/1.1 asks for a Host field (RFC 9112 §3.2).
    #[error("the Host field is missing")]
    NoHost,
    /// There are two.
    #[error("there is more than one Host field")]
    SeveralHosts,
    /// It is not a host with or without a port.
    #[error("the Host field is not a host")]
    BadHost,
    /// The target's host and the Host field are two hosts.
    #[error("the target and the Host field name different hosts")]
    HostsDiffer,
    /// It expects something else than `100-continue` (RFC 9110 §10.1.1).
    #[error("Expect is something else than 100-continue")]
    Expectation,
}
