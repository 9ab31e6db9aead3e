//! `#[derive(KeyPart)]`: all fields are part of the key.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, Generics, Ident, Result, Variant, parse_quote};

pub(super) fn derive(item: &DeriveInput) -> Result<TokenStream> {
    let body = match &item.data {
        Data::Enum(data) if !data.variants.is_empty() => {
            let arms = data.variants.iter().map(arm);
            quote!(match self { #(#arms,)* })
        }
        Data::Struct(data) => fields(&data.fields),
        _ => {
            return Err(Error::new(
                item.ident.span(),
                "`KeyPart` is derived for structs and for enums with variants: \
                 write `impl KeyPart` by hand",
            ));
        }
    };
    let ident = &item.ident;
    let generics = bounded(item.generics.clone());
    let (impl_generics, generics, clause) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::cache_aside::KeyPart for #ident #generics #clause {
            fn write(&self, out: &mut ::cache_aside::KeyWriter) {
                #body
            }
        }
    })
}

fn bounded(mut generics: Generics) -> Generics {
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(::cache_aside::KeyPart));
    }
    generics
}

/// Writes a struct: as its field if there is one, as a tuple otherwise.
///
/// Each field is read at the place of its type, where an error then points.
fn fields(fields: &Fields) -> TokenStream {
    let values = fields.iter().zip(fields.members());
    let values: Vec<TokenStream> =
        values.map(|(field, member)| quote_spanned!(place(field)=> &self.#member)).collect();
    match values.as_slice() {
        [value] => quote!(::cache_aside::KeyPart::write(#value, out);),
        _ => quote!(out.tuple(&[#(#values),*]);),
    }
}

fn arm(variant: &Variant) -> TokenStream {
    let (ident, name) = (&variant.ident, variant.ident.unraw().to_string());
    let members = variant.fields.members();
    let fields = variant.fields.iter().enumerate();
    let fields: Vec<Ident> =
        fields.map(|(at, field)| format_ident!("field_{at}", span = place(field))).collect();
    quote!(Self::#ident { #(#members: #fields),* } => out.variant(#name, &[#(#fields),*]))
}

fn place(field: &Field) -> Span {
    Span::call_site().located_at(field.ty.span())
}
