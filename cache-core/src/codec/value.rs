//! Typed values through any codec, with the checks that hold for all of them.

use std::any::{Any, type_name};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed};

use super::guard::{Guard, Keep, Limits, Shorten};
use super::{Bincode, Codec, MAX_PAYLOAD, Measure, measure};
use crate::{Error, ErrorKind, Result};

/// Encodes a value.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if `codec` could not read the payload back: it cannot write the type at
/// all, or it is positional and the value leaves out fields. [`ErrorKind::TooLarge`] if the value is,
/// [`ErrorKind::InvalidInput`] if it is nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH), or its own
/// `Serialize` fails.
pub fn encode_value<T: Serialize + ?Sized>(codec: &dyn Codec, value: &T) -> Result<Vec<u8>> {
    let measure = measure(value)?;
    check_readable::<T>(codec, measure)?;
    let mut out = Vec::with_capacity(measure.weight.min(MAX_PAYLOAD));
    if is_bincode(codec) {
        Bincode::write(value, &mut out)
    } else {
        codec.encode(&value, &mut out)
    }
    .map_err(|cause| {
        let text = format!("{codec:?} cannot encode `{}`", type_name::<T>());
        Error::new(cause.kind(), text).with_source(cause)
    })?;
    Ok(out)
}

/// Decodes a value.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] if the bytes are not the payload of a `T`, if it is nested deeper than
/// [`MAX_DEPTH`](super::MAX_DEPTH), or if it would take more memory than [`MAX_DECODED`](super::MAX_DECODED).
pub fn decode_value<T: DeserializeOwned>(codec: &dyn Codec, bytes: &[u8]) -> Result<T> {
    if is_bincode(codec) {
        let limits = Limits::<Keep>::of(bytes);
        return Bincode::read(Guard::new(PhantomData::<T>, &limits), bytes);
    }
    let limits = Limits::<Shorten>::of(bytes);
    let mut value = None;
    codec.decode(bytes, &mut |deserializer| {
        value = Some(Guard::new(PhantomData::<T>, &limits).deserialize(deserializer)?);
        Ok(())
    })?;
    value.ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("{codec:?} decoded nothing")))
}

/// Checks that a payload just written can be read back.
///
/// To be used when a type is first written: what fails then would never be a hit, or worse. Attributes
/// that make a type write other fields than it reads are found by encoding again what was decoded.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if `codec` cannot read the payload, or reads another value from it.
pub fn check_round_trip<T>(codec: &dyn Codec, payload: &[u8]) -> Result<()>
where
    T: DeserializeOwned + Serialize,
{
    let decoded = decode_value::<T>(codec, payload)
        .map_err(|cause| unreadable::<T>(codec, "writes what it cannot read").with_source(cause))?;
    if codec.self_describing() {
        return Ok(());
    }
    // Lengths, because a hash map may come back in another order.
    match encode_value(codec, &decoded) {
        Ok(again) if again.len() == payload.len() => Ok(()),
        _ => Err(unreadable::<T>(codec, "does not read the fields it writes")),
    }
}

fn check_readable<T: ?Sized>(codec: &dyn Codec, measure: Measure) -> Result<()> {
    if measure.skipped && !codec.self_describing() {
        return Err(unreadable::<T>(codec, "leaves out fields (`skip_serializing_if`)"));
    }
    if measure.open && !codec.self_describing() {
        return Err(unreadable::<T>(codec, "does not say how long it is (`flatten`)"));
    }
    measure.check_depth::<T>()
}

fn unreadable<T: ?Sized>(codec: &dyn Codec, why: &str) -> Error {
    let advice = if codec.self_describing() {
        "its `Deserialize` must accept what its `Serialize` writes"
    } else {
        "choose a codec that describes itself, such as `Json` (feature `json`)"
    };
    let text = format!("`{}` {why}, which {codec:?} cannot read back: {advice}", type_name::<T>());
    Error::new(ErrorKind::Unsupported, text)
}

/// The default codec skips the type erasure, which costs five times the decoding itself.
fn is_bincode(codec: &dyn Codec) -> bool {
    let codec: &dyn Any = codec;
    codec.is::<Bincode>()
}
