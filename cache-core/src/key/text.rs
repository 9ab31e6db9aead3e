//! Key text: bounded, escaped, built without allocating.

use smallvec::SmallVec;

use super::KeyPart;

const INLINE: usize = 112;
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Writes the parts of a key as escaped text.
///
/// Letters, digits, `_`, `.` and an inner `-` stand for themselves; every other byte of a text is
/// `%XX`. Marks such as `:`, `~`, `(` therefore only ever come from the encoding itself, and two
/// different values never make the same text. `docs/keys.md` has the whole grammar.
///
/// Nothing is written past [`Key::MAX_LEN`](super::Key::MAX_LEN); the key is then marked too long.
#[derive(Clone)]
pub struct KeyWriter {
    text: SmallVec<[u8; INLINE]>,
    plain: bool,
    too_long: bool,
    /// How many bytes are about to be replaced, and so do not count.
    spare: u16,
}

impl KeyWriter {
    pub(crate) fn new() -> Self {
        Self { text: SmallVec::new(), plain: false, too_long: false, spare: 0 }
    }

    /// Writes a string.
    pub fn text(&mut self, text: &str) {
        // What a number or a variant begins with.
        let begins = |first: char| first.is_ascii_digit() || matches!(first, '-' | '.');
        self.escape(text.as_bytes(), !self.plain && text.starts_with(begins));
    }

    /// Writes an integer.
    pub fn integer(&mut self, number: i128) {
        self.decimal(number < 0, number.unsigned_abs());
    }

    /// Writes an integer that [`integer`](Self::integer) cannot hold.
    pub fn unsigned(&mut self, number: u128) {
        self.decimal(false, number);
    }

    /// Writes bytes, as hexadecimal digits after a `$`.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.mark(b'$');
        for byte in bytes {
            self.raw(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }

    /// Writes a value that has a canonical text of its own and is not a string, such as `true`.
    pub fn symbol(&mut self, name: &str) {
        self.mark(b'~');
        self.escape(name.as_bytes(), false);
    }

    /// Writes an optional value: `~` or `=value`.
    pub fn option(&mut self, value: Option<&dyn KeyPart>) {
        match value {
            None => self.mark(b'~'),
            Some(value) => {
                if !self.plain {
                    self.mark(b'=');
                }
                value.write(self);
            }
        }
    }

    /// Writes a sequence of values: each followed by `,`, all in parentheses.
    pub fn tuple(&mut self, parts: &[&dyn KeyPart]) {
        self.sequence(parts.iter().copied());
    }

    /// Writes a variant of an enum: `.Name`, and its fields as a tuple where it has some.
    pub fn variant(&mut self, name: &str, parts: &[&dyn KeyPart]) {
        self.mark(b'.');
        self.escape(name.as_bytes(), false);
        if !parts.is_empty() {
            self.tuple(parts);
        }
    }

    /// Writes a sequence of values of any length.
    pub fn sequence<'a>(&mut self, parts: impl IntoIterator<Item = &'a dyn KeyPart>) {
        self.mark(b'(');
        for part in parts {
            part.write(self);
            self.mark(b',');
            if self.too_long {
                return;
            }
        }
        self.mark(b')');
    }

    /// Writes parts that compare as text, so that the user `42` and the user `"42"` are one.
    pub(crate) fn plainly(&mut self, write: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.plain, true);
        write(self);
        self.plain = outer;
    }

    /// Writes text that is a name rather than a value: an entity, a tier, a namespace.
    pub(crate) fn name(&mut self, name: &str) {
        self.escape(name.as_bytes(), name.starts_with('-')); // which alone says that there is none
    }

    /// Writes a Rust path, with `/` in the place of `::`.
    pub(crate) fn path(&mut self, path: &str) {
        for (index, segment) in path.split("::").enumerate() {
            if index > 0 {
                self.mark(b'/');
            }
            self.escape(segment.as_bytes(), false);
        }
    }

    pub(crate) fn mark(&mut self, mark: u8) {
        self.raw(&[mark]);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        if self.text.len() + bytes.len() > super::Key::MAX_LEN + usize::from(self.spare) {
            self.too_long = true;
        }
        if !self.too_long {
            self.text.extend_from_slice(bytes);
        }
    }

    /// Replaces `start..end` by what `write` writes, and returns the new end.
    pub(crate) fn splice(
        &mut self,
        start: usize,
        end: usize,
        write: impl FnOnce(&mut Self),
    ) -> usize {
        if self.too_long {
            return end;
        }
        let before = self.text.len();
        self.spare = super::short(end - start);
        write(self);
        self.spare = 0;
        let new = self.text.len() - before;
        let after = &mut self.text[start..];
        after.rotate_right(new);
        self.text.drain(start + new..end + new);
        start + new
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn is_too_long(&self) -> bool {
        self.too_long
    }

    fn decimal(&mut self, negative: bool, mut number: u128) {
        let mut digits = [0; 40];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        if negative {
            start -= 1;
            digits[start] = b'-';
        }
        self.raw(&digits[start..]);
    }

    fn escape(&mut self, bytes: &[u8], guard_first: bool) {
        let leading = |index| index == 0 && guard_first;
        let mut plain_from = 0;
        for (index, &byte) in bytes.iter().enumerate() {
            if self.too_long {
                return;
            }
            if is_plain(byte) && !leading(index) {
                continue;
            }
            self.raw(&bytes[plain_from..index]);
            self.raw(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            plain_from = index + 1;
        }
        self.raw(&bytes[plain_from..]);
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

impl std::fmt::Debug for KeyWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyWriter({} bytes)", self.text.len())
    }
}
