//! A backend that breaks on demand.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::Operation;
use crate::backend::{
    AdvanceOptions, Backend, Capabilities, Identity, InvalidateOptions, LeaseRequest,
    ListenOptions, Listener, SetOptions, SetOutcome, Slot,
};
use crate::group::{Generation, Group};
use crate::key::Key;
use crate::wire::Stamp;
use crate::{Error, ErrorKind, Result};

/// What is wrong with a [`Faulty`] backend.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Operations are performed, but entries come back with a bit flipped.
    Corrupt,
    /// Operations are performed, after this long.
    Delay(Duration),
    /// Operations are performed, but their answer is lost.
    DropReply,
    /// Operations fail at once.
    Fail,
    /// `set` fails at once, as on a server that is out of memory; all else is performed.
    Full,
    /// Operations never end.
    Hang,
    /// Operations say that they were performed, and were not; nothing is found.
    Lie,
    /// Operations are refused at once, by a store that is well, as where a right is missing.
    Refuse,
}

/// A backend that breaks on demand. `Clone` clones the handle.
///
/// ```text
/// faulty.set_fault(Fault::Hang);                                // everything, from now on
/// faulty.set_rule(|operation| (operation == Operation::Set).then_some(Fault::Fail));
/// faulty.set_seed(7, 0.1, &[Fault::Fail, Fault::DropReply]);    // one operation in ten
/// faulty.set_fault(None);                                       // mended
/// ```
#[derive(Clone)]
pub struct Faulty<B> {
    inner: Arc<B>,
    rule: Arc<Mutex<Rule>>,
}

/// Says what is wrong with an operation.
type Rule = Box<dyn FnMut(Operation) -> Option<Fault> + Send>;

impl<B: Backend> Faulty<B> {
    /// Wraps a backend; nothing is wrong with it yet.
    pub fn new(inner: B) -> Self {
        let rule: Rule = Box::new(|_| None);
        Self { inner: Arc::new(inner), rule: Arc::new(Mutex::new(rule)) }
    }

    /// Breaks the backend, or mends it with `None`. Operations under way are not affected.
    pub fn set_fault(&self, fault: impl Into<Option<Fault>>) {
        let fault = fault.into();
        self.set_rule(move |_| fault);
    }

    /// Breaks operations as a rule says, which is asked once for each.
    pub fn set_rule(&self, rule: impl FnMut(Operation) -> Option<Fault> + Send + 'static) {
        *self.rule.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
    }

    /// Breaks operations by chance, the same ones each time for the same seed and order.
    ///
    /// # Panics
    ///
    /// If `chance` does not lie between 0 and 1.
    pub fn set_seed(&self, seed: u64, chance: f64, faults: &[Fault]) {
        let (faults, mut random) = (faults.to_vec(), StdRng::seed_from_u64(seed));
        assert!((0.0..=1.0).contains(&chance), "a chance lies between 0 and 1");
        self.set_rule(move |_| {
            let is_broken = random.random_bool(chance);
            is_broken.then(|| faults.choose(&mut random).copied()).flatten()
        });
    }

    fn fault(&self, operation: Operation) -> Option<Fault> {
        (self.rule.lock().unwrap_or_else(PoisonError::into_inner))(operation)
    }

    /// Performs an operation as its fault has it; `lie` is what a liar answers.
    async fn perform<T>(
        &self,
        fault: Option<Fault>,
        operation: impl Future<Output = Result<T>>,
        lie: T,
    ) -> Result<T> {
        perform_or(fault, operation, Ok(lie), Err).await
    }

    /// As [`perform`](Self::perform), on some keys, which fail all at once.
    async fn perform_each<T: Clone>(
        &self,
        fault: Option<Fault>,
        keys: &[Key],
        operation: impl Future<Output = Vec<Result<T>>>,
        lie: T,
    ) -> Vec<Result<T>> {
        let fail = |error: Error| keys.iter().map(|_| Err(error.clone())).collect();
        perform_or(fault, operation, vec![Ok(lie); keys.len()], fail).await
    }
}

