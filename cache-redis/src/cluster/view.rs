//! What one node says about who serves what.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use redis::{Cmd, Value, cmd};

use super::slot::Slot;
use crate::Result;
use crate::endpoint::Host;
use crate::error::{blank, crowded, unexpected};
use crate::parts::is_host;

/// Who serves which slots, as one node sees it.
#[derive(Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) ranges: Vec<Range>,
}

/// Slots in a row that one primary serves, and the replicas that follow it.
#[derive(Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) slots: RangeInclusive<usize>,
    pub(crate) primary: Host,
    pub(crate) replicas: Vec<Host>,
}

impl View {
    /// The most nodes, replicas included: more than a cluster is made for, and each has a connection.
    const MOST: usize = 1024;

    /// Returns the command whose answer this is.
    pub(crate) fn request() -> Cmd {
        let mut request = cmd("CLUSTER");
        request.arg("SLOTS");
        request
    }

    /// Reads what the node at `asked` answered.
    ///
    /// # Errors
    ///
    /// If it refuses, if no slot is served, as it was not made part of a cluster yet, or if there are
    /// more nodes than [`MOST`](Self::MOST).
    pub(crate) fn read(answer: &Value, asked: &Host) -> Result<Self> {
        let Value::Array(ranges) = answer else { return Err(unexpected(answer)) };
        if ranges.is_empty() {
            return Err(blank());
        }
        if ranges.len() > Slot::COUNT {
            return Err(unexpected(answer));
        }
        let ranges = ranges.iter().map(|range| Range::read(range, asked));
        let ranges = ranges.collect::<Option<_>>().ok_or_else(|| unexpected(answer))?;
        let view = Self { ranges };
        if view.hosts().len() > Self::MOST {
            return Err(crowded());
        }
        Ok(view)
    }

    /// Returns where all nodes are.
    pub(crate) fn hosts(&self) -> HashSet<Host> {
        let hosts = self.ranges.iter().flat_map(|it| it.replicas.iter().chain([&it.primary]));
        hosts.cloned().collect()
    }
}

impl Range {
    fn read(answer: &Value, asked: &Host) -> Option<Self> {
        let Value::Array(fields) = answer else { return None };
        let [Value::Int(first), Value::Int(last), primary, replicas @ ..] = &fields[..] else {
            return None;
        };
        let last = usize::try_from(*last).ok().filter(|last| *last < Slot::COUNT)?;
        let slots = usize::try_from(*first).ok()?..=last;
        // One that is not known by any address yet is of no use yet.
        let replicas = replicas.iter().filter_map(|node| host(node, asked)).collect();
        Some(Self { slots, primary: host(primary, asked)?, replicas })
    }
}

fn host(node: &Value, asked: &Host) -> Option<Host> {
    let Value::Array(fields) = node else { return None };
    let [name, Value::Int(port), ..] = &fields[..] else { return None };
    let name = match name {
        Value::BulkString(name) => std::str::from_utf8(name).ok()?,
        Value::SimpleString(name) => name,
        Value::Nil => "",
        _ => return None,
    };
    named(name, u16::try_from(*port).ok()?, asked)
}

/// Reads an address; without a name it is that of the node asked.
fn named(name: &str, port: u16, asked: &Host) -> Option<Host> {
    let name = if matches!(name, "" | "?") { &asked.name } else { name };
    (is_host(name) && port > 0).then(|| Host { name: name.to_owned(), port })
}

/// Where a node says that a key is, instead of answering.
#[derive(Debug, PartialEq)]
pub(crate) struct Redirect {
    pub(crate) host: Host,
    /// For this one command only: the slot is being moved there.
    pub(crate) asking: bool,
}

impl Redirect {
    /// Reads the answer of the node at `asked`; `None` if it is anything else.
    pub(crate) fn read(answer: &Value, asked: &Host) -> Option<Self> {
        let Value::ServerError(error) = answer else { return None };
        let asking = match error.code() {
            "ASK" => true,
            "MOVED" => false,
            _ => return None,
        };
        let (_, address) = error.details()?.split_once(' ')?;
        let (name, port) = address.rsplit_once(':')?;
        Some(Self { host: named(name, port.parse().ok()?, asked)?, asking })
    }
}

/// Whether an answer says that the map is out of date, or the cluster unwell.
pub(crate) fn is_unsettling(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if ["CLUSTERDOWN", "MOVED"].contains(&error.code()))
}

