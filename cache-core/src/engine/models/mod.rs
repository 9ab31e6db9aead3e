//! Models: what threads do to each other, in every order that they may do it in.
//!
//! Built with `--cfg model` only, where [`crate::sync`] is loom's; run by `cargo xtask models`.

mod fences;
mod flights;
mod near;
mod remote;
mod shelf;
mod world;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loom::thread::{self, JoinHandle, Thread};
use tokio::runtime;

/// Where threads may be interrupted.
#[derive(Clone, Copy, Debug)]
enum Switches {
    /// Wherever that makes a difference.
    Any,
    /// At so many places at once, wherever these are.
    AtMost(usize),
}

/// Runs `model` in every order that `switches` allow; fails if one run panics or hangs.
fn explore(switches: Switches, model: impl Fn() + Send + Sync + 'static) {
    // For deadlines. Nobody drives it, so that none is ever over.
    let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap();
    let _inside = runtime.enter();
    let mut builder = loom::model::Builder::new();
    if let Switches::AtMost(limit) = switches {
        builder.preemption_bound = builder.preemption_bound.or(Some(limit));
    }
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let model = Arc::new(model);
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        let model = Arc::clone(&model);
        spawn(move || model()).join().unwrap();
    });
    let runs = runs.load(Ordering::Relaxed);
    println!("{runs} orders, {switches:?}");
    assert!(runs > 1, "nothing was interrupted");
}

/// Starts a thread with room for an engine; loom's own have little.
fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    const WORDS: usize = 1 << 15;
    thread::Builder::new().stack_size(WORDS).spawn(work).expect("loom's threads cost nothing")
}

/// Drives a future on this thread. Loom's own prints a line at each wait.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
