//! Runs a target without a fuzzer: its seeds, and changes of them that are the same each time.

use std::path::{Path, PathBuf};
use std::{env, fs, thread};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The folder of the seeds, the targets and what they stumbled over.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz");

/// How many changes of seeds are run, unless the environment says otherwise.
const CHANGES: usize = 5_000;

/// Runs `target` on each seed of `name`, and on changes of them.
///
/// The changes are the same in each run. `FUZZ_CHANGES` sets how many.
///
/// # Panics
///
/// If the target does, after the input was written to a file that it names; and if there are no seeds, or
/// libFuzzer does not run the target.
pub fn replay(name: &str, target: fn(&[u8])) {
    check_harness(name);
    let seeds = seeds(name);
    let run = |input: &[u8]| {
        let _culprit = Culprit { name, input };
        target(input);
    };
    seeds.iter().for_each(|seed| run(seed));
    let mut random = StdRng::seed_from_u64(0);
    for _ in 0..changes() {
        run(&changed(&seeds, &mut random));
    }
}

/// CI does not build the harness.
fn check_harness(name: &str) {
    let read = |file: &str| fs::read_to_string(Path::new(FOLDER).join(file)).unwrap_or_default();
    let call = format!("::fuzz::{name}(data)");
    assert!(read(&format!("targets/{name}.rs")).contains(&call), "no file for {name} in targets");
    assert!(read("Cargo.toml").contains(&format!("name = \"{name}\"\n")), "no binary for {name}");
}

/// Returns the seeds, in the order of their names.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(FOLDER).join("seeds").join(name);
    let files = fs::read_dir(&folder).expect("each target has a folder of seeds");
    let mut files: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no seeds in {}", folder.display());
    files.iter().map(|file| fs::read(file).expect("a seed can be read")).collect()
}

fn changes() -> usize {
    let wanted = env::var("FUZZ_CHANGES").ok();
    wanted.map_or(CHANGES, |text| text.parse().expect("FUZZ_CHANGES is a number"))
}

/// Returns a seed with one to four changes.
fn changed(seeds: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut input = seeds[random.random_range(0..seeds.len())].clone();
    for _ in 0..random.random_range(1..=4) {
        change(&mut input, seeds, random);
    }
    input
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut StdRng) {
    let start = random.random_range(0..=input.len());
    let end = random.random_range(start..=input.len().min(start + 16));
    match random.random_range(0..7) {
        0 => input.truncate(start),
        1 => drop(input.drain(start..end)),
        2 => {
            let copy = input[start..end].to_vec();
            input.splice(start..start, copy);
        }
        3 => {
            let other = &seeds[random.random_range(0..seeds.len())];
            input.truncate(start);
            input.extend_from_slice(&other[random.random_range(0..=other.len())..]);
        }
        4 => input.insert(start, random.random()),
        kind => {
            let Some(byte) = input.get_mut(start) else { return };
            *byte =
                if kind == 5 { *byte ^ (1 << random.random_range(0..8)) } else { random.random() };
        }
    }
}

/// Keeps the input that a target panics over.
struct Culprit<'a> {
    name: &'a str,
    input: &'a [u8],
}

impl Drop for Culprit<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let folder = Path::new(FOLDER).join("artifacts").join(self.name);
        let file = folder.join("replayed");
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, self.input));
        match written {
            Ok(()) => eprintln!("the input is in {}", file.display()),
            Err(_) => eprintln!("the input is {:02x?}", self.input),
        }
    }
}
