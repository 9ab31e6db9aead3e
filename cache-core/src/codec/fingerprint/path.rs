//! The decisions of one pass, and the next ones to try.

use std::ops::Range;

/// One decision: an answer out of some options.
#[derive(Clone, Debug)]
struct Choice {
    answer: usize,
    options: Range<usize>,
    /// How many options have not been tried.
    left: usize,
}

/// The decisions that lead from the root of a type to where a pass stands.
///
/// A pass first repeats the decisions it was given, then takes its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    choices: Vec<Choice>,
    /// How many choices of this pass have been made.
    made: usize,
    /// How many choices lead to the part that this path is there to see.
    given: usize,
}

impl Path {
    /// Returns a path that takes the same decisions up to here, and then `answer`.
    pub(super) fn branch(&self, answer: usize) -> Self {
        let mut choices = self.choices[..self.made].to_vec();
        choices.push(Choice { answer, options: answer..answer + 1, left: 0 });
        Self { given: choices.len(), choices, made: 0 }
    }

    /// Goes back to the start for another pass.
    pub(super) fn restart(&mut self) {
        self.made = 0;
    }

    /// Makes the next decision: `first` of the `options`, unless it is already settled.
    pub(super) fn choose(&mut self, first: usize, options: Range<usize>) -> usize {
        if self.made == self.choices.len() {
            let left = options.len().saturating_sub(1);
            self.choices.push(Choice { answer: first, options, left });
        }
        self.made += 1;
        self.choices[self.made - 1].answer
    }

    /// Tells whether this pass is past the decisions it was given.
    pub(super) fn is_new(&self) -> bool {
        self.made >= self.given
    }

    /// Tells whether the last decision was the one this path is there for.
    pub(super) fn is_at_branch(&self) -> bool {
        self.given > 0 && self.made == self.given
    }

    /// Changes the last decision that has options left; `false` if there is none.
    pub(super) fn retry(&mut self) -> bool {
        while self.choices.len() > self.given {
            if let Some(choice) = self.choices.last_mut().filter(|choice| choice.left > 0) {
                let next = choice.answer + 1;
                choice.answer =
                    if next == choice.options.end { choice.options.start } else { next };
                choice.left -= 1;
                return true;
            }
            self.choices.pop();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs one pass that makes two decisions.
    fn pass(path: &mut Path) -> (usize, usize) {
        path.restart();
        (path.choose(1, 0..2), path.choose(0, 0..3))
    }

    #[test]
    fn every_combination_is_tried_the_last_decision_first() {
        let mut path = Path::default();
        let mut seen = vec![pass(&mut path)];
        while path.retry() {
            seen.push(pass(&mut path));
        }

        assert_eq!(seen, [(1, 0), (1, 1), (1, 2), (0, 0), (0, 1), (0, 2)]);
    }

    #[test]
    fn a_branch_keeps_what_led_to_it() {
        let mut path = Path::default();
        path.choose(1, 0..2);
        let mut branch = path.branch(7);

        assert_eq!((branch.choose(0, 0..2), branch.is_new()), (1, false));
        assert_eq!((branch.choose(0, 0..9), branch.is_at_branch()), (7, true));
        assert_eq!((branch.choose(0, 0..1), branch.is_at_branch()), (0, false));
        assert!(!branch.retry());
    }
}
