//! Servers that refuse what it takes, or are full.

use cache_core::backend::Backend;
use cache_test_servers::Server;

use super::{Instance, NUMBER, RECORD, all, on_every_server};
use crate::common::{LONG, recovered};
use crate::hearing::as_user;

on_every_server! {
    a_full_server_is_known_but_cannot_begin_another_turn
    a_server_that_does_not_say_who_it_is_ends_everything_at_each_connection
    without_scripts_the_number_is_written_before_the_record
    without_scripts_who_the_server_is_is_found_out_all_the_same
}

async fn a_server_that_does_not_say_who_it_is_ends_everything_at_each_connection(server: Server) {
    let first = Instance::of(as_user(&server, "-info"));
    let identity = first.identified(None).await;
    let number = first.generation().await;
    assert_eq!(identity.name(), "");

    let second = Instance::of(as_user(&server, "-info"));
    assert_eq!(second.identified(None).await, identity, "met for the first time");
    assert_eq!(second.generation().await, number);

    second.reconnected(&server).await;
    assert_eq!(second.strangers(), 2);
    let next = second.identified(Some(&identity)).await;
    assert_eq!((next.name(), next.turn()), ("", identity.turn() + 1));
    assert_ne!(second.generation().await, number);
}

async fn without_scripts_who_the_server_is_is_found_out_all_the_same(server: Server) {
    let instance = Instance::of(as_user(&server, "-eval -evalsha"));
    server.cli(&["SET", RECORD, "7 another"]);
    let number = instance.generation().await;

    let identity = instance.identified(None).await;

    assert_eq!(identity.turn(), 8);
    assert_ne!(instance.generation().await, number);
    assert_eq!(server.cli(&["GET", RECORD]), identity.to_stored());
    let keeps: i64 = server.cli(&["PTTL", RECORD]).parse().unwrap();
    assert!(keeps > 1000 * 60 * 60 * 24 * 365, "{keeps}");
    let other = Instance::at(&server.url());
    assert_eq!(other.identified(Some(&identity)).await, identity);
}

/// If it stops in between, everything ends once more; the other way round nothing would have.
async fn without_scripts_the_number_is_written_before_the_record(server: Server) {
    let instance = Instance::of(as_user(&server, "-eval -evalsha"));
    let number = instance.generation().await;

    for (rule, has_ended) in [("~test:!all", true), ("~test:!server:*", false)] {
        server.cli(&["SET", RECORD, "7 another"]);
        server.cli(&["ACL", "SETUSER", "app", "resetkeys", "%R~*", rule]);
        let error = instance.identify(None).await.unwrap_err();
        assert!(error.to_string().contains("NOPERM"), "{error}");

        assert_eq!(server.cli(&["GET", RECORD]), "7 another");
        let now = instance.generation().await;
        assert_eq!(now != number, has_ended, "{rule}");
        server.cli(&["SET", NUMBER, &number.to_stored()]);
    }
}

async fn a_full_server_is_known_but_cannot_begin_another_turn(server: Server) {
    let instance = Instance::at(&server.url());
    let identity = instance.identified(None).await;
    let number = instance.backend.generations(&[all()], LONG).await.unwrap();
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);

    assert_eq!(instance.identified(Some(&identity)).await, identity);
    let stand_in = cache_core::backend::Identity::new("another", identity.turn() + 1);
    let error = instance.identify(Some(&stand_in)).await.unwrap_err();

    assert!(error.to_string().contains("maxmemory"), "{error}");
    assert_eq!(server.cli(&["GET", RECORD]), identity.to_stored());
    assert_eq!(instance.backend.generations(&[all()], LONG).await.unwrap(), number);
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    recovered(&instance.backend).await;
    assert_eq!(instance.identified(Some(&stand_in)).await.turn(), stand_in.turn() + 1);
}
