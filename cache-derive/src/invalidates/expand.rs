//! The function, and after its success the invalidations.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprMethodCall, ExprPath, Token};

use super::args::Target;
use super::check::Checked;
use crate::function;
use crate::mention::variable;
use crate::reference::borrowed;

type Values = Punctuated<Expr, Token![,]>;

/// Writes the function.
pub(super) fn expand(checked: &Checked) -> TokenStream {
    let function = &checked.function;
    let (outer, inner) = function::attributes(function);
    let (vis, sig, returned) = (&function.vis, &function.sig, function::returned(function));
    let (cache, body) = (by_reference(checked, &checked.cache), function::body(function, &[]));
    let targets = checked.targets.iter().map(|target| add(checked, target));
    quote_spanned! {Span::mixed_site()=>
        #(#outer)*
        #vis #sig {
            #(#inner)*
            let invalidations = ::cache_aside::__private::Changes::new(#cache) #(#targets)*;
            let returned: #returned = #body.await;
            let returns = ::cache_aside::__private::Returns::<#returned>::new();
            let succeeded = {
                use ::cache_aside::__private::kinds::*;
                returns.succeeded(&returned)
            };
            if succeeded {
                invalidations.apply().await;
            }
            returned
        }
    }
}

fn add(checked: &Checked, target: &Target) -> TokenStream {
    match target {
        Target::Entity(entity) => quote!(.entity(#entity)),
        Target::Function(function, values) => {
            let key = function_key(checked, function, values);
            quote!(.key(#key))
        }
        Target::Method(call) => {
            let key = method_key(checked, call);
            quote!(.key(#key))
        }
        Target::Tier(tier) => {
            let tier = by_reference(checked, tier);
            quote!(.tier(#tier))
        }
        Target::User(user) => {
            let user = by_reference(checked, user);
            quote!(.user(#user))
        }
    }
}

/// Returns the call of a key function: one of this type if its name stands alone beside a `self`.
fn function_key(checked: &Checked, function: &ExprPath, values: &Values) -> TokenStream {
    let mut key_function = function.clone();
    if let Some(last) = key_function.path.segments.last_mut() {
        last.ident = function::key_name(&last.ident);
    }
    let values = by_references(checked, values);
    match checked.function.sig.receiver() {
        Some(receiver) if function.path.segments.len() == 1 => {
            let this = &receiver.self_token;
            quote!(#this.#key_function(#values))
        }
        _ => quote!(#key_function(#values)),
    }
}

fn method_key(checked: &Checked, call: &ExprMethodCall) -> TokenStream {
    let mut call = call.clone();
    call.method = function::key_name(&call.method);
    call.args = by_references(checked, &call.args);
    call.into_token_stream()
}

fn by_references(checked: &Checked, values: &Values) -> Values {
    values.iter().map(|value| by_reference(checked, value)).collect()
}

/// Returns a reference to a value, or the value if it is an argument that is one already: two
/// references deep, a generic key function would infer another type and make another key.
fn by_reference(checked: &Checked, value: &Expr) -> Expr {
    let Some(name) = variable(value) else { return borrowed(value.clone()) };
    let mut references = checked.arguments.iter().filter(|argument| argument.is_borrowed);
    let is_self = function::borrows_self(&checked.function) == Some(true) && name == "self";
    if is_self || references.any(|argument| argument.is_simple() && argument.name == *name) {
        return value.clone();
    }
    borrowed(value.clone())
}
