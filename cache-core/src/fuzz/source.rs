//! Values out of arbitrary bytes.

/// Takes values from the front of arbitrary bytes; behind their end, everything is zero.
#[derive(Clone, Debug)]
pub struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    /// Starts at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a byte.
    pub fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// Takes `N` bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.bytes(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// Takes up to `len` bytes, as many as there are.
    pub fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Takes all that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.bytes(usize::MAX)
    }

    /// Takes a coin.
    pub fn coin(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Takes a number below `limit`, of which there must be some.
    pub fn below(&mut self, limit: usize) -> usize {
        let number = if limit > 256 {
            u32::from_le_bytes(self.array()) as usize
        } else {
            usize::from(self.byte())
        };
        number % limit
    }

    /// Takes one of `choices`, of which there must be some.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Takes a short text, one of `choices`, or now and then a long one.
    pub fn text(&mut self, choices: &[&str]) -> String {
        match self.byte() {
            kind @ 0..=127 => String::from_utf8_lossy(self.bytes(usize::from(kind & 15))).into(),
            128..=251 => self.pick(choices).to_owned(),
            252.. => self.pick(choices).repeat(self.below(2048)),
        }
    }
}
