//! One client's connection, from its first byte to its last.

use std::cell::Cell;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use lb_http1::{Fields, Framing, RequestHead};
use tokio::net::TcpStream;

use crate::answer::{self, Answer, Broken};
use crate::client::{Client, Next, Stream};
use crate::clock::Clock;
use crate::dial::Dial;
use crate::downstream::Downstream;
use crate::forward::{self, Peer};
use crate::guests::Guest;
use crate::proxy::Proxy;
use crate::reject::Reject;
use crate::story::End;

/// Serves a connection until either side ends it, or the guest is asked to leave after the current request.
pub(crate) async fn serve<D: Dial, S: Stream>(proxy: Rc<Proxy<D>>, stream: S, address: IpAddr, guest: Guest) {
    let peer = Peer::new(address, &proxy.shared().trusted);
    let mut requests = 0u32;
    let client = Rc::new(Client::new(stream, proxy.clock(), Rc::clone(proxy.limits())));
    loop {
        let mut head = None;
        let next = poll_fn(|cx| {
            // Borrowed while bytes are in it: an idle connection has none.
            let mut taken = head.take().unwrap_or_else(|| proxy.heads().take());
            let polled = client.poll_next(cx, &guest, &mut taken);
            match polled {
                Poll::Pending => proxy.heads().give_back(taken),
                Poll::Ready(_) => head = Some(taken),
            }
            polled
        })
        .await;
        let head = head.expect("it was put there when the wait ended");
        // Boxed, so that an idle connection is small.
        let goes_on = match next {
            Next::Left => false,
            Next::Request => {
                if requests == 0 {
                    guest.note_request();
                }
                requests = requests.saturating_add(1);
                let is_last = proxy.limits().requests_per_connection.is_some_and(|most| requests >= most.get());
                // Written where it stays: it is large, and to make it first and move it then costs more than to make it.
                let room = Box::new_uninit();
                Box::into_pin(Box::write(room, exchange(&proxy, &client, &head, &peer, &guest, is_last))).await
            }
            Next::Refused(refusal) => Box::pin(refuse(&proxy, &client, &peer, Reject::refused(refusal))).await,
            Next::NoMemory => {
                let what = || "all memory that may be lent is: new requests are answered 503".to_owned();
                proxy.shared().no_memory.say(proxy.clock().now(), what);
                Box::pin(refuse(&proxy, &client, &peer, Reject::NoMemory)).await
            }
            Next::TimedOut => Box::pin(refuse(&proxy, &client, &peer, Reject::ClientTimeout)).await,
        };
        proxy.heads().give_back(head);
        if !goes_on {
            return;
        }
    }
}

/// Answers one request; whether another may follow.
async fn exchange<D: Dial, S: Stream>(
    proxy: &Rc<Proxy<D>>,
    client: &Rc<Client<S>>,
    head: &RequestHead,
    peer: &Peer,
    guest: &Guest,
    is_last: bool,
) -> bool {
    let _under_way = UnderWay::new(proxy.busy_connections());
    let downstream: Rc<dyn Downstream> = Rc::clone(client) as Rc<dyn Downstream>;
    let mut telling = proxy.begin_telling();
    let answer = {
        let mut handling = pin!(proxy.handle(head, &downstream, peer, &mut telling));
        poll_fn(|cx| match handling.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => client.poll_gone(cx).map(|()| None),
        })
        .await
    };
    // A client that leaves is nobody's failure: what was under way is dropped, and with it released.
    let Some(mut answer) = answer else {
        proxy.tell(&mut telling, Some(head), peer.address, End::ClientLeft, client.bytes());
        return false;
    };
    if telling.is_reset {
        client.end_with_reset();
        proxy.tell(&mut telling, Some(head), peer.address, End::BrokenOff, client.bytes());
        return false;
    }
    telling.status = Some(answer.status());
    // Nobody reads what is left of the request, unless whoever answers still takes it.
    let is_left_over = !client.has_sent_all() && !answer.takes_more();
    // Whoever asks for a tunnel may send through it without waiting for it.
    let is_left_over = is_left_over || head.method() == b"CONNECT";
    let closes = is_last || head.wants_close() || guest.is_asked_to_leave() || client.awaits_continue() || is_left_over;
    let mut ending = None;
    client.push(|out| {
        let before = out.len();
        ending = Some(answer.push_head(out, Some(head), closes, &proxy.clock()));
        telling.head_bytes = (out.len() - before) as u64;
    });
    let ending = ending.expect("it was pushed");
    if let Answer::Carried(carried) = answer {
        match carried.into_tunnel() {
            Ok(mut switched) => {
                client.tunnel(&mut switched.wire, switched.patience).await;
                proxy.tell(&mut telling, Some(head), peer.address, End::Delivered, client.bytes());
                return false;
            }
            Err(carried) => answer = Answer::Carried(carried),
        }
    }
    let delivered = answer::deliver(client, &mut answer, ending.framing).await;
    // The lease first: the client may take its time to leave.
    drop(answer);
    let end = match delivered {
        Ok(()) => End::Delivered,
        Err(Broken::Client) => End::ClientLeft,
        Err(Broken::Answer) => End::BrokenOff,
    };
    let now = proxy.tell(&mut telling, Some(head), peer.address, end, client.bytes());
    match delivered {
        Ok(()) if ending.closes => {
            if client.has_unread() {
                client.close().await;
            }
            false
        }
        Ok(()) => {
            let goes_on = client.drain(now).await;
            if !goes_on {
                client.close().await;
            }
            goes_on
        }
        Err(Broken::Client | Broken::Answer) => {
            // To a client that knows no chunks, the connection's end would be the answer's.
            if ending.framing == Framing::UntilClose {
                client.end_with_reset();
            }
            false
        }
    }
}

/// Answers what is no request, which ends the connection: nobody knows where the next one would begin.
async fn refuse<D: Dial, S: Stream>(proxy: &Rc<Proxy<D>>, client: &Rc<Client<S>>, peer: &Peer, reject: Reject) -> bool {
    let mut telling = proxy.begin_telling();
    client.count_anew();
    tracing::debug!(reason = reject.token(), "refused");
    let (head, words) = reject.answer(&Fields::default()).into_parts();
    let mut answer: Answer<S> = Answer::Own(Box::new(head), words);
    let mut framing = Framing::Empty;
    client.push(|out| framing = answer.push_head(out, None, true, &proxy.clock()).framing);
    (telling.status, telling.reject) = (Some(answer.status()), Some(reject.token()));
    let delivered = answer::deliver(client, &mut answer, framing).await;
    let end = if delivered.is_ok() { End::Delivered } else { End::ClientLeft };
    proxy.tell(&mut telling, None, peer.address, end, client.bytes());
    if delivered.is_ok() {
        client.close().await;
    }
    false
}

/// Tells a client that it has as many connections as it may. It is not waited for: it may have come to tie something up.
pub(crate) fn turn_away(stream: &TcpStream, clock: &Clock) {
    let (head, words) = Reject::TooManyConnections.answer(&Fields::default()).into_parts();
    let mut text = Vec::new();
    forward::own(&mut text, &head, Some(words.len() as u64), None, true, clock);
    text.extend_from_slice(&words);
    // If it does not go out at once it does not go out.
    let _written = stream.try_write(&text);
}

/// Counts a connection as busy: from the head of a request until its answer is written.
struct UnderWay(Rc<Cell<usize>>);

impl UnderWay {
    fn new(busy: &Rc<Cell<usize>>) -> Self {
        busy.set(busy.get() + 1);
        Self(Rc::clone(busy))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
