//! Tiers are named as their variants, or as they are told.

use cache_aside::Tier;

#[derive(Tier)]
enum Plan {
    Free,
    StudioPro,
    #[tier("core-2024")]
    Core,
    #[tier(name = "Große Firma")]
    Enterprise,
    r#Try,
}

fn main() {
    let names = [Plan::Free, Plan::StudioPro, Plan::Core, Plan::Enterprise, Plan::r#Try];
    let names: Vec<String> = names.iter().map(|plan| plan.name().to_owned()).collect();
    assert_eq!(names, ["free", "studio_pro", "core-2024", "Große Firma", "try"]);
}
