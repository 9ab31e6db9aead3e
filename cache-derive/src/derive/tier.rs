//! `#[derive(Tier)]`: each variant of a plain enum is a tier.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Ident, LitStr, Result, Token, Variant};

use crate::options::all;

struct Plan<'a> {
    name: LitStr,
    variant: &'a Ident,
}

pub(super) fn derive(item: &DeriveInput) -> Result<TokenStream> {
    let plans = plans(item)?;
    let arms = plans.iter().map(|Plan { name, variant }| quote!(Self::#variant => #name));
    let ident = &item.ident;
    let (impl_generics, generics, clause) = item.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::cache_aside::Tier for #ident #generics #clause {
            fn name(&self) -> &str {
                match self {
                    #(#arms,)*
                }
            }
        }
    })
}

fn plans(item: &DeriveInput) -> Result<Vec<Plan<'_>>> {
    let variants = match &item.data {
        Data::Enum(item) if !item.variants.is_empty() => &item.variants,
        _ => {
            return Err(Error::new(
                item.ident.span(),
                "tiers are the variants of an enum: write one such as `enum Plan { Free, Studio }`",
            ));
        }
    };
    let plans = all(variants.iter().map(plan))?;
    check_distinct(&plans)?;
    Ok(plans)
}

fn plan(variant: &Variant) -> Result<Plan<'_>> {
    if !matches!(variant.fields, Fields::Unit) {
        return Err(Error::new_spanned(
            &variant.fields,
            format!("a tier is only a name: write `{}` without fields", variant.ident),
        ));
    }
    let mut names = variant.attrs.iter().filter(|attribute| attribute.path().is_ident("tier"));
    let name = match (names.next(), names.next()) {
        (_, Some(second)) => {
            return Err(Error::new_spanned(second, "a variant has one name: remove one `#[tier]`"));
        }
        (Some(attribute), None) => given(attribute)?,
        (None, None) => {
            LitStr::new(&snake_case(&variant.ident.unraw().to_string()), variant.ident.span())
        }
    };
    Ok(Plan { name, variant: &variant.ident })
}

/// Reads `#[tier("name")]` or `#[tier(name = "name")]`.
fn given(attribute: &Attribute) -> Result<LitStr> {
    let name = attribute.parse_args_with(|input: ParseStream<'_>| {
        if input.peek(Ident) && input.parse::<Ident>()? == "name" {
            input.parse::<Token![=]>()?;
        }
        input.parse::<LitStr>()
    });
    let name = name.map_err(|_| Error::new_spanned(attribute, "write `#[tier(\"name\")]`"))?;
    if name.value().is_empty() {
        return Err(Error::new(name.span(), "the name of a tier must not be empty"));
    }
    Ok(name)
}

fn check_distinct(plans: &[Plan<'_>]) -> Result<()> {
    let mut seen = HashMap::new();
    let names = plans.iter().map(|plan| match seen.insert(plan.name.value(), plan.variant) {
        Some(first) => Err(Error::new(
            plan.name.span(),
            format!(
                "`{first}` is called \"{}\" too: give each tier a name of its own",
                plan.name.value()
            ),
        )),
        None => Ok(()),
    });
    all(names).map(drop)
}

/// Turns `StudioPro` into `studio_pro`, `HTTPOnly` into `http_only`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let follows_small = at > 0 && !letters[at - 1].is_uppercase() && letters[at - 1] != '_';
        let starts_word = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let in_capitals = at > 0 && letters[at - 1].is_uppercase();
        if letter.is_uppercase() && (follows_small || in_capitals && starts_word) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_named_in_snake_case() {
        for (variant, name) in [
            ("Free", "free"),
            ("StudioPro", "studio_pro"),
            ("HTTPOnly", "http_only"),
            ("V2", "v2"),
            ("Team10Plus", "team10_plus"),
            ("studio_Pro", "studio_pro"),
        ] {
            assert_eq!(snake_case(variant), name);
        }
    }
}
