//! What is logged: `docs/observability.md` lists it.

use std::error::Error as _;

use super::{Event, Line, LineEvent, LoadKind};
use crate::Error;

/// Who logs, by which filters know it.
pub(crate) const TARGET: &str = "cache_aside";

/// Logs what happens to a call.
pub(super) fn line(line: &Line, event: &LineEvent) {
    let (entity, tier) = (line.entity(), line.tier());
    let (outcome, took) = match event {
        LineEvent::Answered { outcome, took } => (outcome.as_str(), took),
        LineEvent::Failed { took } => ("failed", took),
        LineEvent::LoadFailed { kind: LoadKind::Refresh, .. } => {
            tracing::debug!(
                name: "cache.refresh_failed",
                target: TARGET,
                entity,
                tier,
                "refresh failed",
            );
            return;
        }
        LineEvent::Missed => ("missed", &None),
        _ => return,
    };
    let took_us = took.map(|took| took.as_micros() as u64);
    tracing::debug!(
        name: "cache.answered",
        target: TARGET,
        entity,
        tier,
        outcome,
        took_us,
        "answered",
    );
}

/// Logs what happens beside the calls.
pub(super) fn event(event: &Event<'_>) {
    match event {
        Event::Flawed { entity, flaw } => {
            tracing::debug!(
                name: "cache.flawed",
                target: TARGET,
                entity,
                cause = flaw.as_str(),
                "stored bytes unusable",
            );
        }
        Event::InvalidationLost { error } => {
            tracing::warn!(
                name: "cache.invalidation_lost",
                target: TARGET,
                %error,
                "invalidation incomplete",
            );
        }
        Event::JournalOverflowed { backend } => {
            tracing::warn!(
                name: "cache.journal_overflowed",
                target: TARGET,
                %backend,
                "journal full: everything ends on return",
            );
        }
        Event::RemoteDown { backend, error } => {
            let error = error.map(tracing::field::display);
            tracing::warn!(
                name: "cache.remote_down",
                target: TARGET,
                %backend,
                error,
                "remote level down",
            );
        }
        Event::RemoteUp { backend } => {
            tracing::info!(
                name: "cache.remote_up",
                target: TARGET,
                %backend,
                "remote level up",
            );
        }
        Event::ServerChanged { backend, turn } => {
            tracing::warn!(
                name: "cache.server_changed",
                target: TARGET,
                %backend,
                turn,
                "another server",
            );
        }
        Event::ValueUnsupported { entity, error } => {
            // An error of ours, whose text shows no value.
            let cause = error.source().and_then(|cause| cause.downcast_ref::<Error>());
            let cause = cause.map(tracing::field::display);
            tracing::error!(
                name: "cache.value_unsupported",
                target: TARGET,
                entity,
                %error,
                cause,
                "a value cannot be stored",
            );
        }
        _ => {}
    }
}

/// Returns the span of a load.
pub(super) fn load(line: &Line, kind: LoadKind) -> tracing::Span {
    let (entity, tier, refresh) = (line.entity(), line.tier(), kind == LoadKind::Refresh);
    tracing::debug_span!(target: TARGET, "cache.load", entity, tier, refresh)
}
