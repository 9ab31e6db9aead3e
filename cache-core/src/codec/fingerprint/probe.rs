//! The state of a probe: what was written down, what was seen, what is still to be visited.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt::{self, Display};

use serde::de::{DeserializeOwned, Error};

use super::path::Path;
use super::shape::{Kind, Shape};
use crate::codec::MAX_DEPTH;

/// How many questions a type may ask, in all passes together.
///
/// A struct of a hundred fields asks a hundred questions in each pass, an enum of a hundred variants
/// takes a hundred passes. This many take some ten milliseconds.
const MAX_QUESTIONS: usize = 1 << 18;

/// How many passes are made for one variant of one enum, each with other answers.
const MAX_PASSES: usize = 1000;

/// Why the shape of a type cannot be seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Dead {
    /// It asks what the data is, instead of saying what it wants.
    Asks,
    /// It accepts none of the values that were tried.
    Picky,
    /// It has too many parts, or parts too deep.
    TooLarge,
}

impl Display for Dead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asks => "it takes whatever the data holds (`untagged`, `flatten`, `tag`)",
            Self::Picky => "it checks its values and accepts none of those tried",
            Self::TooLarge => "it is too large or nested too deep",
        })
    }
}

/// What a type that refuses an answer returns; why it does is of no interest.
#[derive(Debug)]
pub(super) struct Refused;

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused while its type was looked at")
    }
}

impl std::error::Error for Refused {}

impl Error for Refused {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// How a pass ended early. Kept apart from its error, which a type may swallow.
#[derive(Clone, Copy, Debug)]
enum End {
    Dead(Dead),
    /// The enum has no such variant: the last of its names are aliases.
    NoVariant,
}

/// Looks at a type by answering its questions.
#[derive(Debug, Default)]
pub(super) struct Probe {
    record: Vec<u8>,
    /// Everything with parts that is in the record, in order: who asked, and for what.
    seen: Vec<(TypeId, Shape)>,
    /// Enums of which only the first variant was visited: the way to them, and their size.
    unvisited: Vec<(Path, usize)>,
    path: Path,
    /// Whether the pass is inside of something that is in the record already.
    hushed: bool,
    depth: usize,
    questions: usize,
    end: Option<End>,
    /// The answer that a visitor accepted last.
    accepted: HashMap<TypeId, usize>,
    /// The variants that the pass is inside of.
    open: Vec<(TypeId, usize)>,
    /// The first variant of each enum that came to an end, so one that does not lead to itself.
    finite: HashMap<TypeId, usize>,
}

impl Probe {
    /// Visits every part of `T` and returns the record of it.
    pub(super) fn explore<T: DeserializeOwned>() -> Result<Vec<u8>, Dead> {
        let mut probe = Self::default();
        probe.visit::<T>(Path::default())?;
        while let Some((path, variants)) = probe.unvisited.pop() {
            for variant in 1..variants {
                probe.visit::<T>(path.branch(variant))?;
            }
        }
        Ok(probe.record)
    }

    /// Follows `path` and records what comes after it, with other answers until they are accepted.
    fn visit<T: DeserializeOwned>(&mut self, path: Path) -> Result<(), Dead> {
        let before = (self.record.len(), self.seen.len(), self.unvisited.len());
        self.path = path;
        for _ in 0..MAX_PASSES {
            let accepted = self.pass::<T>();
            match self.end.take() {
                None if accepted => return Ok(()),
                None => self.forget(before),
                Some(End::NoVariant) => {
                    self.forget(before);
                    return Ok(());
                }
                Some(End::Dead(dead)) => return Err(dead),
            }
            if !self.path.retry() {
                break;
            }
        }
        Err(Dead::Picky)
    }

    fn pass<T: DeserializeOwned>(&mut self) -> bool {
        self.path.restart();
        self.open.clear();
        self.hushed = false;
        self.depth = 0;
        T::deserialize(self).is_ok()
    }

    fn forget(&mut self, (record, seen, unvisited): (usize, usize, usize)) {
        self.record.truncate(record);
        self.seen.truncate(seen);
        self.unvisited.truncate(unvisited);
    }

