//! The annotated function: where an attribute may stand, and what every expansion keeps.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    AttrStyle, Attribute, Error, Expr, Ident, ItemFn, ReceiverKind, Result, ReturnType, Type,
    parse_quote,
};

use crate::argument::Argument;

/// Expands an attribute, or says what is wrong beside the function as it is.
pub(crate) fn expand(
    item: TokenStream,
    attribute: impl FnOnce(TokenStream) -> Result<TokenStream>,
) -> TokenStream {
    attribute(item.clone()).unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote!(#error #[allow(unused_variables)] #item) // the expansion might have used them
    })
}

/// Reads the function under `#[attribute]`.
pub(crate) fn parse(attribute: &str, item: TokenStream) -> Result<ItemFn> {
    syn::parse2(item).map_err(|error| {
        let text = format!("`#[{attribute}]` stands on an async function with a body: {error}");
        Error::new(error.span(), text)
    })
}

/// Refuses a function that is not `async`.
pub(crate) fn check_async(attribute: &str, function: &ItemFn) -> Result<()> {
    if function.sig.asyncness.is_some() {
        return Ok(());
    }
    let advice = match &function.sig.output {
        ReturnType::Type(_, ty) if ty.to_token_stream().to_string().contains("Future") => {
            "annotate an `async fn` of the type itself, and call it from here"
        }
        _ => "write `async fn`",
    };
    let text = format!("`#[{attribute}]` needs an async function: {advice}");
    Err(Error::new(function.sig.fn_token.span(), text))
}

/// Refuses a second attribute of ours: the outer one would run the inner one even on a hit.
pub(crate) fn check_alone(function: &ItemFn) -> Result<()> {
    let is_ours = |attribute: &&Attribute| {
        let name = attribute.path().segments.last();
        name.is_some_and(|name| name.ident == "cached" || name.ident == "invalidates")
    };
    match function.attrs.iter().find(is_ours) {
        Some(second) => Err(Error::new_spanned(
            second,
            "a function takes one attribute of the cache: merge the two into one, \
             or split the function",
        )),
        None => Ok(()),
    }
}

/// Returns the type that the function returns.
pub(crate) fn returned(function: &ItemFn) -> Type {
    match &function.sig.output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => Type::clone(ty),
    }
}

/// Returns whether `self` is a reference, or `None` if there is no `self`.
pub(crate) fn borrows_self(function: &ItemFn) -> Option<bool> {
    function.sig.receiver().map(|receiver| match &receiver.kind {
        ReceiverKind::Reference(..) => true,
        ReceiverKind::Typed(_, ty) => matches!(**ty, Type::Reference(_)),
        _ => false,
    })
}

/// Returns the cache: the expression given, or else `self.cache`, or else the argument `cache`.
pub(crate) fn cache(
    given: Option<Expr>,
    function: &ItemFn,
    arguments: &[Argument],
) -> Result<Expr> {
    if let Some(cache) = given {
        return Ok(cache);
    }
    if let Some(receiver) = function.sig.receiver() {
        let this = &receiver.self_token;
        return Ok(parse_quote!(#this.cache));
    }
    let mut variables = arguments.iter().flat_map(|argument| &argument.variables);
    match variables.find(|variable| *variable == "cache") {
        Some(variable) => Ok(parse_quote!(#variable)),
        None => Err(Error::new(
            function.sig.ident.span(),
            "no cache: add an argument `cache: &Cache`, or write `cache = expr` in the attribute",
        )),
    }
}

/// Returns the body as an `async` block in which `return`, `?` and inference know the type that
/// the function returns.
pub(crate) fn body(function: &ItemFn, arguments: &[Argument]) -> TokenStream {
    let (block, returned) = (&function.block, returned(function));
    let patterns = arguments.iter().filter(|argument| !argument.is_simple());
    let unpacked = patterns.map(Argument::unpacked);
    quote_spanned! {Span::mixed_site()=>
        async move {
            if let ::core::option::Option::Some(typed) = ::core::option::Option::None::<#returned> {
                return typed;
            }
            #(#unpacked)*
            #block
        }
    }
}

/// Returns the attributes before the function, and those inside of its braces.
pub(crate) fn attributes(function: &ItemFn) -> (Vec<&Attribute>, Vec<&Attribute>) {
    function.attrs.iter().partition(|attribute| matches!(attribute.style, AttrStyle::Outer))
}

/// Returns the name of the key function of a cached function.
pub(crate) fn key_name(function: &Ident) -> Ident {
    format_ident!("{}_key", function.unraw(), span = function.span())
}
