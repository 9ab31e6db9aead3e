//! Drawing a history from a seed.

use super::{Back, Deed, Fate, History, Load, Loading, Meddling, Side, Step, Weather, Who};
use crate::catalogue::{Cover, Item, ROWS};
use crate::dice::Dice;
use crate::rules::{LEASE_TTL, MAX_SILENCE, REMOTE_TIMEOUT};

/// What a history is mostly about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Theme {
    Calm,
    Crashes,
    Everything,
    Meddling,
    Network,
    Server,
}

impl History {
    /// Draws the history of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut drawer = Drawer::new(seed);
        let weather = drawer.weather();
        let length = drawer.dice.within(4..=28);
        let mut steps: Vec<Step> = (0..length).map(|_| drawer.step()).collect();
        steps.extend(drawer.scene());
        Self { seed, weather, steps }
    }
}

struct Drawer {
    dice: Dice,
    theme: Theme,
    instances: usize,
    /// The rows that most things are about.
    hot: Vec<usize>,
}

impl Drawer {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let themes = [
            Theme::Calm,
            Theme::Calm,
            Theme::Crashes,
            Theme::Everything,
            Theme::Everything,
            Theme::Meddling,
            Theme::Network,
            Theme::Network,
            Theme::Server,
            Theme::Server,
        ];
        let theme = dice.pick(&themes);
        let instances = dice.pick(&[1, 2, 2, 2, 3]);
        let hot = (0..dice.within(1..=2)).map(|_| dice.place(ROWS)).collect();
        Self { dice, theme, instances, hot }
    }

    fn weather(&mut self) -> Weather {
        let dice = &mut self.dice;
        let is_calm = self.theme == Theme::Calm;
        Weather {
            latency: dice.pick(&[0, 1, 1, 2, 3, 5]),
            spikes: if is_calm { 0 } else { dice.pick(&[0, 0, 20, 50]) },
            tells: is_calm || !dice.happens(60),
            hold: dice.happens(80).then_some(60),
            short: dice.happens(150).then(|| dice.within(5..=60)),
            places: dice.pick(&[8, 8, 8, 2]),
            is_mute: false,
            journal: dice.pick(&[100, 100, 100, 1]),
            stale: (!is_calm && dice.happens(300)).then(|| dice.within(1..=80)),
            is_owned: dice.happens(300),
        }
    }

    fn step(&mut self) -> Step {
        let after = match self.dice.below(20) {
            0..=9 => self.dice.below(3),
            10..=15 => self.dice.below(10),
            16..=18 => self.dice.below(60),
            _ => self.dice.below(900),
        };
        Step { after, deed: self.deed() }
    }

    /// An instance is cut off for long, while another one changes what it has near.
    fn scene(&mut self) -> Vec<Step> {
        let is_about_it = matches!(self.theme, Theme::Network | Theme::Everything);
        if !is_about_it || self.instances < 2 || !self.dice.happens(300) {
            return Vec::new();
        }
        let (deaf, other, item) = (self.who(), self.who(), self.item());
        let load = Load { ms: 0, loading: Loading::Returns };
        let side = self.dice.pick(&[Side::Both, Side::From, Side::To]);
        let call = |after| Step { after, deed: Deed::Load(deaf, item, load, Fate::Ends) };
        let cut = Deed::Partition(deaf, side, self.dice.within(500..=3000));
        let end = Deed::Invalidate(other, Cover::Item(item), Fate::Ends);
        vec![
            call(self.dice.below(500)),
            call(self.dice.below(50)),
            Step { after: 10, deed: cut },
            Step { after: self.dice.below(20), deed: end },
            call(self.dice.within(650..=1000)),
        ]
    }

    fn deed(&mut self) -> Deed {
        match self.dice.below(100) {
            0..=37 => Deed::Load(self.who(), self.item(), self.load(), self.fate()),
            38..=44 => Deed::LoadMany(self.who(), self.items(), self.load(), self.fate()),
            45..=49 => Deed::Peek(self.who(), self.items(), self.fate()),
            50..=69 => Deed::Invalidate(self.who(), self.cover(), self.fate()),
            70..=73 => Deed::Set(self.who(), self.item(), self.fate()),
            74..=77 => {
                let ms = self.dice.below(30);
                Deed::Guard(self.who(), self.cover(), ms, self.fate())
            }
            _ => self.fault(),
        }
    }

    fn fault(&mut self) -> Deed {
        let kind = match self.theme {
            Theme::Calm => return Deed::Wait,
            Theme::Crashes => 0,
            Theme::Everything => self.dice.below(4),
            Theme::Meddling => 1,
            Theme::Network => 2,
            Theme::Server => 3,
        };
        let who = self.who();
        match kind {
            0 => Deed::Crash(who),
            1 => Deed::Meddle(self.meddling()),
            2 => self.trouble(who),
            _ => self.outage(),
        }
    }

    fn trouble(&mut self, who: Who) -> Deed {
        match self.dice.below(8) {
            0..=2 => {
                let side = self.dice.pick(&[Side::Both, Side::From, Side::To]);
                Deed::Partition(who, side, self.span())
            }
            3..=5 => Deed::Cut(who),
            6 => {
                let by = self.dice.within(1..=2 * REMOTE_TIMEOUT);
                Deed::Slow(who, self.span(), by)
            }
            _ => Deed::Wall(who, self.dice.pick(&[-3_600_000, -1000, -20, 20, 1000, 3_600_000])),
        }
    }

    fn outage(&mut self) -> Deed {
        match self.dice.below(8) {
            0 => Deed::Hang(self.span()),
            1 => Deed::Refuse(self.span()),
            _ => {
                let old = self.dice.below(200);
                let back =
                    self.dice.pick(&[Back::Another, Back::Empty, Back::Old(old), Back::Same]);
                Deed::Restart(back, self.span())
            }
        }
    }

    /// How long something is wrong: no time at all, about a time-out, or until all have noticed.
    fn span(&mut self) -> u64 {
        let most = self.dice.pick(&[1, 10, 2 * REMOTE_TIMEOUT, 2 * MAX_SILENCE, 1000]);
        self.dice.below(most)
    }

    fn meddling(&mut self) -> Meddling {
        let cover = self.cover();
        match self.dice.below(10) {
            0..=3 => Meddling::Remove(cover),
            4..=5 => Meddling::Garbage(cover),
            6 => Meddling::List(cover),
            7 => {
                // Never back again: an entry would be itself once more.
                let (one, other) = (self.item(), self.item());
                Meddling::Copy(one.min(other), one.max(other))
            }
            _ => Meddling::Flush,
        }
    }

    fn who(&mut self) -> Who {
        Who(self.dice.place(self.instances))
    }

    fn row(&mut self) -> usize {
        if self.dice.happens(850) { self.dice.pick(&self.hot) } else { self.dice.place(ROWS) }
    }

    fn item(&mut self) -> Item {
        let tier = usize::from(self.dice.happens(250));
        Item::of(self.row(), tier)
    }

    fn items(&mut self) -> Vec<Item> {
        (0..self.dice.within(1..=4)).map(|_| self.item()).collect()
    }

    fn cover(&mut self) -> Cover {
        let row = self.row();
        match self.dice.below(20) {
            0..=7 => Cover::Item(self.item()),
            8..=10 => Cover::Row(row),
            11..=13 => Cover::User(row % 2),
            14 => Cover::Entity(row / 2),
            15 => Cover::Tier(self.dice.place(2)),
            16..=18 => Cover::Tag(self.dice.place(2)),
            _ => Cover::All,
        }
    }

    fn load(&mut self) -> Load {
        let ms = match self.dice.below(10) {
            0..=2 => 0,
            3..=6 => self.dice.below(5),
            7..=8 => self.dice.below(40),
            _ => self.dice.below(LEASE_TTL),
        };
        let fails = if self.theme == Theme::Calm { 0 } else { self.dice.below(30) };
        let loading = match fails {
            1 => Loading::Fails,
            2 => Loading::Panics,
            _ => Loading::Returns,
        };
        Load { ms, loading }
    }

    fn fate(&mut self) -> Fate {
        let odds = match self.theme {
            Theme::Calm => return Fate::Ends,
            Theme::Crashes => 300,
            _ => 60,
        };
        if !self.dice.happens(odds) {
            return Fate::Ends;
        }
        match self.dice.below(3) {
            0 => Fate::CrashAt(self.dice.within(1..=6)),
            1 => Fate::DropAt(self.dice.within(1..=6)),
            _ => Fate::DropAfter(self.dice.below(30)),
        }
    }
}
