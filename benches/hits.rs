//! Time and allocations of one hit, each alone: `cargo bench --bench hits`.

use std::hint::black_box;

use cache_aside_benches::{Plan, Profile, Profiles, USERS, zipf};
use divan::{AllocProfiler, Bencher};
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[divan::bench]
fn near_hit_through_the_macro(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let profiles = runtime.block_on(Profiles::near());
    let mut users = zipf(1 << 16).into_iter().cycle();
    bencher.with_inputs(|| users.next().unwrap_or_default()).bench_local_values(|user| {
        runtime.block_on(async { black_box(profiles.profile(Plan::Studio, user).await) })
    });
}

#[divan::bench]
fn bare_moka_get_with_a_ready_made_key(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let cache = moka::future::Cache::new(USERS);
    for user in 0..USERS {
        runtime.block_on(cache.insert(format!("{user}"), std::sync::Arc::new(Profile::of(user))));
    }
    let mut keys = zipf(1 << 16).into_iter().map(|user| format!("{user}")).cycle();
    bencher.with_inputs(|| keys.next().unwrap_or_default()).bench_local_refs(|key| {
        runtime.block_on(async { black_box(cache.get(key.as_str()).await) })
    });
}

#[divan::bench]
fn building_a_key(bencher: Bencher<'_, '_>) {
    let profiles = Profiles::over(
        cache_aside::Cache::builder("bench").near(cache_aside::MemoryBackend::with_max_bytes(1)),
    );
    bencher.bench_local(|| black_box(profiles.profile_key(&Plan::Studio, &black_box(4242))));
}