async fn perform_or<T>(
    fault: Option<Fault>,
    operation: impl Future<Output = T>,
    lie: T,
    fail: impl FnOnce(Error) -> T,
) -> T {
    match fault {
        None | Some(Fault::Corrupt | Fault::Full) => operation.await,
        Some(Fault::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            operation.await
        }
        Some(Fault::DropReply) => {
            let _ = operation.await;
            std::future::pending().await
        }
        Some(Fault::Fail) => fail(Error::new(ErrorKind::Backend, "this backend was told to fail")),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Refuse) => {
            fail(Error::new(ErrorKind::Unsupported, "this backend was told to refuse"))
        }
        Some(Fault::Lie) => lie,
    }
}

/// Flips a bit in the middle of what was found.
fn corrupted(slot: Slot) -> Slot {
    let Slot::Entry(bytes) = slot else { return slot };
    let mut bytes = Vec::from(bytes);
    let middle = bytes.len() / 2;
    bytes.get_mut(middle).into_iter().for_each(|byte| *byte ^= 1);
    Slot::Entry(bytes.into())
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<B: Backend> Backend for Faulty<B> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn get(&self, keys: &[Key], lease: Option<&LeaseRequest>) -> Vec<Result<Slot>> {
        let fault = self.fault(Operation::Get);
        let slots = self.perform_each(fault, keys, self.inner.get(keys, lease), Slot::Missing);
        let is_corrupt = fault == Some(Fault::Corrupt);
        let read = |slot: Result<Slot>| if is_corrupt { slot.map(corrupted) } else { slot };
        slots.await.into_iter().map(read).collect()
    }

    async fn set(&self, key: &Key, entry: Bytes, options: &SetOptions) -> Result<SetOutcome> {
        let fault = self.fault(Operation::Set);
        if fault == Some(Fault::Full) {
            return Err(Error::new(ErrorKind::Backend, "this backend was told to be full"));
        }
        self.perform(fault, self.inner.set(key, entry, options), SetOutcome::Stored).await
    }

    async fn holds(&self, key: &Key, stamp: &Stamp) -> Result<bool> {
        let fault = self.fault(Operation::Holds);
        self.perform(fault, self.inner.holds(key, stamp), true).await
    }

    async fn invalidate(&self, keys: &[Key], options: &InvalidateOptions) -> Vec<Result<()>> {
        let fault = self.fault(Operation::Invalidate);
        self.perform_each(fault, keys, self.inner.invalidate(keys, options), ()).await
    }

    async fn release(&self, key: &Key, stamp: &Stamp) -> Result<()> {
        let fault = self.fault(Operation::Release);
        self.perform(fault, self.inner.release(key, stamp), ()).await
    }

    async fn generations(&self, groups: &[Group], ttl: Duration) -> Result<Vec<Generation>> {
        let fault = self.fault(Operation::Generations);
        let lie = groups.iter().map(|_| Generation::fresh()).collect();
        self.perform(fault, self.inner.generations(groups, ttl), lie).await
    }

    async fn advance(&self, groups: &[Group], options: &AdvanceOptions) -> Result<()> {
        let fault = self.fault(Operation::Advance);
        self.perform(fault, self.inner.advance(groups, options), ()).await
    }

    async fn identify(&self, all: &Group, seen: Option<&Identity>) -> Result<Identity> {
        let fault = self.fault(Operation::Identify);
        let lie = seen.cloned().unwrap_or_else(|| Identity::new("liar", 1));
        self.perform(fault, self.inner.identify(all, seen), lie).await
    }

    fn listen(&self, options: &ListenOptions, listener: Weak<dyn Listener>) {
        self.inner.listen(options, listener);
    }

    async fn ping(&self) -> Result<()> {
        let fault = self.fault(Operation::Ping);
        self.perform(fault, self.inner.ping(), ()).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

impl<B: Backend> fmt::Debug for Faulty<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({:?})", self.inner)
    }
}

impl<B: Backend> fmt::Display for Faulty<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty({})", self.inner)
    }
}
