//! All fields are part of the key, and so is the variant.

use cache_aside::{Cache, KeyPart, MemoryBackend};

#[derive(KeyPart)]
struct UserId(u64);

#[derive(KeyPart)]
struct Name<'a> {
    text: &'a str,
}

#[derive(KeyPart)]
struct Nothing;

#[derive(KeyPart)]
struct Page<T, const N: usize = 1>
where
    T: Copy,
{
    r#type: T,
    sizes: [u8; N],
}

#[derive(KeyPart)]
enum Filter<T: ?Sized> {
    All,
    #[allow(non_camel_case_types)]
    r#try,
    One(Box<T>),
    Range { from: u32, to: u32 },
}

fn main() {
    let near = MemoryBackend::with_max_bytes(1 << 20);
    let cache = Cache::builder("test").near(near).build().unwrap();
    let text = |part: &dyn KeyPart| cache.key("e").arg(part).as_str().replace("test:e:-:-:", "");

    assert_eq!(text(&UserId(7)), text(&7));
    assert_eq!(text(&Name { text: "a" }), text(&"a"));
    assert_eq!(text(&Nothing), "()");
    assert_eq!(text(&Page { r#type: 'a', sizes: [1, 2] }), text(&('a', [1, 2])));
    assert_eq!(text(&Filter::<str>::All), ".All");
    assert_eq!(text(&Filter::<str>::r#try), ".try");
    assert_eq!(text(&Filter::One(Box::<str>::from("a"))), ".One(a,)");
    assert_eq!(text(&Filter::<str>::Range { from: 1, to: 2 }), ".Range(1,2,)");
}
