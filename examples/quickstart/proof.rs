//! Shows that an edit is seen at once, and what a second server gets.

use std::sync::Arc;

use anyhow::{Result, ensure};
use cache_aside_examples::clock::DayClock;
use cache_aside_examples::figures::grouped;

use crate::day::Request;
use crate::model::Kind;
use crate::repository::Repository;
use crate::run;
use crate::store::Store;

/// Who is renamed.
const USER: u32 = 42;

/// Reads a profile from the cache, edits it, and reads it again.
pub(crate) async fn edit_is_seen(repository: &Repository) -> Result<()> {
    println!("\nAn edit is seen at once:");
    let tier = repository.plan(USER).await?;
    repository.profile(tier, USER).await?;
    let queries = repository.db.queries(Kind::Profile);
    let before = repository.profile(tier, USER).await?;
    ensure!(repository.db.queries(Kind::Profile) == queries, "this answer should be cached");
    println!("  read    {:?}, from the cache: no query", before.name);

    let name = format!("{} the Second", before.name);
    repository.rename(USER, &name).await?;
    println!("  rename  {name:?}, through #[invalidates(user = user)]");

    let after = repository.profile(tier, USER).await?;
    let truth = repository.db.profile(USER).await?;
    println!("  read    {:?}; the database says {:?}", after.name, truth.name);
    ensure!(after.name != before.name, "the old name was served after the edit");
    ensure!(after.name == truth.name, "the cache and the database disagree");
    Ok(())
}

/// Lets a server that has just been started serve requests again, with the day's Redis beside it.
pub(crate) async fn second_server(
    repository: Repository,
    requests: &[Request],
    clock: &DayClock,
) -> Result<()> {
    println!("\nA second server, its memory still empty, serves the last minutes again:");
    let cache = repository.cache.clone();
    let reads: Arc<[Request]> =
        requests.iter().filter(|request| request.action.is_read()).cloned().collect();
    run::serve("Second server", &Store::Cached(repository), &reads, clock).await?;
    let stats = cache.stats();
    for kind in Kind::ALL {
        let Some(entity) = stats.entities.get(kind.name()) else { continue };
        let [near, remote, loaded] = [entity.near_hits, entity.remote_hits, entity.loaded]
            .map(|count| grouped(count as usize));
        let name = kind.name();
        println!("  {name:<14}{near:>7} near {remote:>7} remote {loaded:>7} from the database");
    }
    cache.close().await;
    Ok(())
}
