//! Whether a function can invalidate, and what.

use proc_macro2::Span;
use syn::{Error, Expr, ItemFn, Result};

use super::args::{Args, Target};
use crate::argument::Argument;
use crate::function;
use crate::options::all;

/// A function that invalidates, and what.
pub(super) struct Checked {
    pub(super) arguments: Vec<Argument>,
    pub(super) cache: Expr,
    pub(super) function: ItemFn,
    pub(super) targets: Vec<Target>,
}

/// Judges the targets and the function together.
pub(super) fn check(args: Args, function: ItemFn) -> Result<Checked> {
    let arguments = Argument::all(&function);
    all([
        function::check_async("invalidates", &function),
        function::check_alone(&function),
        check_targets(&args),
    ])?;
    let cache = function::cache(args.cache, &function, &arguments)?;
    Ok(Checked { arguments, cache, function, targets: args.targets })
}

fn check_targets(args: &Args) -> Result<()> {
    if args.targets.is_empty() {
        return Err(Error::new(
            Span::call_site(),
            "nothing to invalidate: write `#[invalidates(profile(user))]` for one entry of \
             `profile`, or `#[invalidates(user = user)]` for all of a user",
        ));
    }
    Ok(())
}
