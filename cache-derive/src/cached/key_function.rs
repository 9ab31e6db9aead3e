//! The key function: the one place that knows which entry belongs to which arguments.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Attribute, GenericParam, Meta, Receiver, ReceiverKind};

use super::check::Checked;
use super::parts::Part;
use crate::argument::Argument;
use crate::function;

/// Writes the function that returns the key for given arguments.
pub(super) fn key_function(checked: &Checked) -> TokenStream {
    let function = &checked.function;
    let (vis, signature, generics) = (&function.vis, &function.sig, &function.sig.generics);
    let name = function::key_name(&signature.ident);
    let (attributes, _) = function::attributes(function);
    let attributes = attributes.into_iter().filter_map(kept);
    let doc = format!("Returns the key under which `{}` caches its answer.", signature.ident);
    let receiver = signature.receiver().map(borrowed_receiver);
    let parameters = checked.key_arguments().map(Argument::key_parameter);
    let parameters = receiver.into_iter().chain(parameters);
    let clause = &generics.where_clause;
    let patterns = checked.key_arguments().filter(|argument| !argument.is_simple());
    let unpacked =
        patterns.map(|argument| argument.unpacked_by_reference(&argument.name.to_token_stream()));
    let start = start(checked);
    let parts = checked.parts.iter().map(|Part { role, value }| {
        let (method, value) = (format_ident!("{}", role.method()), checked.by_reference(value));
        quote!(.#method(#value))
    });
    quote! {
        #(#attributes)*
        #[doc = #doc]
        #[allow(single_use_lifetimes, unused_lifetimes)]
        #vis fn #name #generics(#(#parameters),*) -> ::cache_aside::Key #clause {
            #(#unpacked)*
            #start #(#parts)*
        }
    }
}

/// Returns what the key function needs of an attribute: whether it exists and what it may be named.
fn kept(attribute: &Attribute) -> Option<TokenStream> {
    let Meta::List(list) = &attribute.meta else { return None };
    let tokens = &list.tokens;
    match list.path.get_ident()?.to_string().as_str() {
        "allow" | "cfg" => Some(attribute.to_token_stream()),
        "doc" if tokens.to_string() == "hidden" => Some(attribute.to_token_stream()),
        "expect" => Some(quote!(#[allow(#tokens)])), // the lint may not show in the key function
        _ => None,
    }
}

fn borrowed_receiver(receiver: &Receiver) -> TokenStream {
    let this = &receiver.self_token;
    match &receiver.kind {
        ReceiverKind::Reference(_, Some(lifetime), _) => quote!(&#lifetime #this),
        _ => quote!(&#this),
    }
}

/// Returns the key before its parts: the entity, and the types the function is for.
fn start(checked: &Checked) -> TokenStream {
    let cache = checked.by_reference(&checked.cache);
    let types = types(checked);
    if let Some(entity) = &checked.entity {
        return quote!(::cache_aside::Cache::key(#cache, #entity) #(.arg(#types))*);
    }
    let function = checked.function.sig.ident.unraw().to_string();
    let (module, owner) = if checked.has_type() {
        let owner = quote!(::core::any::type_name::<Self>());
        (quote!(::core::module_path!()), quote!(::core::option::Option::Some(#owner)))
    } else {
        (scope(checked), quote!(::core::option::Option::None))
    };
    quote! {
        ::cache_aside::__private::key_at(
            #cache,
            &::cache_aside::__private::Place {
                module: #module,
                owner: #owner,
                function: #function,
                generics: &[#(#types),*],
            },
        )
    }
}

/// Returns the module, and within it the functions around this one, which `module_path!()` leaves
/// out.
fn scope(checked: &Checked) -> TokenStream {
    let end = format!("::{}::Here", function::key_name(&checked.function.sig.ident));
    quote! {{
        enum Here {}
        ::core::any::type_name::<Here>().strip_suffix(#end).unwrap_or(::core::module_path!())
    }}
}

/// Returns the names of the types and constants that the function is generic over.
fn types(checked: &Checked) -> Vec<TokenStream> {
    let parameters = checked.function.sig.generics.params.iter().filter_map(parameter);
    let hidden = checked.key_arguments().filter(|argument| argument.is_generic);
    let hidden = hidden.map(|argument| {
        let name = &argument.name;
        quote!(::core::any::type_name_of_val(#name))
    });
    parameters.chain(hidden).collect()
}

fn parameter(parameter: &GenericParam) -> Option<TokenStream> {
    match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(ty) => {
            let name = &ty.ident;
            Some(quote!(::core::any::type_name::<#name>()))
        }
        GenericParam::Const(constant) => {
            let (name, ty) = (&constant.ident, &constant.ty);
            Some(quote! {{
                enum Value<const #name: #ty> {} // the name of this type has the constant in it
                ::core::any::type_name::<Value<#name>>()
            }})
        }
    }
}
