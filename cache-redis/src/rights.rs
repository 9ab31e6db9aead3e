//! What a server may refuse, and how to do without.

use cache_core::wire::{Mark, Stamp};
use redis::{Arg, Cmd, Pipeline, Value};

use crate::script::{FILL, RELEASE};

/// Returns scripts that find nothing to act on, to see whether they may run. Leaves the server with
/// the texts of ours.
pub(crate) fn test_scripts(prefix: &[u8]) -> Pipeline {
    let key = [prefix, b"!rights"].concat();
    let stamp = Stamp::lease(rand::random());
    let mut commands = Pipeline::with_capacity(3);
    commands.add_command(FILL.by_text(&key, &stamp, &[]));
    commands.add_command(RELEASE.by_text(&key, &stamp, &[]));
    commands.add_command(FILL.by_hash(&key, &stamp, &[]));
    commands
}

/// Returns the code of an answer to a test script that says that scripts are refused; one may also
/// say that the key is another node's, or that the server is busy.
pub(crate) fn refusal(answer: &Value) -> Option<&str> {
    match answer {
        Value::ServerError(error) if matches!(error.code(), "ERR" | "NOPERM") => Some(error.code()),
        _ => None,
    }
}

/// Whether some of `commands` are of use only where scripts may run: scripts, and leases, which
/// nobody could fill or give back without.
pub(crate) fn need_scripts(commands: &Pipeline) -> bool {
    commands.cmd_iter().any(|command| match name(command) {
        b"EVAL" | b"EVALSHA" => true,
        b"SET" => word(command, 2).is_some_and(|value| Mark::of(value) == Mark::Lease),
        _ => false,
    })
}

/// Returns the keys whose readers should know of `commands`: all that are written, but for what is
/// put where nothing was.
pub(crate) fn changes(commands: &Pipeline) -> Vec<&[u8]> {
    commands.cmd_iter().flat_map(changed).collect()
}

fn changed(command: &Cmd) -> Vec<&[u8]> {
    let is_new = || words(command).skip(3).any(|word| word == b"NX");
    match name(command) {
        b"DEL" => words(command).skip(1).collect(),
        b"EVAL" | b"EVALSHA" => word(command, 3).into_iter().collect(),
        b"SET" if !is_new() => word(command, 1).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn name(command: &Cmd) -> &[u8] {
    word(command, 0).unwrap_or_default()
}

fn word(command: &Cmd, place: usize) -> Option<&[u8]> {
    words(command).nth(place)
}

fn words(command: &Cmd) -> impl Iterator<Item = &[u8]> {
    command.args_iter().filter_map(|word| match word {
        Arg::Simple(word) => Some(word),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use redis::pipe;

    use super::*;

    #[test]
    fn what_is_written_is_a_change_and_what_is_read_or_taken_is_none() {
        let mut commands = pipe();
        commands.cmd("GET").arg("read");
        commands.cmd("MGET").arg("read").arg("read");
        commands.cmd("SET").arg("leased").arg("x").arg("NX").arg("GET").arg("PX").arg(1);
        commands.cmd("SET").arg("set").arg("NX").arg("PX").arg(1);
        commands.cmd("DEL").arg("a").arg("b");
        commands.cmd("EVALSHA").arg("hash").arg(1).arg("filled").arg("stamp");

        assert_eq!(changes(&commands), [&b"set"[..], b"a", b"b", b"filled"]);
    }

    #[test]
    fn leases_and_scripts_need_scripts() {
        let (lease, entry) = (Stamp::lease(7), Stamp::entry(7));
        for (name, value, expected) in [
            ("SET", lease.as_bytes(), true),
            ("SET", entry.as_bytes(), false),
            ("SET", b"", false),
            ("EVALSHA", b"", true),
            ("EVAL", b"", true),
            ("GET", b"", false),
        ] {
            let mut commands = pipe();
            commands.cmd("GET").arg("key").cmd(name).arg("key").arg(value);
            assert_eq!(need_scripts(&commands), expected, "{name} {value:?}");
        }
    }
}
