//! What a node of a cluster says about the nodes.

use std::ops::RangeInclusive;

use crate::Server;

/// A node, as one of the nodes sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Node {
    pub(crate) id: String,
    /// The id of its primary; a primary has none.
    pub(crate) primary: Option<String>,
    pub(crate) epoch: u64,
    pub(crate) slots: Vec<RangeInclusive<u16>>,
    flags: Vec<String>,
}

impl Node {
    /// Asks a server for all the nodes that it knows.
    pub(crate) fn all(server: &Server) -> Result<Vec<Self>, String> {
        let text = server.ask(&["CLUSTER", "NODES"])?.to_string();
        text.lines().map(|line| Self::parse(line).ok_or_else(|| line.to_owned())).collect()
    }

    /// Asks a server for itself.
    pub(crate) fn of(server: &Server) -> Result<Self, String> {
        let mine = Self::all(server)?.into_iter().find(|node| node.is("myself"));
        mine.ok_or_else(|| format!("{} does not name itself", server.port()))
    }

    /// Tells whether the node has a flag.
    pub(crate) fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }

    /// Tells whether a slot is the node's.
    pub(crate) fn holds(&self, slot: u16) -> bool {
        self.slots.iter().any(|slots| slots.contains(&slot))
    }

    /// Reads a line of `CLUSTER NODES`; a slot on its way, in brackets, is left out.
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [id, _, flags, primary, _, _, epoch, _, slots @ ..] = words.as_slice() else {
            return None;
        };
        let settled = slots.iter().filter(|slots| !slots.starts_with('['));
        Some(Self {
            id: (*id).to_owned(),
            primary: (*primary != "-").then(|| (*primary).to_owned()),
            epoch: epoch.parse().ok()?,
            slots: settled.map(|slots| parse_slots(slots)).collect::<Option<_>>()?,
            flags: flags.split(',').map(str::to_owned).collect(),
        })
    }
}

fn parse_slots(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_has_slots() {
        let line = "ab 127.0.0.1:1@2,host myself,master - 0 0 7 connected 0-5 9 [8->-cd]";

        let node = Node::parse(line).unwrap();

        assert!(node.is("myself") && node.primary.is_none());
        assert!(node.holds(5) && node.holds(9) && !node.holds(8));
        assert_eq!((node.id.as_str(), node.epoch), ("ab", 7));
    }

    #[test]
    fn a_replica_has_a_primary() {
        let node = Node::parse("cd 127.0.0.1:3@4 slave,fail? ab 0 0 7 connected").unwrap();

        assert!(node.is("fail?") && !node.is("fail"));
        assert_eq!(node.primary.as_deref(), Some("ab"));
        assert!(Node::parse("cd 127.0.0.1:3@4 slave ab").is_none());
    }
}
