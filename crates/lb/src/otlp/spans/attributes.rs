//! A span's attributes.

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// Attributes in the making.
#[derive(Debug, Default)]
pub(in crate::otlp) struct Attributes(Vec<KeyValue>);

impl Attributes {
    /// One more.
    pub(in crate::otlp) fn text(&mut self, key: &str, value: impl Into<String>) {
        self.push(key, Value::StringValue(value.into()));
    }

    /// One more, if there is a value.
    pub(in crate::otlp) fn maybe(&mut self, key: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    /// One more, a number.
    pub(in crate::otlp) fn number(&mut self, key: &str, value: impl Into<i64>) {
        self.push(key, Value::IntValue(value.into()));
    }

    /// One more, a time in seconds, as the conventions have it.
    pub(in crate::otlp) fn seconds(&mut self, key: &str, value: Duration) {
        self.push(key, Value::DoubleValue(value.as_secs_f64()));
    }

    /// One more, which is true. What is false is left out.
    pub(in crate::otlp) fn flag(&mut self, key: &str) {
        self.push(key, Value::BoolValue(true));
    }

    /// All of them.
    pub(in crate::otlp) fn into_vec(self) -> Vec<KeyValue> {
        self.0
    }

    fn push(&mut self, key: &str, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }
}
