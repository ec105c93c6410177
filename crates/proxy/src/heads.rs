//! Memory for heads of requests, one worker's: a head is needed only while a request is read or answered.

use std::cell::RefCell;

use lb_http1::RequestHead;

/// So many are kept.
const MOST_SPARE: usize = 64;

/// Heads that nobody uses.
#[allow(clippy::vec_box, reason = "they are lent as boxes: what a connection holds while it reads one is a pointer")]
#[derive(Debug, Default)]
pub(crate) struct Heads(RefCell<Vec<Box<RequestHead>>>);

impl Heads {
    /// One to read into.
    #[allow(clippy::unnecessary_box_returns, reason = "it goes back as the box that it is")]
    pub(crate) fn take(&self) -> Box<RequestHead> {
        self.0.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_back(&self, head: Box<RequestHead>) {
        let mut spare = self.0.borrow_mut();
        if spare.len() < MOST_SPARE {
            spare.push(head);
        }
    }
}