#[cfg(test)]
mod tests {
    use redis::parse_redis_value;

    use super::*;

    fn at(name: &str, port: u16) -> Host {
        Host { name: name.to_owned(), port }
    }

    fn read(wire: &[u8]) -> Result<View> {
        View::read(&parse_redis_value(wire).unwrap(), &at("asked", 1))
    }

    fn redirect(wire: &str) -> Option<Redirect> {
        Redirect::read(&parse_redis_value(wire.as_bytes()).unwrap(), &at("asked", 1))
    }

    #[test]
    fn a_node_without_a_name_is_where_the_answer_is_from() {
        let view = read(
            b"*2\r\n\
              *5\r\n:0\r\n:5\r\n*4\r\n$1\r\na\r\n:7\r\n$2\r\nid\r\n*0\r\n\
              *3\r\n$0\r\n\r\n:8\r\n$2\r\nid\r\n*3\r\n$1\r\n?\r\n:9\r\n$2\r\nid\r\n\
              *3\r\n:6\r\n:16383\r\n*3\r\n$-1\r\n:7\r\n$2\r\nid\r\n",
        );

        let replicas = vec![at("asked", 8), at("asked", 9)];
        let ranges = vec![
            Range { slots: 0..=5, primary: at("a", 7), replicas },
            Range { slots: 6..=16383, primary: at("asked", 7), replicas: vec![] },
        ];
        assert_eq!(view.unwrap(), View { ranges });
    }

    #[test]
    fn what_is_no_view_is_an_error_and_no_panic() {
        for wire in [
            &b"*0\r\n"[..],
            b"$1\r\na\r\n",
            b"*1\r\n:1\r\n",
            b"*1\r\n*0\r\n",
            b"*1\r\n*2\r\n:0\r\n:5\r\n",
            b"*1\r\n*3\r\n:-1\r\n:5\r\n*2\r\n$1\r\na\r\n:7\r\n",
            b"*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:7\r\n",
            b"*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:70000\r\n",
            b"*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:0\r\n",
            b"*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$3\r\na b\r\n:7\r\n",
            b"*1\r\n*3\r\n:0\r\n:5\r\n*0\r\n",
            b"-ERR This instance has cluster support disabled\r\n",
        ] {
            assert!(read(wire).is_err(), "{wire:?}");
        }
        // Backwards, and so empty.
        assert!(read(b"*1\r\n*3\r\n:9\r\n:5\r\n*2\r\n$1\r\na\r\n:7\r\n").is_ok());
    }

    /// One range for each primary, which all have the same number of replicas.
    fn crowd(primaries: usize, replicas: usize) -> Value {
        let node = |port: usize| {
            Value::Array(vec![Value::BulkString(b"a".to_vec()), Value::Int(port as i64)])
        };
        let range = |place: usize| {
            let slot = Value::Int(place as i64);
            let first = 1 + place * (1 + replicas);
            let nodes = (first..=first + replicas).map(node);
            Value::Array([slot.clone(), slot].into_iter().chain(nodes).collect())
        };
        Value::Array((0..primaries).map(range).collect())
    }

    #[test]
    fn a_cluster_of_more_nodes_than_any_is_refused() {
        for (primaries, replicas, is_read) in
            [(View::MOST, 0, true), (View::MOST + 1, 0, false), (512, 1, true), (513, 1, false)]
        {
            let view = View::read(&crowd(primaries, replicas), &at("asked", 1));
            assert_eq!(view.is_ok(), is_read, "{primaries} with {replicas} each");
        }
    }

    #[test]
    fn redirections_are_read() {
        for (wire, host, asking) in [
            ("-MOVED 3999 127.0.0.1:6381\r\n", at("127.0.0.1", 6381), false),
            ("-ASK 3999 ::1:6381\r\n", at("::1", 6381), true),
            ("-MOVED 3999 :6381\r\n", at("asked", 6381), false),
            ("-MOVED 3999 ?:6381\r\n", at("asked", 6381), false),
        ] {
            assert_eq!(redirect(wire), Some(Redirect { host, asking }), "{wire}");
        }
        for wire in [
            "-MOVED\r\n",
            "-MOVED 1 a b:7\r\n",
            "-ASK 1\r\n",
            "-ASK 1 a:b\r\n",
            "-ASK 1 a:0\r\n",
            "+MOVED\r\n",
        ] {
            assert_eq!(redirect(wire), None, "{wire}");
        }
    }
}
