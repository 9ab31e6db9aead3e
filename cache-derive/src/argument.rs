//! The arguments of the annotated function, as it and its key function take them.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    FnArg, Ident, ItemFn, Pat, PatIdent, PatReference, PatType, Type, TypeImplTrait, parse_quote,
};

/// An argument whose value the function can read.
pub(crate) struct Argument {
    /// Its name in the signature: the user's, but for patterns.
    pub(crate) name: Ident,
    /// The variables it makes: one, but for patterns.
    pub(crate) variables: Vec<Ident>,
    /// Whether its type is written as a reference.
    pub(crate) is_borrowed: bool,
    /// Whether its type hides a type parameter: `impl Trait`.
    pub(crate) is_generic: bool,
    /// Whether its pattern looks through a reference inside of a value.
    pub(crate) is_too_deep: bool,
    index: usize,
    pattern: Pat,
    ty: Type,
}

impl Argument {
    /// Returns the arguments of a function, without those that it throws away (`_`).
    pub(crate) fn all(function: &ItemFn) -> Vec<Self> {
        let arguments = function.sig.inputs.iter().enumerate().filter_map(|(index, input)| {
            let FnArg::Typed(typed) = input else { return None };
            Some(Self::new(index, typed))
        });
        arguments.filter(|argument| !argument.variables.is_empty()).collect()
    }

    fn new(index: usize, typed: &PatType) -> Self {
        let mut found = Found::default();
        found.visit_pat(&typed.pat);
        found.visit_type(&typed.ty);
        let mut ty = &*typed.ty;
        while let Type::Group(group) = ty {
            ty = &group.elem; // from a `macro_rules!`
        }
        let is_borrowed = matches!(ty, Type::Reference(_));
        Self {
            name: match simple(&typed.pat) {
                Some(name) => name.clone(),
                None => format_ident!("argument_{index}", span = Span::mixed_site()),
            },
            variables: found.variables,
            is_borrowed,
            is_generic: found.impl_trait,
            is_too_deep: found.reference && !is_borrowed,
            index,
            pattern: Pat::clone(&typed.pat),
            ty: ty.clone(),
        }
    }

    /// Whether the user gave it a name rather than a pattern.
    pub(crate) fn is_simple(&self) -> bool {
        simple(&self.pattern).is_some()
    }

    /// Returns the statement that takes the argument apart.
    pub(crate) fn unpacked(&self) -> TokenStream {
        let (pattern, name) = (&self.pattern, &self.name);
        quote!(let #pattern = #name;)
    }

    /// Returns the statement that takes a `reference` to the argument apart.
    pub(crate) fn unpacked_by_reference(&self, reference: &TokenStream) -> TokenStream {
        let mut pattern = self.pattern.clone();
        WithoutModes { keep_ref: self.is_borrowed }.visit_pat_mut(&mut pattern);
        quote! {
            #[allow(unused_variables)]
            let #pattern = #reference;
        }
    }

    /// Returns the parameter of the key function: the same argument, by reference.
    pub(crate) fn key_parameter(&self) -> TokenStream {
        let (name, ty) = (&self.name, &self.ty);
        match ty {
            Type::Reference(_) => quote!(#name: #ty),
            Type::ImplTrait(_) => quote!(#name: &(#ty)),
            _ => quote!(#name: &#ty),
        }
    }

    /// Returns what the function gives to its key function.
    pub(crate) fn key_argument(&self) -> TokenStream {
        let name = &self.name;
        if self.is_borrowed { quote!(#name) } else { quote!(&#name) }
    }
}

/// Replaces the patterns in the signature by the names of their arguments.
///
/// The body takes them apart, which is what an `async fn` does anyway.
pub(crate) fn name_all(function: &mut ItemFn, arguments: &[Argument]) {
    for argument in arguments {
        if let FnArg::Typed(typed) = &mut function.sig.inputs[argument.index]
            && !argument.is_simple()
        {
            let name = &argument.name;
            *typed.pat = parse_quote!(#name);
        }
    }
}

/// Returns the name if a pattern is nothing else.
fn simple(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) => Some(ident),
        _ => None,
    }
}

#[derive(Default)]
struct Found {
    variables: Vec<Ident>,
    reference: bool,
    impl_trait: bool,
}

impl Visit<'_> for Found {
    fn visit_pat_ident(&mut self, pattern: &PatIdent) {
        if !self.variables.contains(&pattern.ident) {
            self.variables.push(pattern.ident.clone());
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_pat_reference(&mut self, pattern: &PatReference) {
        self.reference = true;
        visit::visit_pat_reference(self, pattern);
    }

    fn visit_type_impl_trait(&mut self, _: &TypeImplTrait) {
        self.impl_trait = true;
    }
}

/// Removes `mut`, as the key function changes nothing, and `ref`, as it has references anyway.
struct WithoutModes {
    keep_ref: bool,
}

impl VisitMut for WithoutModes {
    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        pattern.mutability = None;
        pattern.by_ref = pattern.by_ref.filter(|_| self.keep_ref);
        visit_mut::visit_pat_ident_mut(self, pattern);
    }
}
