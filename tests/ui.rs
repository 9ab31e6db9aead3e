//! What the macros accept, and what they say about what they refuse.
//!
//! `TRYBUILD=overwrite cargo test -p cache-aside-tests --test ui` writes the expected texts anew;
//! read the difference before it is committed. `-- trybuild=name` runs the cases with that name.

#[test]
fn the_macros_accept_and_refuse() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
