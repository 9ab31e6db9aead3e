//! Histories in sentences.

use std::fmt;

use super::{Back, Deed, Fate, History, Load, Loading, Meddling, Side, Weather};
use crate::catalogue::Item;

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.weather)?;
        let mut at = 0;
        for (index, step) in self.steps.iter().enumerate() {
            at += step.after;
            writeln!(f, "{:3}. at {at} ms: {}", index + 1, step.deed)?;
        }
        Ok(())
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages take up to {} ms", self.latency)?;
        if self.spikes > 0 {
            write!(f, ", {} in a thousand far longer", self.spikes)?;
        }
        if !self.tells {
            f.write_str("; the server tells nothing")?;
        }
        if let Some(hold) = self.hold {
            write!(f, "; nothing is kept for {hold} ms, as the source lags")?;
        }
        if let Some(short) = self.short {
            write!(f, "; studio orders live for {short} ms")?;
        }
        if let Some(stale) = self.stale {
            write!(f, "; what is for studio is stale after {stale} ms")?;
        }
        if self.is_owned {
            f.write_str("; loads go on without their callers")?;
        }
        if self.places < Self::FAIR.places {
            write!(f, "; {} entries fit near", self.places)?;
        }
        if self.is_mute {
            f.write_str("; instances do not listen")?;
        }
        if self.journal < Self::FAIR.journal {
            write!(f, "; a journal keeps {}", self.journal)?;
        }
        Ok(())
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash(who) => write!(f, "{who} dies and is started again"),
            Self::Cut(who) => write!(f, "{who}'s connection is cut"),
            Self::Guard(who, cover, ms, fate) => {
                write!(f, "{who} guards a change of {cover}, and commits it after {ms} ms{fate}")
            }
            Self::Hang(ms) => write!(f, "the server hangs for {ms} ms"),
            Self::Invalidate(who, cover, fate) => {
                write!(f, "{who} changes and invalidates {cover}{fate}")
            }
            Self::Load(who, item, load, fate) => write!(f, "{who} asks for {item}; {load}{fate}"),
            Self::LoadMany(who, items, load, fate) => {
                write!(f, "{who} asks for {}; {load}{fate}", Listed(items))
            }
            Self::Meddle(meddling) => write!(f, "another program {meddling}"),
            Self::Partition(who, side, ms) => write!(f, "{ms} ms long nothing gets {side} {who}"),
            Self::Peek(who, items, fate) => {
                write!(f, "{who} asks for {}, without a loader{fate}", Listed(items))
            }
            Self::Refuse(ms) => write!(f, "the server refuses everything for {ms} ms"),
            Self::Restart(back, ms) => write!(f, "the server goes away; after {ms} ms {back}"),
            Self::Set(who, item, fate) => write!(f, "{who} changes and sets {item}{fate}"),
            Self::Slow(who, ms, by) => {
                write!(f, "{ms} ms long, messages to and from {who} take {by} ms longer")
            }
            Self::Wait => f.write_str("nothing happens"),
            Self::Wall(who, ms) => write!(f, "{who}'s wall clock is set by {ms} ms"),
        }
    }
}

struct Listed<'a>(&'a [Item]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&items.join(", "))
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.ms;
        match self.loading {
            Loading::Fails => write!(f, "the loader fails after {ms} ms"),
            Loading::Panics => write!(f, "the loader panics after {ms} ms"),
            Loading::Returns => write!(f, "a load takes {ms} ms"),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrashAt(polls) => write!(f, "; its instance dies at poll {polls} of it"),
            Self::DropAfter(ms) => write!(f, "; given up after {ms} ms"),
            Self::DropAt(polls) => write!(f, "; given up at poll {polls} of it"),
            Self::Ends => Ok(()),
        }
    }
}

impl fmt::Display for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy(from, to) => write!(f, "copies {from} to {to}"),
            Self::Flush => f.write_str("flushes the server"),
            Self::Garbage(cover) => write!(f, "writes garbage over {cover}"),
            Self::List(cover) => write!(f, "puts a list in the place of {cover}"),
            Self::Remove(cover) => write!(f, "removes {cover}"),
        }
    }
}

impl fmt::Display for Back {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Another => f.write_str("the other server stands in its place"),
            Self::Empty => f.write_str("it is back, empty"),
            Self::Old(ms) => write!(f, "it is back, as it was {ms} ms before"),
            Self::Same => f.write_str("it is back, with all it had"),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Both => "to or from",
            Self::From => "from",
            Self::To => "to",
        })
    }
}
