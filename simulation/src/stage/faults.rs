//! What goes wrong.

use std::time::Duration;

use tokio::time::sleep;

use super::Stage;
use crate::history::{Back, Deed, Meddling};
use crate::server::Mood;

impl Stage {
    pub(super) fn fault(&self, deed: &Deed) {
        match *deed {
            Deed::Crash(who) => self.cast.crash(who),
            Deed::Cut(who) => self.net.cut(who),
            Deed::Hang(ms) => self.moody(Mood::Hung, ms),
            Deed::Meddle(meddling) => {
                self.judge.lose();
                // Without a record, who has seen a later turn than the next one needs another.
                let turns = if meddling == Meddling::Flush { self.cast.count() as u64 } else { 0 };
                self.judge.may_take_over(turns);
                self.net.meddle(meddling);
            }
            Deed::Partition(who, side, ms) => {
                self.net.block(who, side, true);
                self.later(ms, move |stage| stage.net.block(who, side, false));
            }
            Deed::Refuse(ms) => self.moody(Mood::Refusing, ms),
            Deed::Restart(back, ms) => self.restart(back, ms),
            Deed::Slow(who, ms, by) => {
                self.net.slow(who, by);
                self.later(ms, move |stage| stage.net.slow(who, 0));
            }
            Deed::Wall(who, ms) => {
                self.judge.clock_is_set();
                self.cast.step_clock(who, ms);
            }
            _ => {}
        }
    }

    /// Has the server in a mood for a time, unless it is in another already.
    fn moody(&self, mood: Mood, ms: u64) {
        if self.net.mood() == Mood::Up {
            self.net.set_mood(mood);
            self.later(ms, move |stage| {
                if stage.net.mood() == mood {
                    stage.net.set_mood(Mood::Up);
                }
            });
        }
    }

    fn restart(&self, back: Back, ms: u64) {
        if self.net.mood() == Mood::Down {
            return;
        }
        self.judge.lose();
        // One who has seen another server than the record says needs a turn of its own.
        let turns = if back == Back::Same { 1 } else { self.cast.count() as u64 + 1 };
        self.judge.may_take_over(turns);
        self.net.stop();
        let stopped = self.net.now();
        self.later(ms, move |stage| stage.net.start(back, stopped));
    }

    fn later(&self, ms: u64, then: impl FnOnce(&Self) + Send + 'static) {
        let stage = self.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(ms)).await;
            then(&stage);
        });
    }
}
