//! Who we are to the server.

use cache_core::backend::{Backend, Slot};
use cache_core::{Error, ErrorKind};
use cache_redis::{RedisBackend, RedisConfig};
use cache_test_servers::{Builder, Flavour, Server, server_or_return};

use crate::common::{connect, failing, look, recovered};

const SECRET: &str = "hunter22/#@";

fn locked() -> Builder {
    Server::builder(Flavour::Redis).password(SECRET)
}

fn assert_says(error: &Error, text: &str) {
    let shown = format!("{error} {error:?}");
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(shown.contains(text), "{shown}");
    assert!(!shown.contains("hunter"), "{shown}");
}

#[tokio::test]
async fn the_default_user_logs_in_by_its_password() {
    let server = server_or_return!(locked());

    assert_eq!(look(&connect(&server), "a").await.unwrap(), Slot::Missing);
}

#[tokio::test]
async fn an_acl_user_logs_in_by_its_name() {
    let server = server_or_return!(Server::builder(Flavour::Valkey).user("app", SECRET));
    let url = format!("redis://{}:{}", server.host(), server.port());
    let config = RedisConfig::new(&url).unwrap().username("app").password(SECRET);

    let backend = RedisBackend::with_config(config).unwrap();

    assert_eq!(look(&backend, "a").await.unwrap(), Slot::Missing);
    assert!(server.cli(&["CLIENT", "LIST"]).contains("user=app"));
}

#[tokio::test]
async fn a_wrong_password_is_named_without_being_shown() {
    let server = server_or_return!(locked());

    let error = RedisBackend::new(&server.url_as("", "hunter23")).unwrap().ping().await;
    assert_says(&error.unwrap_err(), "refused the user name or the password (WRONGPASS)");

    let error = RedisBackend::new(&server.url_as("hunter", SECRET)).unwrap().ping().await;
    assert_says(&error.unwrap_err(), "WRONGPASS");
}

#[tokio::test]
async fn a_missing_password_is_named() {
    let server = server_or_return!(locked());
    let url = format!("redis://{}:{}", server.host(), server.port());

    let error = RedisBackend::new(&url).unwrap().ping().await.unwrap_err();

    assert_says(&error, "wants a password (NOAUTH)");
}

#[tokio::test]
async fn a_password_that_becomes_right_is_enough_to_recover() {
    let server = server_or_return!(locked());
    let backend = RedisBackend::new(&server.url_as("", "hunter23")).unwrap();
    assert!(backend.ping().await.is_err());

    server.cli(&["CONFIG", "SET", "requirepass", "hunter23"]);

    recovered(&backend).await;
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_named() {
    let server = server_or_return!(Flavour::Redis);
    let backend = RedisBackend::new(&format!("{}/99", server.url())).unwrap();

    assert_says(&backend.ping().await.unwrap_err(), "no database of that number");
}

#[tokio::test]
async fn a_database_of_its_own_is_used() {
    let server = server_or_return!(Flavour::Redis);
    let backend = RedisBackend::new(&format!("{}/3", server.url())).unwrap();

    backend.ping().await.unwrap();

    assert!(server.cli(&["CLIENT", "LIST"]).contains(" db=3 "));
}

#[tokio::test]
async fn a_lost_right_is_named_and_the_connection_stays() {
    let server = server_or_return!(Server::builder(Flavour::Redis).user("app", SECRET));
    let backend = connect(&server);
    backend.ping().await.unwrap();

    server.cli(&["ACL", "SETUSER", "app", "-get"]);
    let error = look(&backend, "a").await.unwrap_err();

    assert_says(&error, "may not run get (NOPERM): add `+get`");
    assert!(!error.to_string().contains("app"));
    backend.ping().await.unwrap();
}

#[tokio::test]
async fn a_user_that_is_gone_cannot_come_back() {
    let server = server_or_return!(Server::builder(Flavour::Redis).user("app", SECRET));
    let backend = connect(&server);
    backend.ping().await.unwrap();

    server.cli(&["ACL", "DELUSER", "app"]);

    assert_says(&failing(&backend, "WRONGPASS").await, "WRONGPASS");
}
