//! The key function, and the function that asks the cache first.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericParam, Ident};

use super::check::Checked;
use super::key_function::key_function;
use crate::argument::{Argument, name_all};
use crate::function;
use crate::mention::mentions;
use crate::reference::borrowed;

/// Writes both functions.
pub(super) fn expand(checked: &Checked) -> TokenStream {
    let cached = cached_function(checked);
    let key = key_function(checked);
    let witness = witness(checked).map(|witness| quote!(const #witness: () = ();));
    quote!(#cached #key #witness)
}

fn cached_function(checked: &Checked) -> TokenStream {
    let mut function = checked.function.clone();
    name_all(&mut function, &checked.arguments);
    let (outer, inner) = function::attributes(&function);
    let (vis, sig, returned) = (&function.vis, &function.sig, function::returned(&function));
    let (key, cache, options) = (call_key(checked), cache(checked), options(checked));
    let witness = witness(checked).map(|witness| quote!(let () = #witness;));
    let body = function::body(&function, &checked.arguments);
    let run = Ident::new("run", Span::mixed_site().located_at(returned.span()));
    quote_spanned! {Span::mixed_site()=>
        #(#outer)*
        #vis #sig {
            #(#inner)*
            #witness
            let key = #key;
            let cache: &::cache_aside::Cache = #cache;
            let load = move || #body;
            let returns = ::cache_aside::__private::Returns::<#returned>::new();
            {
                use ::cache_aside::__private::kinds::*;
                static OPTIONS: ::cache_aside::__private::CallOptions = #options;
                returns.split().kind().#run(cache, key, &OPTIONS, load).await
            }
        }
    }
}

/// Returns the name of a constant beside the function, by which the function finds out that it is
/// one of the module: inside of an `impl` the name is unknown, and its text is the advice.
///
/// Without it, `list` of a type that does not name `Self` could find the key function of another
/// `list`, in the module, and share its entries.
fn witness(checked: &Checked) -> Option<Ident> {
    if checked.has_type() {
        return None;
    }
    let span = checked.function.sig.ident.span();
    let (line, column) = (span.unwrap().line(), span.unwrap().column());
    let advice = format!("NAME_Self_TO_CACHE_A_FUNCTION_OF_A_TYPE_{line}_{column}");
    Some(Ident::new(&advice, Span::mixed_site().located_at(span)))
}

fn call_key(checked: &Checked) -> TokenStream {
    let signature = &checked.function.sig;
    let name = function::key_name(&signature.ident);
    let types = signature.generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Const(constant) => Some(&constant.ident),
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(ty) => Some(&ty.ident),
    });
    let types: Vec<&Ident> = types.collect();
    let turbofish = (!types.is_empty()).then(|| quote!(::<#(#types),*>));
    let arguments = checked.key_arguments().map(Argument::key_argument);
    let call = quote!(#name #turbofish(#(#arguments),*));
    match signature.receiver() {
        Some(receiver) => {
            let this = &receiver.self_token;
            quote!(#this.#call)
        }
        None if checked.has_type() => quote!(Self::#call),
        None => call,
    }
}

/// Returns a reference to the cache: to a handle of its own, unless it is reached through
/// references alone. The loader takes everything else away.
fn cache(checked: &Checked) -> TokenStream {
    let owns_self = function::borrows_self(&checked.function) == Some(false);
    let is_lent =
        checked.cache_arguments().all(|argument| argument.is_borrowed && argument.is_simple());
    if is_lent && !(owns_self && mentions(&checked.cache).iter().any(|name| name == "self")) {
        return borrowed(checked.cache.clone()).into_token_stream();
    }
    let arguments = checked.cache_arguments();
    let references =
        arguments.map(|argument| argument.unpacked_by_reference(&argument.key_argument()));
    let cache = checked.by_reference(&checked.cache);
    quote_spanned! {Span::mixed_site()=>
        &{
            #(#references)*
            <::cache_aside::Cache as ::core::clone::Clone>::clone(#cache)
        }
    }
}

fn options(checked: &Checked) -> TokenStream {
    let ttl = match checked.ttl {
        Some(millis) => quote!(fixed(#millis)),
        None => quote!(table()),
    };
    let none_ttl = checked.none_ttl.map(|millis| quote!(.none_ttl(#millis)));
    let version = checked.version.map(|version| quote!(.version(#version)));
    quote!(::cache_aside::__private::CallOptions::#ttl #none_ttl #version)
}
