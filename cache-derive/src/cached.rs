//! `#[cached]`.

mod args;
mod check;
mod expand;
mod key_function;
mod parts;

use proc_macro2::TokenStream;

use crate::function;

/// Expands the attribute with `args` on `item`.
pub(crate) fn attribute(args: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(item, |item| {
        let args = syn::parse2(args)?;
        let checked = check::check(args, function::parse("cached", item)?)?;
        Ok(expand::expand(&checked))
    })
}