    /// Writes down a shape without parts, or one that stands in a larger one.
    pub(super) fn note(&mut self, shape: Shape) -> Result<(), Refused> {
        self.questions += 1;
        if self.questions > MAX_QUESTIONS {
            return Err(self.die(Dead::TooLarge));
        }
        if self.is_recording() {
            shape.note(&mut self.record);
        }
        Ok(())
    }

    /// Writes down a shape with parts, and its parts if they are not in the record yet.
    pub(super) fn within<V, T>(
        &mut self,
        shape: Shape,
        read: impl FnOnce(&mut Self) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        if self.depth >= MAX_DEPTH {
            return Err(self.die(Dead::TooLarge));
        }
        let (hushed, open) = (self.hushed, self.open.len());
        self.depth += 1;
        let value = self.note_once(typeid::of::<V>(), shape).and_then(|()| read(self));
        let noted = self.note(Shape::of(Kind::End));
        // Also after an error, which a type may swallow.
        self.depth -= 1;
        self.hushed = hushed;
        self.open.truncate(open);
        noted.and(value)
    }

    /// Writes down a shape, or only its place if it is in the record; then its parts are not new either.
    fn note_once(&mut self, visitor: TypeId, shape: Shape) -> Result<(), Refused> {
        if !self.is_recording() {
            return self.note(shape);
        }
        if let Some(place) = self.seen.iter().position(|seen| *seen == (visitor, shape)) {
            self.note(Shape::of(Kind::Seen).number(place))?;
            self.hushed = true;
            return Ok(());
        }
        self.seen.push((visitor, shape));
        self.note(shape)
    }

    /// Chooses one of `options` answers to a question for a plain value.
    pub(super) fn answer<V>(&mut self, kind: Kind, options: usize) -> Result<usize, Refused> {
        self.note(Shape::of(kind))?;
        let first = self.accepted.get(&typeid::of::<V>()).filter(|first| **first < options);
        Ok(self.path.choose(first.copied().unwrap_or(0), 0..options))
    }

    /// Remembers that an answer was accepted, so that it is the first to be tried next time.
    pub(super) fn accept<V>(&mut self, answer: usize) {
        self.accepted.insert(typeid::of::<V>(), answer);
    }

    /// Chooses how many values there are where there may be any number up to `most`.
    ///
    /// What is new must show itself. What is known must come to an end.
    pub(super) fn choose_len(&mut self, most: usize) -> usize {
        let least = usize::from(self.is_recording());
        self.path.choose(least, least..most + 1)
    }

    /// Chooses a variant of the enum that was just entered.
    pub(super) fn choose_variant<V>(&mut self, variants: usize) -> Result<usize, Refused> {
        let visitor = typeid::of::<V>();
        let first = if self.is_recording() { 0 } else { self.shortest(visitor, variants) };
        if self.is_recording() && variants > 1 {
            self.unvisited.push((self.path.clone(), variants));
        }
        let variant = self.path.choose(first, first..first + 1);
        self.open.push((visitor, variant));
        self.note(Shape::of(Kind::Variant).number(variant))?;
        Ok(variant)
    }

    /// Remembers that a variant could be read to its end.
    pub(super) fn end_variant<V>(&mut self, variant: usize) {
        self.finite.entry(typeid::of::<V>()).or_insert(variant);
    }

    /// Returns a variant that does not lead to the same enum again, or one that was not tried for that.
    fn shortest(&self, visitor: TypeId, variants: usize) -> usize {
        let times =
            |variant: &usize| self.open.iter().filter(|open| **open == (visitor, *variant)).count();
        let finite = self.finite.get(&visitor).copied();
        finite.or_else(|| (0..variants).min_by_key(times)).unwrap_or_default()
    }

    /// Gives up on the type.
    pub(super) fn die(&mut self, dead: Dead) -> Refused {
        self.end.get_or_insert(End::Dead(dead));
        Refused
    }

    /// Notes that an enum refused the number of a variant.
    pub(super) fn refuse_variant(&mut self) {
        if self.path.is_at_branch() {
            self.end.get_or_insert(End::NoVariant);
        }
    }

    fn is_recording(&self) -> bool {
        !self.hushed && self.path.is_new()
    }
}
