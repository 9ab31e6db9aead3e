//! Faults of the network.

use std::time::Duration;

use cache_test_servers::{Error, Flavour, Proxy, Rule, Server};

use crate::faults::stage::{Fault, Onset, Stage};

/// Nothing listens when the service starts.
pub const CONNECTION_REFUSED: Fault = Fault {
    name: "connection refused, from the start",
    onset: Onset::AtStart,
    reason: Some("nothing listens at the address of redis"),
    stage: |flavour| ruled(flavour, |network| network.proxy.set(Rule::Refuse)),
    ..Fault::USUAL
};

/// The host's name is wrong.
pub const NAME_UNRESOLVED: Fault = Fault {
    name: "host name that does not resolve, from the start and for ever",
    onset: Onset::ForEver,
    reason: Some("resolve"),
    stage: |_| Ok(Stage::new("redis://no-such-host.invalid", (), |()| {}, |()| {})),
    ..Fault::USUAL
};

/// Each reply takes longer than `remote_timeout`.
pub const SLOW_NETWORK: Fault = Fault {
    name: "200 ms of latency added",
    reason: Some("no answer within `remote_timeout`"),
    stage: |flavour| {
        ruled(flavour, |network| network.proxy.set(Rule::Delay(Duration::from_millis(200))))
    },
    ..Fault::USUAL
};

/// Less than the traffic needs.
pub const NARROW_NETWORK: Fault = Fault {
    name: "bandwidth of 4 KB/s",
    reason: Some("no answer within `remote_timeout`"),
    stage: |flavour| ruled(flavour, |network| network.proxy.set(Rule::Limit(4_000))),
    ..Fault::USUAL
};

/// Connections work for some replies each.
pub const CUT_REPLIES: Fault = Fault {
    name: "connections reset in the middle of a reply, after 1 KB each",
    reason: Some("redis closed the connection"),
    stage: |flavour| ruled(flavour, |network| network.proxy.set(Rule::Cut(1_000))),
    ..Fault::USUAL
};

/// Whatever answers is not Redis.
pub const GARBAGE: Fault = Fault {
    name: "garbage bytes instead of replies",
    reason: Some("is not redis"),
    stage: |flavour| ruled(flavour, |network| network.proxy.set(Rule::Garble)),
    ..Fault::USUAL
};

struct Network {
    proxy: Proxy,
    _server: Server,
}

/// A server behind a network that goes by another rule for a time.
fn ruled(flavour: Flavour, begin: fn(&Network)) -> Result<Stage, Error> {
    let server = Server::builder(flavour).start()?;
    let proxy = Proxy::before(&server)?;
    let url = proxy.url();
    let network = Network { proxy, _server: server };
    Ok(Stage::new(&url, network, begin, |network| network.proxy.set(Rule::Pass)))
}
