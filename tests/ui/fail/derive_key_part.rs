//! A value in a key has fields that can all be written.

use cache_aside::KeyPart;

#[derive(KeyPart)]
union Bits {
    whole: u32,
    bytes: [u8; 4],
}

#[derive(KeyPart)]
enum Empty {}

struct Unwritten;

#[derive(KeyPart)]
struct Fields {
    id: u32,
    other: Unwritten,
}

#[derive(KeyPart)]
struct Single(Unwritten);

#[derive(KeyPart)]
enum Variants {
    One(u32, Unwritten),
}

#[derive(KeyPart)]
struct Skipping {
    id: u32,
    #[key(skip)]
    trace: u32,
}

fn main() {}
