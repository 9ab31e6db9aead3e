//! How long what was loaded or written lives.

use super::table::{Row, refused};
use super::{Call, Engine};
use crate::Result;
use crate::codec::Measure;
use crate::policy::{Lifetime, Times, TtlTable};
use crate::random::random;
use crate::stats::Event;

impl Engine {
    /// Returns how long a value lives, of which its loader said `decided`; `None` if it is a "there
    /// is none" that is not cached, or if the table is strict and nobody names it.
    pub(super) fn lifetime(
        &self,
        call: Call<'_>,
        measure: Measure,
        decided: Times,
    ) -> Option<Lifetime> {
        let named = decided.over(self.times(call));
        let times = if named.fresh.is_some() { named } else { self.unnamed(call, named)? };
        let lifetime = match measure.none {
            true => self.of_none(call, times),
            false => times.of_value(random::<f64>()),
        }?;
        self.remote.iter().for_each(|remote| remote.note_ttl(lifetime.stale));
        Some(lifetime)
    }

    /// Returns what the call and the table say of times.
    pub(super) fn times(&self, call: Call<'_>) -> Times {
        match self.table.row(call.key) {
            Row::Known(table) => call.options.times().over(table),
            Row::Refused | Row::Unknown => call.options.times(),
        }
    }

    /// Returns how long what nobody names lives; `None` if the table is strict.
    fn unnamed(&self, call: Call<'_>, named: Times) -> Option<Times> {
        let row = self.table.row(call.key);
        self.note(Event::TtlUnknown);
        self.table.note_unknown(call.key, row);
        (row != Row::Refused).then(|| named.over(TtlTable::FALLBACK.into()))
    }

    /// Returns how long "there is none" lives; `None` if it is not cached, or too many are.
    fn of_none(&self, call: Call<'_>, times: Times) -> Option<Lifetime> {
        let lifetime = times.of_none()?;
        let is_admitted = self.nones.admit(call.key, lifetime.stale, self.clock.monotonic());
        if !is_admitted {
            self.note(Event::NoneOverLimit);
        }
        is_admitted.then_some(lifetime)
    }

    /// Fails if the table is strict, and nobody says how long what is under a key lives.
    pub(super) fn check_named(&self, call: Call<'_>) -> Result<()> {
        let is_named = self.times(call).fresh.is_some();
        let is_refused = !is_named && self.table.row(call.key) == Row::Refused;
        if is_refused { Err(refused(call.key)) } else { Ok(()) }
    }
}
