//! The tables of the services in `examples/data`.

use std::time::Duration;

use cache_aside::{Ttl, TtlTable};

const ATLAS: &str = include_str!("../../examples/data/atlas.toml");
const ATLAS_PRODUCTION: &str = include_str!("../../examples/data/atlas-production.toml");
const ATELIER: &str = include_str!("../../examples/data/atelier.toml");

const ENTITIES: [&str; 3] = ["userProfile", "tier", "conversations"];

/// A tier, and its entities with their seconds.
type Row<'a> = (Option<&'a str>, &'a [(&'a str, u64)]);

fn check(text: &str, rows: &[Row<'_>]) {
    let table = TtlTable::from_toml(text).unwrap();
    let lines = text.lines().filter(|line| line.contains("fresh =")).count();
    assert_eq!(lines, rows.iter().map(|(_, cells)| cells.len()).sum::<usize>(), "all is checked");
    for (tier, cells) in rows {
        for (entity, secs) in *cells {
            let ttl = table.ttl(*tier, entity).unwrap();
            assert_eq!(ttl.fresh, Duration::from_secs(*secs), "{tier:?} {entity}");
            check_chances(ttl);
        }
        assert_eq!(table.ttl(*tier, "profil"), None, "it is strict");
    }
    assert_eq!(table.ttl(Some("fre"), "userProfile"), None, "it is strict");
}

/// What is loaded together does not end together, and "there is none" ends soon.
fn check_chances(ttl: Ttl) {
    assert!(ttl.jitter.unwrap() >= ttl.fresh / 10);
    assert!(ttl.none.is_none_or(|none| none < ttl.fresh));
}

#[test]
fn the_chat_service_has_its_figures() {
    let of = |figures: [u64; 3]| [0, 1, 2].map(|at| (ENTITIES[at], figures[at]));
    let (free, core) = (of([300, 300, 180]), of([900, 900, 600]));
    let studio = of([1800, 1800, 1200]);
    check(ATLAS, &[(Some("free"), &free), (Some("core"), &core), (Some("studio"), &studio)]);

    let studio = [&of([3600, 3600, 1800])[..], &[("apiResponses", 7200)]].concat();
    check(
        ATLAS_PRODUCTION,
        &[(Some("free"), &free), (Some("core"), &core), (Some("studio"), &studio)],
    );
    let production = TtlTable::from_toml(ATLAS_PRODUCTION).unwrap();
    assert_eq!(production.ttl(Some("core"), "apiResponses"), None);
}

#[test]
fn the_platform_for_creative_work_has_its_figures() {
    let figures = [("profile", 300), ("projects", 60), ("search", 30), ("page", 3600)];
    check(ATELIER, &[(None, &figures)]);
}
