//! URLs and variables.

use std::collections::HashMap;
use std::time::Duration;

use cache_core::ErrorKind;
use cache_redis::{RedisBackend, RedisConfig};

fn shown(url: &str) -> String {
    RedisBackend::new(url).unwrap().to_string()
}

fn refusal(url: &str) -> String {
    let error = RedisBackend::new(url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{url}");
    error.to_string()
}

fn from_vars(vars: &[(&str, &str)]) -> cache_core::Result<Option<RedisConfig>> {
    let vars: HashMap<_, _> = vars.iter().copied().collect();
    RedisConfig::from_vars(|name| vars.get(name).map(|value| (*value).to_owned()))
}

fn wrong_vars(vars: &[(&str, &str)]) -> String {
    let error = from_vars(vars).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{vars:?}");
    error.to_string()
}

#[test]
fn a_url_is_understood() {
    for (url, expected) in [
        ("redis://localhost", "redis(localhost:6379/0)"),
        ("redis://localhost/", "redis(localhost:6379/0)"),
        ("redis://my_redis-1.internal:7000/15", "redis(my_redis-1.internal:7000/15)"),
        ("redis://10.0.0.1:1", "redis(10.0.0.1:1/0)"),
        ("redis://[::1]:6380/2", "redis([::1]:6380/2)"),
        ("redis://app:secret@host/1", "redis(host:6379/1)"),
        ("redis://:secret@host", "redis(host:6379/0)"),
        ("valkey://host", "redis(host:6379/0)"),
        ("redis+cluster://a", "redis(cluster a:6379)"),
        ("valkey+cluster://app:se,c@ret@a:1,[::1]:2,c/", "redis(cluster a:1,[::1]:2,c:6379)"),
        (
            "redis+cluster://:secret@10.0.0.1:7000,10.0.0.2:7001/0",
            "redis(cluster 10.0.0.1:7000,10.0.0.2:7001)",
        ),
        ("unix:///run/redis.sock", "redis(unix:/run/redis.sock/0)"),
        ("redis+unix:///run/redis.sock?db=2", "redis(unix:/run/redis.sock/2)"),
        ("valkey+unix://app:a%2Fb@/run/my%20redis.sock", "redis(unix:/run/my redis.sock/0)"),
        ("redis+sentinel://a,b:1,[::1]/main", "redis(main@a:26379,b:1,[::1]:26379/0)"),
        ("valkey+sentinel://app:a%2Fb@10.0.0.1/my.db-1_x/3", "redis(my.db-1_x@10.0.0.1:26379/3)"),
        ("redis+sentinel://[::1]:7,a/main/", "redis(main@[::1]:7,a:26379/0)"),
        ("UNIX://:secret@/r", "redis(unix:/r/0)"),
    ] {
        assert_eq!(shown(url), expected);
    }
}

#[test]
fn every_url_of_the_docs_is_understood() {
    let docs = include_str!("../../../docs/topologies.md");
    let lines = docs.lines().filter_map(|line| line.strip_prefix("REDIS_URL=")?.split_once('#'));
    let lines: Vec<_> = lines.map(|(url, shown)| (url.trim(), shown.trim())).collect();
    assert!(lines.len() > 10, "{lines:?}");
    for (url, shown) in lines {
        let config = from_vars(&[("REDIS_URL", url)]).unwrap().unwrap();
        assert_eq!(config.to_string(), shown, "{url}");
    }
}

#[test]
fn a_url_that_cannot_be_meant_is_refused_at_once() {
    for (url, expected) in [
        ("", "not a URL"),
        ("localhost", "not a URL"),
        ("localhost:6379", "must begin with `redis://`"),
        ("http://localhost:6379", "must begin with `redis://`"),
        ("unix:/run/redis.sock", "`unix://` for a socket"),
        ("unix://", "names no socket"),
        ("unix:///", "names no socket"),
        ("unix://run/redis.sock", "three slashes"),
        ("unix://host:6379", "three slashes"),
        ("unix://app@/r", "has no password"),
        ("unix:///r?db=x", "no option other than `?db=0`"),
        ("unix:///r?password=secret", "credentials go before the path"),
        ("unix:///r#1", "`%23`"),
        ("unix:///%ff", "UTF-8"),
        ("redis:localhost", "names no host"),
        ("redis:///0", "names no host"),
        ("redis://:secret@:6379", "not a URL"),
        ("redis://host:0", "port 0"),
        ("redis://host:70000", "1 to 65535"),
        ("redis://host:abc", "1 to 65535"),
        ("redis://host/-1", "database number"),
        ("redis://host/one", "database number"),
        ("redis://host/+1", "database number"),
        ("redis://host/0/1", "database number"),
        ("redis://host/99999999999", "database number"),
        ("redis://host?protocol=resp2", "takes no options"),
        ("rediss://host#insecure", "takes no options"),
        ("redis+sentinel://", "names no sentinels"),
        ("redis+sentinel:///main", "names no sentinels"),
        ("redis+sentinel://a,,b/main", "names no sentinels"),
        ("redis+sentinel://a:0/main", "names no sentinels"),
        ("redis+sentinel://a:b/main", "names no sentinels"),
        ("redis+sentinel://[::1/main", "names no sentinels"),
        ("redis+sentinel://[a]/main", "names no sentinels"),
        ("redis+sentinel://a", "call the primary"),
        ("redis+sentinel://a/", "call the primary"),
        ("redis+sentinel://a/ma%20in", "call the primary"),
        ("redis+sentinel://a/main/x", "database number"),
        ("redis+sentinel://a/main/0/1", "database number"),
        ("redis+sentinel://a/main?db=1", "takes no options"),
        ("redis+sentinel://app@a/main", "has no password"),
        ("sentinel://a/main", "`redis+sentinel://`"),
        ("redis://app@host", "has no password"),
        ("redis://app:@host", "has no password"),
        ("redis://host\n", "white space"),
        ("redis+cluster://", "names no nodes"),
        ("redis+cluster://a,,b", "names no nodes"),
        ("redis+cluster://a:0,b", "1 to 65535"),
        ("redis+cluster://a,b:x", "1 to 65535"),
        ("redis+cluster://a/1", "database 0 only"),
        ("redis+cluster://a,b?x=1", "takes no options"),
        ("redis+cluster://app@a,b", "has no password"),
        ("redis://:%ff@host", "UTF-8"),
    ] {
        let text = refusal(url);
        assert!(text.contains(expected), "{url}: {text}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let config = || RedisConfig::new("redis://host").unwrap();
    for (config, expected) in [
        (config().ca_cert("pem"), "needs TLS"),
        (config().client_cert("pem", "pem"), "needs TLS"),
        (config().username("app"), "has no password"),
        (config().read_from_replicas(true), "needs a cluster"),
        (config().connect_timeout(Duration::ZERO), "connect_timeout"),
        (config().response_timeout(Duration::ZERO), "response_timeout"),
        (config().sentinel_password("secret"), "no use without sentinels"),
        (RedisConfig::sentinel("main", ["redis://u@a"]).unwrap(), "sentinels has no password"),
        (RedisConfig::unix("/r").ca_cert("pem"), "which has no TLS"),
        (RedisConfig::unix("r"), "is not absolute"),
        (RedisConfig::unix(""), "is not absolute"),
        (RedisConfig::new("rediss://host").unwrap().ca_cert("nonsense"), "is not PEM"),
        (RedisConfig::new("rediss://host").unwrap().ca_cert(""), "is not PEM"),
    ] {
        let error = RedisBackend::with_config(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(expected), "{error}");
    }
    let named = RedisConfig::new("redis://app@host").unwrap().password("secret");
    assert!(RedisBackend::with_config(named).is_ok());
}

#[test]
fn urls_of_a_cluster_say_the_same_of_all_nodes() {
    let cluster = |urls: &[&str]| RedisConfig::cluster(urls);
    let config = cluster(&["rediss://app:secret@a:1", "rediss://app:secret@b"]);
    assert_eq!(config.unwrap().to_string(), "redis(cluster a:1,b:6379)");

    for (urls, expected) in [
        (&[][..], "name at least one"),
        (&["redis://a", "rediss://b"], "in more than the host"),
        (&["redis://:hunter22@a", "redis://:hunter33@b"], "in more than the host"),
        (&["redis://a", "unix:///b"], "no single node"),
        (&["redis+cluster://a,b"], "no single node"),
        (&["redis://a", "b"], "is not a URL"),
    ] {
        let error = cluster(urls).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(text.contains(expected) && !text.contains("hunter"), "{urls:?}: {text}");
    }
    let other = cluster(&["redis://a/1"]).and_then(RedisBackend::with_config).unwrap_err();
    assert!(other.to_string().contains("database 0 only"), "{other}");
}

#[test]
fn sentinels_are_named_by_urls_that_agree() {
    let refusal = |name: &str, urls: &[&str]| {
        RedisConfig::sentinel(name, urls).map(|config| config.to_string()).unwrap_err().to_string()
    };
    for (name, urls, expected) in [
        ("main", &[][..], "name at least one"),
        ("", &["redis://a"], "`sentinel monitor`"),
        ("a b", &["redis://a"], "`sentinel monitor`"),
        ("main", &["a:1"], "must begin with `redis://`"),
        ("main", &["redis://a/1"], "names more than a host"),
        ("main", &["unix:///r"], "names more than a host"),
        ("main", &["redis+sentinel://a/main"], "names more than a host"),
        ("main", &["redis://a", "rediss://b"], "differs from that of another"),
        ("main", &["redis://:hunter22@a", "redis://:hunter33@b"], "differs from that of another"),
    ] {
        let text = refusal(name, urls);
        assert!(text.contains(expected) && !text.contains("hunter"), "{text}");
    }
    let config = RedisConfig::sentinel("main", ["redis://u:p@a", "redis://u:p@[::1]:7"]).unwrap();
    assert_eq!(config.db(1).to_string(), "redis(main@a:26379,[::1]:7/1)");
}

#[test]
fn variables_say_whether_redis_is_wanted() {
    for (vars, expected) in [
        (&[][..], None),
        (&[("USE_REDIS", "false")], None),
        (&[("USE_REDIS", "0"), ("REDIS_URL", "nonsense")], None),
        (&[("USE_REDIS", "No"), ("REDIS_HOST", "a")], None),
        (&[("USE_REDIS", "off"), ("REDIS_PORT", "abc")], None),
        (&[("REDIS_HOST", "a")], Some("redis(a:6379/0)")),
        (&[("REDIS_URL", "redis://a:1/2")], Some("redis(a:1/2)")),
        (
            &[("REDIS_URL", "redis+sentinel://a/m"), ("REDIS_SENTINEL_PASSWORD", "secret")],
            Some("redis(m@a:26379/0)"),
        ),
        (&[("USE_REDIS", "TRUE"), ("REDIS_URL", "redis://a:1/2")], Some("redis(a:1/2)")),
        (&[("USE_REDIS", "yes"), ("REDIS_HOST", "a")], Some("redis(a:6379/0)")),
        (&[("REDIS_URL", "redis+cluster://a:1,b:2")], Some("redis(cluster a:1,b:2)")),
        (&[("USE_REDIS", "1"), ("REDIS_HOST", "a")], Some("redis(a:6379/0)")),
        (&[("USE_REDIS", "on"), ("REDIS_HOST", "::1")], Some("redis([::1]:6379/0)")),
        (&[("REDIS_HOST", "a"), ("REDIS_PORT", "1"), ("REDIS_DB", "2")], Some("redis(a:1/2)")),
        (&[("REDIS_PORT", "tcp://10.0.0.1:6379")], None),
        (&[("REDIS_HOST", "a"), ("REDIS_PORT", "tcp://10.0.0.1:1")], Some("redis(a:6379/0)")),
    ] {
        let found = from_vars(vars).unwrap().map(|config| config.to_string());
        assert_eq!(found.as_deref(), expected, "{vars:?}");
    }
}

#[test]
fn a_url_and_variables_that_agree_are_one() {
    for vars in [
        &[("REDIS_HOST", "a"), ("REDIS_PORT", "1"), ("REDIS_DB", "2")][..],
        &[("REDIS_USERNAME", "app"), ("REDIS_PASSWORD", "se#cret")],
        &[("REDIS_TLS", "false")],
    ] {
        let url = ("REDIS_URL", "redis://app:se%23cret@a:1/2");
        let config = from_vars(&[&[url], vars].concat()).unwrap().unwrap();
        assert_eq!(config.to_string(), "redis(a:1/2)");
    }
    for (url, vars, expected) in [
        ("redis://a", &[("REDIS_PORT", "1"), ("REDIS_DB", "2")][..], "redis(a:1/2)"),
        ("unix:///r", &[("REDIS_PORT", "tcp://a:1"), ("REDIS_DB", "2")], "redis(unix:/r/2)"),
    ] {
        let config = from_vars(&[&[("REDIS_URL", url)], vars].concat()).unwrap().unwrap();
        assert_eq!(config.to_string(), expected);
    }
}

#[test]
fn contradicting_variables_are_refused_by_name() {
    let url = ("REDIS_URL", "redis://app:secret@a:1/2");
    for (vars, expected) in [
        (&[("USE_REDIS", "true")][..], &["USE_REDIS", "REDIS_URL", "REDIS_HOST"][..]),
        (&[url, ("REDIS_HOST", "b")], &["REDIS_URL", "REDIS_HOST"]),
        (
            &[("REDIS_URL", "redis+cluster://a,b"), ("REDIS_HOST", "a")],
            &["REDIS_URL", "REDIS_HOST"],
        ),
        (&[url, ("REDIS_PORT", "2")], &["REDIS_URL", "REDIS_PORT"]),
        (&[url, ("REDIS_DB", "0")], &["REDIS_URL", "REDIS_DB"]),
        (&[url, ("REDIS_USERNAME", "b")], &["REDIS_URL", "REDIS_USERNAME"]),
        (&[url, ("REDIS_PASSWORD", "b")], &["REDIS_URL", "REDIS_PASSWORD"]),
        (&[url, ("REDIS_TLS", "true")], &["REDIS_URL", "REDIS_TLS", "rediss://"]),
        (&[("REDIS_URL", "rediss://a"), ("REDIS_TLS", "off")], &["REDIS_URL", "REDIS_TLS"]),
        (&[("REDIS_URL", "unix:///r"), ("REDIS_HOST", "a")], &["REDIS_URL", "REDIS_HOST"]),
        (&[("REDIS_URL", "unix:///r"), ("REDIS_PORT", "1")], &["REDIS_URL", "REDIS_PORT"]),
        (&[("REDIS_URL", "unix:///r"), ("REDIS_TLS", "1")], &["REDIS_URL", "REDIS_TLS"]),
        (&[("REDIS_URL", "redis+sentinel://a/m"), ("REDIS_HOST", "a")], &["REDIS_HOST"]),
        (&[url, ("REDIS_SENTINEL_PASSWORD", "secret")], &["no use without sentinels"]),
        (&[("REDIS_SENTINEL_USERNAME", "app")], &["REDIS_SENTINEL_USERNAME", "REDIS_URL"]),
        (&[("REDIS_PASSWORD", "secret")], &["REDIS_PASSWORD", "REDIS_HOST", "REDIS_URL"]),
        (&[("REDIS_DB", "1")], &["REDIS_DB", "REDIS_HOST"]),
        (&[("REDIS_PORT", "1")], &["REDIS_PORT", "REDIS_HOST"]),
        (&[("REDIS_TLS", "yes")], &["REDIS_TLS", "REDIS_HOST"]),
        (&[("REDIS_HOST", "a"), ("REDIS_USERNAME", "app")], &["user name", "no password"]),
    ] {
        let text = wrong_vars(vars);
        assert!(expected.iter().all(|name| text.contains(name)), "{vars:?}: {text}");
    }
}

#[test]
fn malformed_variables_are_refused_by_name() {
    for (name, value, expected) in [
        ("USE_REDIS", "maybe", "USE_REDIS=maybe"),
        ("USE_REDIS", "", "is empty"),
        ("REDIS_URL", "", "is empty"),
        ("REDIS_URL", "http://a", "must begin with `redis://`"),
        ("REDIS_URL", " redis://a", "white space"),
        ("REDIS_HOST", "", "is empty"),
        ("REDIS_HOST", "redis://a", "REDIS_URL"),
        ("REDIS_HOST", "a:6379", "REDIS_PORT"),
        ("REDIS_PORT", "0", "REDIS_PORT=0"),
        ("REDIS_PORT", "70000", "REDIS_PORT=70000"),
        ("REDIS_PORT", "abc", "1 to 65535"),
        ("REDIS_PORT", "+1", "1 to 65535"),
        ("REDIS_PORT", "", "is empty"),
        ("REDIS_DB", "-1", "REDIS_DB=-1"),
        ("REDIS_DB", "one", "database number"),
        ("REDIS_TLS", "tls", "neither `true` nor `false`"),
        ("REDIS_PASSWORD", "", "is empty"),
        ("REDIS_PASSWORD", "secret\n", "white space"),
        ("REDIS_PASSWORD", "se\u{FFFD}cret", "UTF-8"),
        ("REDIS_USERNAME", "", "is empty"),
    ] {
        let host = ("REDIS_HOST", "a");
        let vars = if name.ends_with("HOST") { vec![] } else { vec![host] };
        let text = wrong_vars(&[&vars[..], &[(name, value)]].concat());
        assert!(text.contains(name) && text.contains(expected), "{name}={value:?}: {text}");
    }
}

#[test]
fn no_error_and_no_debug_text_shows_a_secret() {
    const SECRET: &str = "hunter22";
    let places = ["redis://{}", "redis://{}@a", "redis://:{}@a/x", "redis://{}:{}@a:0", "{}"];
    let more = ["redis://a/{}", "redis://a?{}", "redis://a:{}", "http://u:{}@a", "redis://u:{}@:1"];
    let sockets = ["unix://{}@/r", "unix://u:{}@/r#", "unix://{}", "unix:///r?{}", "unix://{}@h/r"];
    let sentinels = ["redis+sentinel://{}", "redis+sentinel://u:{}@a", "redis+sentinel://a/m/{}"];
    let names = ["USE_REDIS", "REDIS_URL", "REDIS_PORT", "REDIS_DB", "REDIS_TLS", "REDIS_PASSWORD"];

    for url in places
        .iter()
        .chain(&more)
        .chain(&sockets)
        .chain(&sentinels)
        .map(|place| place.replace("{}", SECRET))
    {
        let text = format!("{:?}", RedisBackend::new(&url));
        let vars = format!("{:?}", from_vars(&[("REDIS_URL", &url), ("REDIS_PORT", SECRET)]));
        let alone = url == "redis://hunter22"; // that is a host
        assert!(alone || !text.contains(SECRET), "{text}");
        assert!(!vars.contains(SECRET), "{vars}");
    }
    for name in names {
        let vars = [("REDIS_USERNAME", SECRET), (name, SECRET), ("REDIS_HOST", "a b")];
        let text = format!("{:?}", from_vars(&vars));
        assert!(text.contains("Config") && !text.contains(SECRET), "{text}");
    }
    let config = RedisConfig::new(&format!("redis://{SECRET}:{SECRET}@a")).unwrap();
    let config = config.username(SECRET).password(SECRET);
    let backend = RedisBackend::with_config(config.clone()).unwrap();
    let shown = format!("{config:?} {config} {backend:?} {backend}");
    assert_eq!(shown, ["redis(a:6379/0)"; 4].join(" "));
}

#[test]
fn a_backend_for_tls_is_made_from_the_systems_authorities() {
    // Not every test machine has them; then the error says what to install.
    match RedisBackend::new("rediss://app:secret@host:6380/3") {
        Ok(backend) => assert_eq!(backend.to_string(), "redis(host:6380/3)"),
        Err(error) => assert!(error.to_string().contains("ca-certificates"), "{error}"),
    }
}
