//! What happens to the network and the servers, but for what instances ask for.

use cache_aside::wire::Stamp;

use super::conn::Message;
use super::{Inner, Net, garbage};
use crate::catalogue::{Cover, Item};
use crate::history::{Back, Meddling, Side, Who};
use crate::server::{Mood, Name};

impl Net {
    /// Lets nothing through, or everything again.
    pub(crate) fn block(&self, who: Who, side: Side, is_blocked: bool) {
        let mut inner = self.inner();
        let cable = &mut inner.cables[who.0];
        if side != Side::To {
            cable.from_blocked = is_blocked;
        }
        if side != Side::From {
            cable.to_blocked = is_blocked;
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// Makes messages of an instance slower.
    pub(crate) fn slow(&self, who: Who, by: u64) {
        self.inner().cables[who.0].slower = by;
    }

    /// Ends the connections of an instance. What is under way is lost, or half of it.
    pub(crate) fn cut(&self, who: Who) {
        let mut inner = self.inner();
        for conn in 0..inner.conns.len() {
            if inner.conns[conn].who == who && inner.conns[conn].is_open {
                inner.cut(self.seed, conn, self.now());
            }
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// Ends the connections of an instance that has died. What it sent still arrives.
    pub(crate) fn forget(&self, who: Who) {
        let mut inner = self.inner();
        let his = inner.conns.iter_mut().filter(|conn| conn.who == who);
        his.for_each(|conn| drop(conn.hang_up()));
    }

    /// Returns how the server is.
    pub(crate) fn mood(&self) -> Mood {
        self.inner().server().mood
    }

    /// Sets how the server is.
    pub(crate) fn set_mood(&self, mood: Mood) {
        self.inner().server().mood = mood;
        self.wake.notify_one();
    }

    /// Ends the server, and all connections to it.
    pub(crate) fn stop(&self) {
        let mut inner = self.inner();
        // What changed in its last turn is told or not; here it is.
        self.end_turn(&mut inner);
        inner.server().mood = Mood::Down;
        let now = self.now();
        for conn in 0..inner.conns.len() {
            inner.conns[conn].refuse(now);
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// Brings a server back that was stopped at the moment `stopped`.
    pub(crate) fn start(&self, back: Back, stopped: u64) {
        let mut inner = self.inner();
        match back {
            Back::Another => {
                inner.active = 1 - inner.active;
                self.judge.switched();
            }
            Back::Empty => inner.server().restart(None),
            Back::Old(ms) => inner.server().restart(Some(stopped.saturating_sub(ms))),
            Back::Same => inner.server().restart(Some(stopped)),
        }
        inner.server().mood = Mood::Up;
    }

    /// Whether the server may have forgotten something, or was meddled with, since the history began.
    pub(crate) fn meddle(&self, meddling: Meddling) {
        let now = self.now();
        let mut inner = self.inner();
        if inner.server().mood == Mood::Down {
            return;
        }
        inner.choices += 1;
        let bytes = garbage(inner.choices);
        let Inner { servers, active, turn, copied, .. } = &mut *inner;
        let server = &mut servers[*active];
        match meddling {
            Meddling::Copy(from, to) => {
                if from != to
                    && let Some(bytes) = server.entry(now, &name(from))
                    && !copied.contains(&Stamp::of(&bytes))
                {
                    copied.push(Stamp::of(&bytes));
                    server.overwrite(now, &name(to), Some(bytes), turn);
                }
            }
            Meddling::Flush => server.flush(now, turn),
            Meddling::Garbage(cover) => names(cover)
                .iter()
                .for_each(|name| server.overwrite(now, name, Some(bytes.clone()), turn)),
            Meddling::List(cover) => {
                names(cover).iter().for_each(|name| server.overwrite(now, name, None, turn));
            }
            Meddling::Remove(cover) => {
                names(cover).iter().for_each(|name| server.remove(now, name, turn));
            }
        }
        self.note_ended(*active, turn);
        self.end_turn(&mut inner);
        drop(inner);
        self.wake.notify_one();
    }

    /// Makes everything work again.
    pub(crate) fn heal(&self) {
        let mut inner = self.inner();
        inner.is_healed = true;
        for cable in &mut inner.cables {
            (cable.from_blocked, cable.to_blocked, cable.slower) = (false, false, 0);
        }
        drop(inner);
        self.wake.notify_one();
    }
}

impl Inner {
    fn cut(&mut self, seed: u64, conn: usize, now: u64) {
        let is_lost = self.choose(seed, 2) == 0;
        let conn = &mut self.conns[conn];
        if is_lost {
            conn.up.clear();
            conn.is_served = false;
        }
        conn.down.clear();
        conn.down.push(now, Message::Gone);
    }
}

fn name(item: Item) -> Name {
    item.key().as_bytes().into()
}

fn names(cover: Cover) -> Vec<Name> {
    match cover.group() {
        Some(group) => vec![group.into()],
        None => cover.items().map(name).collect(),
    }
}
