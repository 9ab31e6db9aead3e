//! Where all chance comes from, so that a simulation can repeat it.

use rand::Rng;
use rand::distr::{Distribution, StandardUniform};

#[cfg(any(test, feature = "test-util"))]
pub use seeded::Seed;
#[cfg(any(test, feature = "test-util"))]
pub(crate) use seeded::{once, rng};

/// Returns a number of any kind.
pub(crate) fn random<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    rng().random()
}

/// Returns the generator of the calling thread.
#[cfg(not(any(test, feature = "test-util")))]
pub(crate) fn rng() -> impl Rng {
    rand::rng()
}

/// Returns a number that a process keeps for its life.
#[cfg(not(any(test, feature = "test-util")))]
pub(crate) fn once() -> u64 {
    random()
}

#[cfg(any(test, feature = "test-util"))]
mod seeded {
    use std::cell::RefCell;
    use std::marker::PhantomData;

    use rand::rngs::StdRng;
    use rand::{RngCore, SeedableRng};

    thread_local! {
        static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
    }

    /// Makes chance on this thread follow from a seed, until it is dropped.
    #[derive(Debug)]
    pub struct Seed {
        before: Option<StdRng>,
        /// It must be dropped on the thread that it was made on.
        not_send: PhantomData<*const ()>,
    }

    impl Seed {
        /// Starts the chance of a seed.
        #[must_use = "chance is free again when this is dropped"]
        pub fn new(seed: u64) -> Self {
            let rng = StdRng::seed_from_u64(seed);
            let before = SEEDED.with_borrow_mut(|seeded| seeded.replace(rng));
            Self { before, not_send: PhantomData }
        }
    }

    impl Drop for Seed {
        fn drop(&mut self) {
            // On a thread that ends there may be nothing left to put back.
            let _ = SEEDED.try_with(|seeded| *seeded.borrow_mut() = self.before.take());
        }
    }

    pub(crate) fn rng() -> impl RngCore {
        Chance
    }

    /// As without seeds, but the same in every process whose first caller is a seeded thread: what
    /// is kept for a process must not differ with the history that happens to come first.
    pub(crate) fn once() -> u64 {
        if SEEDED.with_borrow(Option::is_some) { 0 } else { super::random() }
    }

    /// The seeded generator of the thread if there is one, else the ordinary one.
    struct Chance;

    impl Chance {
        fn draw<T>(draw: impl FnOnce(&mut dyn RngCore) -> T) -> T {
            SEEDED.with_borrow_mut(|seeded| match seeded {
                Some(rng) => draw(rng),
                None => draw(&mut rand::rng()),
            })
        }
    }

    impl RngCore for Chance {
        fn next_u32(&mut self) -> u32 {
            Self::draw(|rng| rng.next_u32())
        }

        fn next_u64(&mut self) -> u64 {
            Self::draw(|rng| rng.next_u64())
        }

        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            Self::draw(|rng| rng.fill_bytes(bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw() -> [u64; 3] {
        [random(), random(), rng().random_range(0..1 << 40)]
    }

    #[test]
    fn a_seed_repeats_what_is_drawn_until_it_is_dropped() {
        let drawn = [1, 1, 2].map(|seed| {
            let _seed = Seed::new(seed);
            draw()
        });

        assert_eq!(drawn[0], drawn[1]);
        assert_ne!(drawn[0], drawn[2]);
        assert_ne!(draw(), draw());
    }

    #[test]
    fn another_thread_draws_freely() {
        let _seed = Seed::new(1);
        let free = || std::thread::spawn(draw).join().unwrap();

        assert_ne!(free(), free());
    }

    #[test]
    fn a_seed_within_a_seed_leaves_the_outer_one_as_it_was() {
        let outer = Seed::new(1);
        drop(Seed::new(2));
        let inside = draw();
        drop(outer);
        let _again = Seed::new(1);

        assert_eq!(draw(), inside);
    }
}
