//! Which of the 16,384 slots a key belongs to.

/// A share of the keys, which one primary serves at a time.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Slot(u16);

impl Slot {
    /// How many there are, by the protocol.
    pub(crate) const COUNT: usize = 16_384;

    /// Returns the slot of a key: by what is between the first `{` and the next `}`, if there is
    /// something, and else by all of it.
    pub(crate) fn of(key: &[u8]) -> Self {
        Self(crc16(tag(key).unwrap_or(key)) % Self::COUNT as u16)
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

fn tag(key: &[u8]) -> Option<&[u8]> {
    let start = key.iter().position(|byte| *byte == b'{')? + 1;
    let length = key[start..].iter().position(|byte| *byte == b'}')?;
    Some(&key[start..start + length]).filter(|tag| !tag.is_empty())
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

/// The remainder of each byte. Computed once, by the compiler: a key is some 40 bytes.
const TABLE: [u16; 256] = {
    const POLYNOMIAL: u16 = 0x1021;
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            let carry = if remainder & 0x8000 == 0 { 0 } else { POLYNOMIAL };
            remainder = (remainder << 1) ^ carry;
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-16/XMODEM, and slots as `CLUSTER KEYSLOT` says.
    #[test]
    fn slots_are_those_of_the_servers() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        for (key, slot) in [
            (&b""[..], 0),
            (b"123456789", 12739),
            (b"foo", 12182),
            (b"bar", 5061),
            (b"test:profile:-:@1", 12932),
            (b"foo{}{bar}", 8363),
            (b"foo{{bar}}zap", 4015),
        ] {
            assert_eq!(Slot::of(key), Slot(slot), "{key:?}");
        }
    }

    #[test]
    fn only_the_first_tag_with_something_in_it_counts() {
        for (key, same_as) in [
            (&b"{user1000}.following"[..], &b"user1000"[..]),
            (b"foo{{bar}}zap", b"{bar"),
            (b"foo{bar}{zap}", b"bar"),
            (b"foo}{bar}", b"bar"),
        ] {
            assert_eq!(Slot::of(key), Slot::of(same_as), "{key:?}");
        }
        for whole in [&b"foo{}{bar}"[..], b"foo{bar", b"foo}bar{", b"{}"] {
            let crc = crc16(whole);
            assert_eq!(Slot::of(whole), Slot(crc % 16_384), "{whole:?}");
        }
    }
}
