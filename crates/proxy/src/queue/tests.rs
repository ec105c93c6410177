//! The queue by itself, before places that are counted here: in paused time, and under several threads at once.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::*;
use crate::tests::in_paused_time;

/// So many things to take.
#[derive(Debug)]
struct Places {
    queue: Queue,
    free: AtomicUsize,
}

impl Places {
    fn new(free: usize, size: usize, timeout: Duration) -> Self {
        Self { queue: Queue::new(QueueConfig { size, timeout }), free: AtomicUsize::new(free) }
    }

    fn take(&self) -> Option<()> {
        let one_less = |free: usize| free.checked_sub(1);
        let taken = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok().map(|_| ());
        if taken.is_none() {
            // Here words could be lost, between a look and the wait: other threads get the time to say them.
            std::thread::yield_now();
        }
        taken
    }

    fn give_back(&self) {
        self.free.fetch_add(1, Ordering::Relaxed);
        self.queue.wake();
    }

    async fn wait(&self) -> Result<(), Reject> {
        self.queue.wait(|| self.take()).await
    }

    /// As requests do: those that find nobody waiting try at once.
    async fn take_or_wait(&self) -> Result<(), Reject> {
        match self.queue.len() {
            0 if self.take().is_some() => Ok(()),
            _ => self.wait().await,
        }
    }
}

/// Starts as many that wait, one after another; each that is served says its number.
async fn waiters(places: &Rc<Places>, count: usize) -> (Vec<tokio::task::JoinHandle<()>>, Rc<RefCell<Vec<usize>>>) {
    let served = Rc::new(RefCell::new(Vec::new()));
    let mut tasks = Vec::new();
    for number in 0..count {
        let (places, served) = (Rc::clone(places), Rc::clone(&served));
        tasks.push(tokio::task::spawn_local(async move {
            if places.wait().await.is_ok() {
                served.borrow_mut().push(number);
            }
        }));
        yield_now().await;
    }
    (tasks, served)
}

/// Lets everybody run who can.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

const LONG: Duration = Duration::from_secs(10);

#[test]
fn who_came_first_goes_first() {
    in_paused_time(async {
        let places = Rc::new(Places::new(0, 10, LONG));
        let (_tasks, served) = waiters(&places, 4).await;
        for count in 1..=4 {
            places.give_back();
            settle().await;
            assert_eq!(*served.borrow(), (0..count).collect::<Vec<_>>());
        }
        assert_eq!(places.queue.len(), 0);
    });
}

#[test]
fn places_that_come_free_at_once_are_all_taken() {
    in_paused_time(async {
        let places = Rc::new(Places::new(0, 10, LONG));
        let (_tasks, served) = waiters(&places, 4).await;
        // One word for three places, as when an endpoint comes back.
        places.free.store(3, Ordering::Relaxed);
        places.queue.wake();
        settle().await;
        assert_eq!(*served.borrow(), [0, 1, 2]);
    });
}

#[test]
fn a_woken_one_that_finds_nothing_waits_again_in_its_place() {
    in_paused_time(async {
        let places = Rc::new(Places::new(0, 10, LONG));
        let (_tasks, served) = waiters(&places, 2).await;
        places.queue.wake();
        settle().await;
        assert!(served.borrow().is_empty());
        places.give_back();
        settle().await;
        assert_eq!(*served.borrow(), [0]);
    });
}

#[test]
fn one_that_leaves_frees_its_place_and_its_word_goes_to_the_next() {
    in_paused_time(async {
        let places = Rc::new(Places::new(0, 2, LONG));
        let (tasks, served) = waiters(&places, 2).await;
        assert_eq!(places.wait().await, Err(Reject::QueueFull));
        // The first is told, and leaves before it can do anything about it.
        places.give_back();
        tasks[0].abort();
        settle().await;
        assert_eq!((places.queue.len(), &*served.borrow()), (0, &vec![1]));
    });
}

#[test]
fn who_waits_for_too_long_is_told_so_and_others_stay() {
    in_paused_time(async {
        let places = Rc::new(Places::new(0, 2, LONG));
        let began = Instant::now();
        let first = Rc::clone(&places);
        let first = tokio::task::spawn_local(async move { first.wait().await });
        tokio::time::sleep(LONG / 2).await;
        let (_tasks, served) = waiters(&places, 1).await;
        assert_eq!(first.await.expect("it does not panic"), Err(Reject::QueueTimeout));
        assert!(began.elapsed() >= LONG && began.elapsed() < LONG + Duration::from_millis(10));
        places.give_back();
        settle().await;
        assert_eq!(*served.borrow(), [0]);
    });
}

/// Each thread takes, holds, gives back, and leaves the queue early now and then. If a word were lost, or swallowed by one
/// that left, those that stay would wait for ever: nobody's time runs out within the test.
///
/// In half of the runs nobody leaves, since whoever leaves makes the next one look, and so would make a lost word good; and
/// each thread has one request there, so that it does nothing else meanwhile.
#[test]
fn no_word_is_lost_between_threads() {
    for seed in 0..8u64 {
        let places = Arc::new(Places::new(1 + usize::from(seed % 4 > 1), 100, Duration::from_secs(20)));
        let free = places.free.load(Ordering::Relaxed);
        let worker = |thread| Worker { seed: seed << 8 | thread, requests: 1 + seed % 2 * 2, leaves: seed % 2 == 1 };
        let threads: Vec<_> = (0..3).map(|thread| worker(thread).start(&places)).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|_| panic!("somebody waited in vain; seed {seed}"));
        }
        assert_eq!((places.queue.len(), places.free.load(Ordering::Relaxed)), (0, free), "seed {seed}");
    }
}

/// A thread with so many requests at once.
struct Worker {
    seed: u64,
    requests: u64,
    /// Whether one in four leaves the queue early.
    leaves: bool,
}

impl Worker {
    const ROUNDS: u32 = 4_000;

    fn start(self, places: &Arc<Places>) -> std::thread::JoinHandle<()> {
        let places = Arc::clone(places);
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("an event loop");
            runtime.block_on(async {
                let requests = (0..self.requests).map(|request| {
                    let dice = fastrand::Rng::with_seed(self.seed << 8 | request);
                    tokio::spawn(Self::contend(Arc::clone(&places), dice, self.leaves))
                });
                for request in requests.collect::<Vec<_>>() {
                    request.await.expect("nobody waits in vain");
                }
            });
        })
    }

    async fn contend(places: Arc<Places>, mut dice: fastrand::Rng, leaves: bool) {
        for _ in 0..Self::ROUNDS {
            let leaves = leaves && dice.u32(0..4) == 0;
            tokio::select! {
                biased;
                waited = places.take_or_wait() => {
                    waited.expect("there is room, and time");
                    turns(dice.u32(0..3)).await;
                    places.give_back();
                }
                () = turns(dice.u32(0..4)), if leaves => {}
            }
        }
    }
}

async fn turns(count: u32) {
    for _ in 0..count {
        yield_now().await;
    }
}
