//! The exporter before receivers that take, refuse, and say nothing.
#![allow(clippy::disallowed_types, reason = "tests share what they saw among threads")]

use super::*;

use std::io;
use std::sync::Mutex;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use tracing_subscriber::fmt::MakeWriter;

use super::stories::{names, story};

/// Longer than anything here takes, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(30);

type Messages = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver that answers its messages, from 0, as the test says; and what it was sent.
async fn receiver(script: impl Fn(usize) -> Response + Clone + Send + Sync + 'static) -> (String, Messages) {
    let messages = Messages::default();
    let seen = Arc::clone(&messages);
    let take = move |fields: HeaderMap, body: Bytes| async move {
        let count = {
            let mut seen = seen.lock().expect("no script panics");
            seen.push((fields, body));
            seen.len() - 1
        };
        script(count)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, Router::new().route(PATH, post(take))).await });
    (address, messages)
}

/// The path that the specification of OTLP gives it.
const PATH: &str = "/v1/traces";

/// What is logged while it is there.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("nobody panics").clone()).expect("it is text")
    }
}

/// Sends so many stories to a receiver and stops at once; returns what was logged.
async fn send_and_stop(address: &str, stories: usize, within: Duration) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let sending = async {
        let (names, clock) = names();
        let (otlp, exporting) = Otlp::start(address, "shop", names, clock).expect("an address");
        // Nothing is awaited in between: the exporter takes none of them before all are there.
        (0..stories).for_each(|_| otlp.hear(&Arc::new(story())));
        exporting.stop(within).await;
    };
    tokio::time::timeout(PATIENCE, LocalSet::new().run_until(sending)).await.expect("it ends");
    drop(guard);
    log.text()
}

fn requests(messages: &Messages) -> Vec<ExportTraceServiceRequest> {
    let messages = messages.lock().expect("no script panics");
    messages.iter().map(|(_, body)| ExportTraceServiceRequest::decode(&body[..]).expect("it is one")).collect()
}

fn sizes(requests: &[ExportTraceServiceRequest]) -> Vec<usize> {
    let spans = |one: &ExportTraceServiceRequest| one.resource_spans[0].scope_spans[0].spans.len();
    requests.iter().map(spans).collect()
}

#[tokio::test]
async fn all_that_was_heard_is_sent_in_batches_before_it_stops() {
    let (address, messages) = receiver(|_| StatusCode::OK.into_response()).await;
    let log = send_and_stop(&address, 600, PATIENCE).await;
    let requests = requests(&messages);
    // Two spans each.
    assert_eq!(sizes(&requests), [512, 512, 176]);
    assert_eq!(messages.lock().expect("no script panics")[0].0["content-type"], "application/x-protobuf");
    let resource = requests[0].resource_spans[0].resource.as_ref().expect("there is one");
    let service = resource.attributes.iter().find(|one| one.key == "service.name").expect("it is named");
    assert!(format!("{:?}", service.value).contains("\"shop\""), "{service:?}");
    assert_eq!(log, "");
}

#[tokio::test]
async fn what_is_heard_is_sent_without_a_full_batch_and_without_a_stop() {
    let (told, mut heard) = mpsc::channel(1);
    let (address, _) = receiver(move |_| {
        told.try_send(()).expect("the first");
        StatusCode::OK.into_response()
    })
    .await;
    let sending = async {
        let (names, clock) = names();
        let (otlp, exporting) = Otlp::start(&address, "lb", names, clock).expect("an address");
        otlp.hear(&Arc::new(story()));
        heard.recv().await.expect("it is sent");
        exporting.stop(PATIENCE).await;
    };
    tokio::time::timeout(PATIENCE, LocalSet::new().run_until(sending)).await.expect("it ends");
}

