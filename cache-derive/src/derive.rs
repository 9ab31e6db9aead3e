//! The derives.

mod key_part;
mod tier;

use proc_macro2::TokenStream;
use syn::Result;

/// Expands `#[derive(KeyPart)]`.
pub(crate) fn key_part(item: TokenStream) -> TokenStream {
    expand(item, key_part::derive)
}

/// Expands `#[derive(Tier)]`.
pub(crate) fn tier(item: TokenStream) -> TokenStream {
    expand(item, tier::derive)
}

fn expand(item: TokenStream, derive: fn(&syn::DeriveInput) -> Result<TokenStream>) -> TokenStream {
    syn::parse2(item).and_then(|item| derive(&item)).unwrap_or_else(syn::Error::into_compile_error)
}
