//! Expressions over values, turned into expressions over references to them.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, ExprReference, ExprUnary, FieldValue, Ident, Lit, Macro, Token, UnOp};

use crate::mention::{is_variable, variable};

/// Rewrites `expr` so that it means the same when `names` are references to what they were.
pub(crate) fn dereferenced(expr: &Expr, names: &BTreeSet<Ident>) -> Expr {
    let mut expr = expr.clone();
    Dereference(names).visit_expr_mut(&mut expr);
    expr
}

/// Returns `&expr`, or `expr` where that is a reference already.
pub(crate) fn borrowed(expr: Expr) -> Expr {
    match &expr {
        Expr::Reference(_) => expr,
        Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)) => expr,
        _ => Expr::Reference(ExprReference {
            attrs: Vec::new(),
            and_token: Token![&](Span::mixed_site().located_at(expr.span())),
            mutability: None,
            expr: Box::new(expr),
        }),
    }
}

struct Dereference<'a>(&'a BTreeSet<Ident>);

impl VisitMut for Dereference<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match variable(expr) {
            Some(name) if self.0.contains(name) => *expr = dereference(expr.clone()),
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        call.tokens = self.in_tokens(call.tokens.clone());
    }

    fn visit_field_value_mut(&mut self, field: &mut FieldValue) {
        visit_mut::visit_field_value_mut(self, field);
        if variable(&field.expr).is_none() {
            field.colon_token.get_or_insert_default(); // `Page { page }` becomes `Page { page: *page }`
        }
    }
}

impl Dereference<'_> {
    fn in_tokens(&self, tokens: TokenStream) -> TokenStream {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let through = tokens.iter().enumerate().map(|(at, token)| match token {
            TokenTree::Group(group) => {
                let inside = self.in_tokens(group.stream());
                let mut through = Group::new(group.delimiter(), inside);
                through.set_span(group.span());
                through.into()
            }
            TokenTree::Ident(name) if self.0.contains(name) && is_variable(&tokens, at) => {
                let star = Token![*](Span::mixed_site());
                Group::new(Delimiter::Parenthesis, quote!(#star #name)).into()
            }
            _ => token.clone(),
        });
        through.collect()
    }
}

fn dereference(expr: Expr) -> Expr {
    Expr::Unary(ExprUnary {
        attrs: Vec::new(),
        op: UnOp::Deref(Token![*](Span::mixed_site())),
        expr: Box::new(expr),
    })
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::parse_quote;

    use super::*;

    #[test]
    fn references_are_read_through() {
        let names = BTreeSet::from([parse_quote!(page)]);
        let through = |expr: Expr| dereferenced(&expr, &names).into_token_stream().to_string();

        assert_eq!(through(parse_quote!(page.min(3))), "(* page) . min (3)");
        assert_eq!(through(parse_quote!(page as u64 + 1)), "* page as u64 + 1");
        assert_eq!(through(parse_quote!(P { page, size })), "P { page : * page , size }");
        assert_eq!(through(parse_quote!(query.page)), "query . page");
        assert_eq!(
            through(parse_quote!(vec![(page), query.page])),
            "vec ! [((* page)) , query . page]"
        );
    }
}
