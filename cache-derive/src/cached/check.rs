//! Whether a function can be cached, and as what.

use std::collections::BTreeSet;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{
    Error, Expr, FnArg, GenericArgument, Ident, ItemFn, LitStr, PathArguments, ReceiverKind,
    Result, ReturnType, Type,
};

use super::args::Args;
use super::parts::{Part, Role, parts};
use crate::argument::Argument;
use crate::function;
use crate::mention::{mentions, names_type, variable};
use crate::options::all;
use crate::reference::{borrowed, dereferenced};

/// A function that can be cached, and how.
pub(super) struct Checked {
    pub(super) arguments: Vec<Argument>,
    pub(super) cache: Expr,
    pub(super) entity: Option<LitStr>,
    pub(super) function: ItemFn,
    pub(super) none_ttl: Option<u64>,
    pub(super) parts: Vec<Part>,
    /// In milliseconds; `None` is in the table.
    pub(super) ttl: Option<u64>,
    pub(super) version: Option<u32>,
}

impl Checked {
    /// Returns the arguments that the key function needs: for the key, or to reach the cache.
    pub(super) fn key_arguments(&self) -> impl Iterator<Item = &Argument> {
        self.arguments_of(self.parts.iter().map(|part| &part.value).chain([&self.cache]))
    }

    /// Returns the arguments through which the cache is reached.
    pub(super) fn cache_arguments(&self) -> impl Iterator<Item = &Argument> {
        self.arguments_of([&self.cache])
    }

    fn arguments_of<'a>(
        &'a self,
        exprs: impl IntoIterator<Item = &'a Expr>,
    ) -> impl Iterator<Item = &'a Argument> {
        let read: BTreeSet<Ident> = exprs.into_iter().flat_map(mentions).collect();
        let is_read =
            move |argument: &&Argument| argument.variables.iter().any(|name| read.contains(name));
        self.arguments.iter().filter(is_read)
    }

    /// Returns a reference to what `expr` means, for where all arguments are references.
    pub(super) fn by_reference(&self, expr: &Expr) -> Expr {
        let is_argument = |name: &Ident| {
            name == "self"
                || self.arguments.iter().any(|argument| argument.variables.contains(name))
        };
        if variable(expr).is_some_and(is_argument) {
            return expr.clone();
        }
        let owned = self.arguments.iter().filter(|argument| !argument.is_borrowed);
        borrowed(dereferenced(
            expr,
            &owned.flat_map(|argument| argument.variables.clone()).collect(),
        ))
    }

    /// Whether it is a function of a type: it has a `self`, or names `Self`.
    pub(super) fn has_type(&self) -> bool {
        let exprs = self.parts.iter().map(|part| &part.value).chain([&self.cache]);
        self.function.sig.receiver().is_some() || names_type(&self.function, exprs)
    }
}

/// Judges the options and the function together.
pub(super) fn check(args: Args, function: ItemFn) -> Result<Checked> {
    let arguments = Argument::all(&function);
    all([
        function::check_async("cached", &function),
        function::check_alone(&function),
        check_receiver(&function),
        check_returned(&function),
        all(function.sig.inputs.iter().map(check_input)).map(drop),
        all(arguments.iter().map(check_pattern)).map(drop),
        check_ttl(&args),
    ])?;
    let parts = parts(&args, &function, &arguments)?;
    check_tier(&args, &parts)?;
    Ok(Checked {
        cache: function::cache(args.cache, &function, &arguments)?,
        arguments,
        entity: args.entity,
        function,
        none_ttl: args.none_ttl,
        parts,
        ttl: args.ttl.map(|(_, millis)| millis),
        version: args.version,
    })
}

fn check_receiver(function: &ItemFn) -> Result<()> {
    let Some(receiver) = function.sig.receiver() else { return Ok(()) };
    let (changes, consumes) = match &receiver.kind {
        ReceiverKind::Value => (false, true),
        ReceiverKind::Reference(_, _, mutability) => (mutability.is_some(), false),
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(reference) => (reference.mutability.is_some(), false),
            Type::Path(path) => (false, path.path.is_ident("Self")),
            _ => (false, false),
        },
        _ => (false, false),
    };
    if changes || consumes {
        return Err(Error::new_spanned(
            receiver,
            "a cached answer runs nothing, so it cannot change or consume `self`: write `&self`",
        ));
    }
    Ok(())
}

fn check_returned(function: &ItemFn) -> Result<()> {
    let ReturnType::Type(_, ty) = &function.sig.output else {
        return Err(nothing(function.sig.ident.span()));
    };
    match &**ty {
        Type::Tuple(tuple) if tuple.elems.is_empty() => Err(nothing(tuple.span())),
        ty => check_answer(ty),
    }
}

fn nothing(span: Span) -> Error {
    Error::new(span, "there is nothing to cache: return the value, or remove `#[cached]`")
}

/// Refuses references, also inside of `Result` and `Option`, and types without a name.
fn check_answer(ty: &Type) -> Result<()> {
    match ty {
        Type::Reference(_) => Err(Error::new_spanned(
            ty,
            "a cached answer outlives the call: return an owned value, or `Arc<…>` to share it",
        )),
        Type::ImplTrait(_) => Err(Error::new_spanned(
            ty,
            "a cached answer is stored by its type: name the type instead of `impl Trait`",
        )),
        Type::Group(group) => check_answer(&group.elem),
        Type::Paren(paren) => check_answer(&paren.elem),
        Type::Path(path) => match path.path.segments.last().map(|last| &last.arguments) {
            Some(PathArguments::AngleBracketed(arguments)) => match arguments.args.first() {
                Some(GenericArgument::Type(first)) => check_answer(first),
                _ => Ok(()),
            },
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn check_input(input: &FnArg) -> Result<()> {
    let FnArg::Typed(typed) = input else { return Ok(()) };
    if let Some(cfg) = typed.attrs.iter().find(|attribute| attribute.path().is_ident("cfg")) {
        return Err(Error::new_spanned(
            cfg,
            "an argument of a cached function is there always or never: put `#[cfg]` on the function",
        ));
    }
    match &*typed.ty {
        Type::Reference(reference) if reference.mutability.is_some() => Err(Error::new_spanned(
            input,
            "a cached answer runs nothing, so it cannot change its arguments: \
             return what is to be changed",
        )),
        _ => Ok(()),
    }
}

fn check_pattern(argument: &Argument) -> Result<()> {
    if argument.is_too_deep {
        let variable = &argument.variables[0];
        return Err(Error::new(
            variable.span(),
            "the key function cannot take this pattern apart: name the whole argument, \
             and take it apart in the body",
        ));
    }
    Ok(())
}

fn check_ttl(args: &Args) -> Result<()> {
    match (&args.tier_ttl, &args.ttl) {
        (None, None) => Err(Error::new(
            Span::call_site(),
            "how long is an answer good? Write `ttl = \"5m\"`, or `tier_ttl` to use the cache's table",
        )),
        (Some(_), Some((ttl, _))) => Err(Error::new(
            ttl.span(),
            "`tier_ttl` already takes the TTL from the table: keep one of them",
        )),
        _ => Ok(()),
    }
}

fn check_tier(args: &Args, parts: &[Part]) -> Result<()> {
    match &args.tier_ttl {
        Some(option) if !parts.iter().any(|part| part.role == Role::Tier) => Err(Error::new(
            option.span(),
            "`tier_ttl` needs a tier: add an argument `tier`, or write `tier = expr`",
        )),
        _ => Ok(()),
    }
}
