//! P2, P3 and P5 over separate processes.

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use cache_aside::{RedisBackend, Settings};
use cache_test_servers::{Flavour, Server, server_or_return};

use crate::common::{Source, builder, memory, on_every_server};
use crate::oracle::number;

on_every_server! {
    a_killed_process_does_not_block_its_key
    a_thousand_callers_in_each_of_two_processes_cause_one_load
    no_process_answers_with_less_than_it_was_told
}

/// A process of ours, ended with its handle.
struct Instance {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Instance {
    fn start(words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_instance"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the process has ended: {:?}", self.child.wait());
        line.trim().to_owned()
    }

    fn go_on(&mut self) {
        writeln!(self.input, "go on").unwrap();
    }

    /// Waits for its end, and returns what it said until then.
    fn finish(mut self) -> String {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
        rest
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets all go on once each has come this far.
fn meet(instances: &mut [Instance], how_far: &str) {
    instances.iter_mut().for_each(|instance| assert_eq!(instance.line(), how_far));
    instances.iter_mut().for_each(Instance::go_on);
}

async fn a_thousand_callers_in_each_of_two_processes_cause_one_load(server: Server) {
    let mut instances = [0, 1].map(|_| Instance::start(&["crowd", &server.url()]));

    meet(&mut instances, "ready");

    let loads = instances.map(|mut instance| instance.line().parse::<u64>().unwrap());
    assert_eq!(loads.iter().sum::<u64>(), 1, "{loads:?}");
}

async fn a_killed_process_does_not_block_its_key(server: Server) {
    let mut holder = Instance::start(&["hold", &server.url()]);
    assert_eq!(holder.line(), "loading");
    drop(holder);
    let settings = "remote_timeout = '2s'\nlease_ttl = '2500ms'\nwait = '1h'";
    let backend = RedisBackend::new(&server.url()).unwrap();
    let cache = builder()
        .settings(Settings::from_toml(settings).unwrap())
        .near(memory())
        .remote(backend)
        .build()
        .unwrap();
    let (key, source, started) = (cache.key("held"), Source::default(), Instant::now());

    assert_eq!(*cache.get_or_load(&key, || source.load()).await.unwrap(), 1);

    assert!(started.elapsed().as_secs() < 60, "the lease ends by itself");
    assert_eq!(server.cli(&["EXISTS", key.as_str()]), "1", "and the next one fills");
}

/// As the oracle of one process, with three of two instances each and a source that they share.
async fn no_process_answers_with_less_than_it_was_told(server: Server) {
    let seed = number("CACHE_ASIDE_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("CACHE_ASIDE_SEED={seed}");
    let operations = number("CACHE_ASIDE_OPERATIONS").unwrap_or(30_000) / 3;
    let source = server_or_return!(Flavour::Redis);
    let (redis, source_url) = (server.url(), source.url());
    let mut instances = [1_u64, 2, 3].map(|process| {
        let seed = seed.wrapping_add(process << 32).to_string();
        Instance::start(&["use", &redis, &source_url, &seed, &operations.to_string()])
    });

    for _ in 0..5 {
        for how_far in ["done", "told", "settled"] {
            meet(&mut instances, how_far);
        }
    }

    for instance in instances {
        let said = instance.finish();
        assert!(said.contains("near hits"), "{said}");
    }
}
