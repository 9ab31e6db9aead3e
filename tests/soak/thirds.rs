//! Whether a figure grew.

use crate::reading::Reading;

/// From how many readings on growth is judged. Outages take up to six seconds, and in a few of them
/// a shorter third may see little else.
pub(crate) const LONG: usize = 240;

/// What the last third may have more than the middle one, in percent.
///
/// The first third fills what has a bound. Readings go up and down with the faults; medians do not.
pub(crate) const MORE: u64 = 10;

/// And this much: what is small has few steps.
pub(crate) const AT_LEAST: u64 = 5;

/// The smallest, the middle and the largest reading of a third.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Third {
    min: u64,
    median: u64,
    max: u64,
}

impl Third {
    fn of(mut readings: Vec<u64>) -> Self {
        readings.sort_unstable();
        let at = |index: usize| readings.get(index).copied().unwrap_or_default();
        Self {
            min: at(0),
            median: at(readings.len() / 2),
            max: at(readings.len().saturating_sub(1)),
        }
    }
}

/// Prints a line for each figure, and returns the names of those that are held and grew.
pub(crate) fn judge(readings: &[Reading]) -> Vec<&'static str> {
    println!("\n{:<18}{:>28}{:>28}{:>28}", "min / median / max", "first third", "middle", "last");
    let (names, mut grown) = (Reading::NAMES.into_iter().enumerate(), Vec::new());
    for (index, name) in names {
        let thirds = thirds(readings.iter().map(|reading| reading.0[index]).collect());
        let texts = thirds.map(|it| format!("{} / {} / {}", it.min, it.median, it.max));
        let is_held = index < Reading::HELD && readings.len() >= LONG;
        let is_grown = is_held && has_grown(thirds);
        let verdict = match is_grown {
            true => "GROWING",
            false if is_held => "flat",
            false => "",
        };
        println!("{name:<18}{:>28}{:>28}{:>28}  {verdict}", texts[0], texts[1], texts[2]);
        grown.extend(is_grown.then_some(name));
    }
    match readings.len() {
        LONG.. => println!(
            "Flat: the last median is at most {MORE}% above the middle one, or {AT_LEAST}; the others \
             follow the work."
        ),
        _ => println!("Growth is judged from {LONG} s on."),
    }
    grown
}

fn thirds(readings: Vec<Option<u64>>) -> [Third; 3] {
    let length = readings.len().div_ceil(3).max(1);
    let third = |index| readings.iter().skip(index * length).take(length).copied().flatten();
    [0, 1, 2].map(|index| Third::of(third(index).collect()))
}

fn has_grown([_, middle, last]: [Third; 3]) -> bool {
    last.median > middle.median + (middle.median * MORE / 100).max(AT_LEAST)
}
