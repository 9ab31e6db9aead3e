//! Making a failing history as short as it can be.

use crate::history::{Fate, History, Loading, Step, Weather};

/// What a shorter history must still do.
type Fails<'a> = &'a dyn Fn(&History) -> bool;

impl History {
    /// Returns a short history in which the same promise is broken.
    ///
    /// Takes steps away, by halves and one by one, and then makes those that are left simpler.
    #[must_use]
    pub fn shrunk(&self) -> Self {
        let promise = self.play().promise();
        let fails = |history: &Self| history.play().promise() == promise;
        let mut history = self.clone();
        for _ in 0..4 {
            let before = history.clone();
            history = with_fewer_steps(history, &fails);
            history = simpler(history, &fails);
            history = sooner(history, &fails);
            if history.steps == before.steps && history.weather == before.weather {
                break;
            }
        }
        history
    }
}

fn with_fewer_steps(mut history: History, fails: Fails<'_>) -> History {
    let mut size = history.steps.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < history.steps.len() {
            let mut shorter = history.clone();
            let end = (at + size).min(history.steps.len());
            let gone: u64 = shorter.steps.drain(at..end).map(|step| step.after).sum();
            if fails(&shorter) {
                history = shorter;
                continue;
            }
            // The others at their times.
            if let Some(next) = shorter.steps.get_mut(at)
                && gone > 0
            {
                next.after += gone;
                if fails(&shorter) {
                    history = shorter;
                    continue;
                }
            }
            at += size;
        }
        size /= 2;
    }
    history
}

/// Makes each step as harmless as it can be, and the weather as fair.
fn simpler(mut history: History, fails: Fails<'_>) -> History {
    for at in 0..history.steps.len() {
        for simplify in [spare as fn(&mut Step), succeed, hurry] {
            let mut simpler = history.clone();
            simplify(&mut simpler.steps[at]);
            if simpler.steps[at] != history.steps[at] && fails(&simpler) {
                history = simpler;
            }
        }
    }
    let fairer: [fn(&mut Weather); 9] = [
        |weather| weather.latency = Weather::FAIR.latency,
        |weather| weather.spikes = Weather::FAIR.spikes,
        |weather| weather.tells = Weather::FAIR.tells,
        |weather| weather.hold = Weather::FAIR.hold,
        |weather| weather.short = Weather::FAIR.short,
        |weather| weather.stale = Weather::FAIR.stale,
        |weather| weather.is_owned = Weather::FAIR.is_owned,
        |weather| weather.places = Weather::FAIR.places,
        |weather| weather.journal = Weather::FAIR.journal,
    ];
    for fairer in fairer {
        let mut fair = history.clone();
        fairer(&mut fair.weather);
        if fair.weather != history.weather && fails(&fair) {
            history = fair;
        }
    }
    history
}

fn spare(step: &mut Step) {
    step.deed.fate_mut().into_iter().for_each(|fate| *fate = Fate::Ends);
}

fn succeed(step: &mut Step) {
    step.deed.load_mut().into_iter().for_each(|load| load.loading = Loading::Returns);
}

fn hurry(step: &mut Step) {
    step.deed.load_mut().into_iter().for_each(|load| load.ms = 0);
}

/// Has each step follow the one before it as soon as it can.
fn sooner(mut history: History, fails: Fails<'_>) -> History {
    for at in 0..history.steps.len() {
        for part in [0, 4, 2] {
            let after = history.steps[at].after;
            let mut sooner = history.clone();
            sooner.steps[at].after = after.checked_div(part).unwrap_or(0);
            if sooner.steps[at].after < after && fails(&sooner) {
                history = sooner;
                break;
            }
        }
    }
    history
}
