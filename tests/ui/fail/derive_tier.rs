//! Tiers are the variants of a plain enum, each with a name of its own.

use cache_aside::Tier;

#[derive(Tier)]
struct Struct;

#[derive(Tier)]
enum Empty {}

#[derive(Tier)]
enum Fields {
    Free,
    Core(u32),
    Studio { seats: u32 },
}

#[derive(Tier)]
enum Names {
    StudioPro,
    #[tier("studio_pro")]
    Same,
    #[tier("")]
    Nameless,
    #[tier(rename = "x")]
    Wrong,
    #[tier = "x"]
    Assigned,
    #[tier("a")]
    #[tier("b")]
    Twice,
}

#[derive(Tier)]
enum Clash {
    StudioPro,
    #[tier(name = "studio_pro")]
    Same,
}

fn main() {}
