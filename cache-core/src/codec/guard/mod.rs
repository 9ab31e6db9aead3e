//! Keeps a decoder within bounds, whatever the bytes claim.
//!
//! Codecs bound what they copy out of the input. They do not bound how deep a recursive type goes (the
//! stack), nor what a long row of small elements takes (the heap): one byte may be an `Option` of a
//! kilobyte, and no byte at all a `()`. [`Guard`] wraps any deserializer and counts both.

mod access;
mod errors;
mod reader;

pub(super) use errors::{Errors, Keep, Shorten};

use std::cell::Cell;
use std::marker::PhantomData;

use serde::de::Error;

/// How deep values may be nested.
///
/// Each struct, enum, sequence, map, `Some` and newtype counts. What is nested deeper than this is not
/// data but a linked list, and every level takes stack of the caller's task.
pub const MAX_DEPTH: usize = 128;

/// The memory that the elements of all sequences and maps of one value may take, in bytes.
///
/// An element counts with its own size, at least 16 bytes: so the longest payload of single bytes, all
/// [`MAX_PAYLOAD`](super::MAX_PAYLOAD) of it, still fits.
pub const MAX_DECODED: usize = 16 * super::MAX_PAYLOAD;

/// A deserializer, visitor, seed or access that hands on the limits to what it leads to.
///
/// Around a [`PhantomData`] it is the seed to decode a type within bounds.
pub(super) struct Guard<'a, T, P> {
    inner: T,
    limits: &'a Limits<P>,
    /// Whether elements count: those of a tuple or struct are part of what holds it.
    counted: bool,
}

impl<'a, T, P> Guard<'a, T, P> {
    pub(super) fn new(inner: T, limits: &'a Limits<P>) -> Self {
        Self { inner, limits, counted: false }
    }
}

/// What is left of the bounds while one value is decoded, and what becomes of its errors.
pub(super) struct Limits<P> {
    levels: Cell<usize>,
    bytes: Cell<usize>,
    /// The most elements that a visitor is told to expect: some allocate for them at once.
    hint: usize,
    errors: PhantomData<P>,
}

impl<P> Limits<P> {
    /// Returns the limits for a payload, whose elements take a byte each as a rule.
    pub(super) fn of(payload: &[u8]) -> Self {
        let (levels, bytes) = (Cell::new(MAX_DEPTH), Cell::new(MAX_DECODED));
        Self { levels, bytes, hint: payload.len(), errors: PhantomData }
    }

    /// Goes one level down, until the returned level is dropped.
    fn descend<E: Error>(&self) -> Result<Level<'_>, E> {
        let left = self.levels.get().checked_sub(1);
        self.levels.set(left.ok_or_else(|| E::custom("nested too deep"))?);
        Ok(Level(&self.levels))
    }

    fn charge<T, E: Error>(&self) -> Result<(), E> {
        let left = self.bytes.get().checked_sub(size_of::<T>().max(16));
        self.bytes.set(left.ok_or_else(|| E::custom("too many elements"))?);
        Ok(())
    }
}

struct Level<'a>(&'a Cell<usize>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}
