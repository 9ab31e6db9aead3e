//! The slot of a key.

use std::ops::RangeInclusive;

/// How many slots a cluster has.
pub(crate) const COUNT: u16 = 16_384;

/// Returns the slot of a key; of its hash tag, if it has one that is not empty.
pub(crate) fn of(key: &[u8]) -> u16 {
    crc16(tag(key).unwrap_or(key)) % COUNT
}

/// Returns an even share of the slots.
pub(crate) fn share(index: u16, shares: u16) -> RangeInclusive<u16> {
    let edge = |index: u16| u32::from(index) * u32::from(COUNT) / u32::from(shares);
    let edge = |index| u16::try_from(edge(index)).expect("an edge is no more than the count");
    edge(index)..=edge(index + 1) - 1
}

/// Finds what is between the first `{` and the next `}`.
fn tag(key: &[u8]) -> Option<&[u8]> {
    let begin = key.iter().position(|&byte| byte == b'{')? + 1;
    let length = key[begin..].iter().position(|&byte| byte == b'}')?;
    (length > 0).then(|| &key[begin..begin + length])
}

/// Computes CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    const POLYNOMIAL: u16 = 0x1021;
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { POLYNOMIAL }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(of(b"foo"), 12_182);
        assert_eq!(of(b""), 0);
    }

    #[test]
    fn a_tag_alone_decides() {
        assert_eq!(of(b"a{foo}b{bar}"), of(b"foo"));
        assert_eq!(of(b"{{foo}"), of(b"{foo"));
        assert_eq!(tag(b"a{}{foo}"), None);
        assert_eq!(tag(b"a{foo"), None);
        assert_eq!(tag(b"}a{"), None);
    }

    #[test]
    fn shares_cover_every_slot_once() {
        assert_eq!(share(0, 3), 0..=5460);
        assert_eq!(share(1, 3), 5461..=10_921);
        assert_eq!(share(2, 3), 10_922..=16_383);
    }
}