#[tokio::test]
async fn a_batch_is_sent_again_to_a_receiver_that_is_busy() {
    let (answered, mut answers) = mpsc::channel(2);
    let (address, messages) = receiver(move |count| {
        answered.try_send(()).expect("no third");
        if count == 0 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }.into_response()
    })
    .await;
    let sending = async {
        let (names, clock) = names();
        let (otlp, exporting) = Otlp::start(&address, "lb", names, clock).expect("an address");
        otlp.hear(&Arc::new(story()));
        answers.recv().await.expect("it is sent");
        answers.recv().await.expect("it is sent again");
        exporting.stop(PATIENCE).await;
    };
    tokio::time::timeout(PATIENCE, LocalSet::new().run_until(sending)).await.expect("it ends");
    let messages = messages.lock().expect("no script panics");
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].1, messages[1].1);
}

#[tokio::test]
async fn what_is_refused_for_good_is_lost_and_said_with_its_reason() {
    let (address, messages) = receiver(|_| StatusCode::BAD_REQUEST.into_response()).await;
    let log = send_and_stop(&address, 3, PATIENCE).await;
    assert_eq!(requests(&messages).len(), 1);
    let line = format!("spans are lost, 6 of them: {address}/v1/traces: it answered 400 Bad Request");
    assert!(log.contains(&line), "{log}");
}

#[tokio::test]
async fn what_is_rejected_in_part_is_said_with_the_receivers_words() {
    let (address, _) = receiver(|_| {
        let partial_success = ExportTracePartialSuccess { rejected_spans: 1, error_message: "too old".to_owned() };
        ExportTraceServiceResponse { partial_success: Some(partial_success) }.encode_to_vec().into_response()
    })
    .await;
    let log = send_and_stop(&address, 3, PATIENCE).await;
    assert!(log.contains("spans are lost, 1 of them") && log.contains("it rejected them: \"too old\""), "{log}");
}

#[tokio::test]
async fn more_than_may_wait_are_lost_and_counted_while_nobody_waits() {
    let (address, messages) = receiver(|_| StatusCode::OK.into_response()).await;
    let log = send_and_stop(&address, STORIES + 10, PATIENCE).await;
    assert_eq!(sizes(&requests(&messages)).iter().sum::<usize>(), 2 * STORIES);
    assert!(log.contains("spans are lost, 20 of them: more came"), "{log}");
}

#[tokio::test]
async fn a_receiver_that_is_not_there_does_not_keep_it_from_stopping() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("it is bound"));
    drop(listener);
    let log = send_and_stop(&address, 1, PATIENCE).await;
    assert!(log.contains("spans are lost, 2 of them") && log.contains("it cannot be reached"), "{log}");
}

#[tokio::test]
async fn a_receiver_that_says_nothing_does_not_keep_it_from_stopping() {
    // Connections are made by the kernel; nobody accepts them.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("it is bound"));
    let log = send_and_stop(&address, 1, Duration::from_millis(50)).await;
    assert!(log.contains("the last spans could not be sent in time"), "{log}");
}

#[test]
fn losses_are_said_at_most_every_ten_seconds_and_then_all_of_them() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let receiver = Receiver::new("http://127.0.0.1:1").expect("an address");
    let at = |seconds| Timestamp::after_origin(Duration::from_secs(seconds));
    let counts = Arc::<Counts>::default();
    let mut losses = Losses::new(Arc::clone(&counts));
    tracing::subscriber::with_default(subscriber, || {
        losses.say(&receiver, at(0), SAY_EVERY);
        for second in 1..=12 {
            losses.note(100, "why".to_owned());
            counts.overflow.fetch_add(7, Ordering::Relaxed);
            losses.say(&receiver, at(second), SAY_EVERY);
        }
    });
    let log = log.text();
    assert_eq!(log.lines().count(), 4, "{log}");
    for said in [100, 7, 1000, 70] {
        assert!(log.contains(&format!("spans are lost, {said} of them: ")), "{log}");
    }
    // That of the last second is to be said yet.
    assert_eq!(counts.lost(), 1284);
}
