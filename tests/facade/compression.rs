//! P6 and P7 where values are compressed.

use std::convert::Infallible;
use std::sync::Arc;

use cache_aside::wire::{Header, decode, encode};
use cache_aside::{Cache, CallOptions, ErrorKind, Key, MemoryBackend, Outcome, Settings};

use crate::bytes::{overwrite, stored};
use crate::common::{builder, memory, settings};

/// An instance that always reads from the remote level, as `change` sets it.
fn instance(remote: &MemoryBackend, change: fn(&mut Settings)) -> Cache {
    let mut settings = settings();
    change(&mut settings);
    builder().settings(settings).remote(remote.clone()).build().unwrap()
}

/// Asks for a text, and tells the flaws that this counted.
async fn load(cache: &Cache, key: &Key, text: &str) -> (Outcome, Vec<&'static str>) {
    let before = cache.stats().flaws;
    let loader = || async { Ok::<_, Infallible>(text.to_owned()) };
    let answer = cache.fetch(key, &CallOptions::table(), loader).await.unwrap();
    assert!(*answer.value == text);
    let after = cache.stats().flaws;
    let causes = after.iter().filter(|(cause, count)| before[*cause] < **count);
    (answer.outcome, causes.map(|(cause, _)| *cause).collect())
}

/// Text without anything that occurs twice in four bytes or more.
fn noise(len: u32) -> String {
    let letters = (0..len).map(|place| place.wrapping_mul(2_654_435_761) >> 16);
    letters.map(|letter| char::from_u32(0x1000 + letter % 0x6000).unwrap_or(' ')).collect()
}

#[tokio::test]
async fn large_values_are_stored_compressed_and_others_as_they_are() {
    let remote = memory();
    let (one, two) = (instance(&remote, |_| {}), instance(&remote, |_| {}));
    let (small, large, noise) = ("x".repeat(4000), "x".repeat(100_000), noise(5000));
    for (entity, text) in [("small", &small), ("large", &large), ("noise", &noise)] {
        let key = one.key(entity).tag("texts");

        assert_eq!(load(&one, &key, text).await.0, Outcome::Loaded);
        assert_eq!(load(&two, &key, text).await.0, Outcome::RemoteHit);

        let (header, payload) = (stored(&remote, &key).await, text.len());
        let (header, stored) = decode(&header, 1 << 20).unwrap();
        assert_eq!(
            (header.compressed, stored.len() < payload),
            (entity == "large", entity == "large")
        );
    }
    let (stats, payload) = (one.stats(), small.len() + large.len() + noise.len());
    assert!((payload as u64..payload as u64 + 20).contains(&stats.payload_bytes), "{stats:?}");
    assert!(stats.stored_bytes < stats.payload_bytes - 99_000, "{stats:?}");
}

#[tokio::test]
async fn the_limit_counts_the_bytes_before_compression() {
    let remote = memory();
    let writer = instance(&remote, |settings| {
        (settings.max_value_bytes, settings.compress_over) = (10_000, Some(0));
    });
    // Bincode writes the length in three bytes.
    let (longest, longer) = ("x".repeat(9997), "x".repeat(9998));
    let (one, two) = (writer.key("one"), writer.key("two"));

    assert_eq!(load(&writer, &one, &longest).await.0, Outcome::Loaded);
    assert_eq!(load(&writer, &one, &longest).await.0, Outcome::RemoteHit);
    assert_eq!(load(&writer, &two, &longer).await.0, Outcome::Loaded);
    assert_eq!(load(&writer, &two, &longer).await.0, Outcome::Loaded);
    assert_eq!(writer.stats().values_too_large, 2);
    let error = writer.set(&two, Arc::new(longer)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);

    let reader = instance(&remote, |settings| settings.max_value_bytes = 9999);
    assert!(stored(&remote, &one).await.len() < 1000);
    assert_eq!(load(&reader, &one, &longest).await, (Outcome::Loaded, vec!["too_large"]));
}

#[tokio::test]
async fn a_compressed_entry_that_was_changed_is_a_counted_miss_and_is_replaced() {
    let (remote, text) = (memory(), "Ada ".repeat(30));
    let cache = instance(&remote, |settings| settings.compress_over = Some(0));
    let key = cache.key("text");
    load(&cache, &key, &text).await;
    let good = stored(&remote, &key).await;
    assert!(decode(&good, 1000).unwrap().0.compressed);

    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        overwrite(&remote, &key, bytes).await;
        let (outcome, causes) = load(&cache, &key, &text).await;
        assert_eq!((outcome, causes.len()), (Outcome::Loaded, 1), "{causes:?}");
        assert_eq!(load(&cache, &key, &text).await.0, Outcome::RemoteHit, "it was replaced");
    }
}

/// Whoever can write to the store can make a right checksum.
#[tokio::test]
async fn a_forged_compressed_form_is_a_counted_miss_and_is_replaced() {
    let (remote, text) = (memory(), "Ada ".repeat(30));
    let cache = instance(&remote, |settings| settings.compress_over = Some(0));
    let key = cache.key("text");
    load(&cache, &key, &text).await;
    let good = stored(&remote, &key).await;
    let (header, form) = decode(&good, 1000).unwrap();
    let claims = |len: u32| [&[1][..], &len.to_le_bytes(), &form[5..]].concat();
    let plain = |form: &[u8]| (Header { compressed: false, ..header.clone() }, form.to_vec());
    let packed = |form: &[u8]| (header.clone(), form.to_vec());

    for ((header, form), cause) in [
        (packed(&claims(u32::MAX)), "too_large"),
        (packed(&claims((1 << 20) + 1)), "too_large"),
        (packed(&claims(1 << 20)), "payload"),
        (packed(&claims(0)), "payload"),
        (packed(&claims(120)), "payload"),
        (packed(&form[..form.len() - 1]), "payload"),
        (packed(&form[..4]), "payload"),
        (packed(&[]), "payload"),
        (packed(&[&[2], &form[1..]].concat()), "version"),
        (plain(form), "payload"),
    ] {
        overwrite(&remote, &key, encode(&header, &form).unwrap().to_vec()).await;

        assert_eq!(load(&cache, &key, &text).await, (Outcome::Loaded, vec![cause]));
        assert_eq!(load(&cache, &key, &text).await.0, Outcome::RemoteHit, "it was replaced");
    }
}
