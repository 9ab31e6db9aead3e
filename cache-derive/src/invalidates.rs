//! `#[invalidates]`.

mod args;
mod check;
mod expand;

use proc_macro2::TokenStream;

use crate::function;

/// Expands the attribute with `args` on `item`.
pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(item, |item| {
        let args = syn::parse2(args)?;
        let checked = check::check(args, function::parse("invalidates", item)?)?;
        Ok(expand::expand(&checked))
    })
}
