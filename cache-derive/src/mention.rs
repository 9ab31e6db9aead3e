//! Which variables an expression reads, and how it reads them when they are references.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Expr, ExprPath, ExprReference, ExprUnary, FieldValue, Ident, Lit, LitStr, Macro, PatIdent,
    Token, UnOp,
};

/// Returns every variable `expr` may read, also those read by macros inside it.
///
/// When in doubt a name does not count: a missing mention is an error the user can see, a false one
/// would let an argument slip out of the key.
pub(crate) fn mentions(expr: &Expr) -> BTreeSet<Ident> {
    let mut found = Mentions(BTreeSet::new());
    found.visit_expr(expr);
    found.0
}

/// Returns every variable that `expr` itself introduces, in closures, `let` and `match`.
pub(crate) fn rebound(expr: &Expr) -> BTreeSet<Ident> {
    let mut found = Rebound(BTreeSet::new());
    found.visit_expr(expr);
    found.0
}

/// Returns the variable that `expr` is, if it is nothing else.
pub(crate) fn variable(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Group(group) => variable(&group.expr), // from a `macro_rules!`
        Expr::Path(ExprPath { qself: None, path, .. }) => path.get_ident(),
        _ => None,
    }
}

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

struct Mentions(BTreeSet<Ident>);

impl Visit<'_> for Mentions {
    fn visit_expr_path(&mut self, path: &ExprPath) {
        if path.qself.is_none() {
            self.0.extend(path.path.get_ident().cloned());
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_macro(&mut self, call: &Macro) {
        let formats = call.path.segments.last();
        if formats.is_some_and(|name| name.ident == "format" || name.ident == "format_args") {
            self.0.extend(captures(call.tokens.clone()));
        }
        self.visit_tokens(call.tokens.clone());
    }
}

impl Mentions {
    fn visit_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.visit_tokens(group.stream()),
                TokenTree::Ident(ident) if is_variable(&tokens, at) => {
                    self.0.insert(ident.clone());
                }
                _ => {}
            }
        }
    }
}

/// Whether the name at `at` is a variable, and not a field, a path, a macro or a label.
fn is_variable(tokens: &[TokenTree], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|at| punct(tokens, at));
    let after = |forth: usize| punct(tokens, at + forth);
    let is_field = before(1) == Some('.') && before(2) != Some('.');
    let in_path = before(1) == Some(':') && before(2) == Some(':');
    let is_macro = after(1) == Some('!') && after(2) != Some('=');
    !(is_field || in_path || is_macro || is_label(tokens, at))
}

/// Whether the name at `at` labels what follows: `name: …`, `name::…`, `name = …`.
fn is_label(tokens: &[TokenTree], at: usize) -> bool {
    match punct(tokens, at + 1) {
        Some(':') => true,
        Some('=') => punct(tokens, at + 2) != Some('='),
        _ => false,
    }
}

fn punct(tokens: &[TokenTree], at: usize) -> Option<char> {
    match tokens.get(at) {
        Some(TokenTree::Punct(punct)) => Some(punct.as_char()),
        _ => None,
    }
}

/// Returns the variables that a format string captures, as in `"{name}"` and `"{name:?}"`.
fn captures(tokens: TokenStream) -> Vec<Ident> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let Some(TokenTree::Literal(text)) = tokens.first() else { return Vec::new() };
    let Ok(text) = syn::parse_str::<LitStr>(&text.to_string()) else { return Vec::new() };
    let text = text.value().replace("{{", "").replace("}}", "");
    let holes = text.split('{').skip(1).filter_map(|rest| rest.split(['}', ':']).next());
    let names = holes.filter_map(|name| syn::parse_str::<Ident>(name.trim()).ok());
    names.filter(|name| !labels(&tokens).any(|label| label == name)).collect()
}

fn labels(tokens: &[TokenTree]) -> impl Iterator<Item = &Ident> {
    tokens.iter().enumerate().filter_map(|(at, token)| match token {
        TokenTree::Ident(name) if is_label(tokens, at) => Some(name),
        _ => None,
    })
}

struct Rebound(BTreeSet<Ident>);

impl Visit<'_> for Rebound {
    fn visit_pat_ident(&mut self, pattern: &PatIdent) {
        self.0.insert(pattern.ident.clone());
        visit::visit_pat_ident(self, pattern);
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

    fn names(found: &BTreeSet<Ident>) -> Vec<String> {
        found.iter().map(ToString::to_string).collect()
    }

    fn read(expr: &Expr) -> Vec<String> {
        names(&mentions(expr))
    }

    #[test]
    fn variables_are_mentions() {
        assert_eq!(read(&parse_quote!(page.min(limit) + sizes[at])), ["at", "limit", "page", "sizes"]);
        assert_eq!(read(&parse_quote!(Page { page, size: length })), ["length", "page"]);
    }

    #[test]
    fn fields_paths_and_labels_are_not_mentions() {
        assert_eq!(read(&parse_quote!(query.page)), ["query"]);
        assert_eq!(read(&parse_quote!(page::FIRST)), [""; 0]);
        assert_eq!(read(&parse_quote!(query.page())), ["query"]);
        assert_eq!(read(&parse_quote!(Page { size: 3 })), [""; 0]);
    }

    #[test]
    fn macros_are_looked_into() {
        assert_eq!(read(&parse_quote!(format!("{}", page))), ["page"]);
        assert_eq!(read(&parse_quote!(format!("{user} {size:?}"))), ["size", "user"]);
        assert_eq!(read(&parse_quote!(vec![0..page, (size)])), ["page", "size"]);
        assert_eq!(read(&parse_quote!(matches!(plan, Plan::Free))), ["plan"]);
        assert_eq!(read(&parse_quote!(vec![page != 3])), ["page"]);
    }

    #[test]
    fn macros_do_not_mention_what_they_do_not_read() {
        assert_eq!(read(&parse_quote!(format!("{{user}} user"))), [""; 0]);
        assert_eq!(read(&parse_quote!(format!("{user}", user = page))), ["page"]);
        assert_eq!(read(&parse_quote!(vec!["{user}"])), [""; 0]);
        assert_eq!(read(&parse_quote!(vec![query.page, page::FIRST, page!(), P { page: 1 }])), ["query"]);
    }

    #[test]
    fn new_variables_are_found() {
        let expr = parse_quote!(items.iter().map(|(page, _)| page).sum::<u32>());
        assert_eq!(names(&rebound(&expr)), ["page"]);
    }

    #[test]
    fn references_are_read_through() {
        let names = BTreeSet::from([parse_quote!(page)]);
        let through = |expr: Expr| dereferenced(&expr, &names).into_token_stream().to_string();

        assert_eq!(through(parse_quote!(page.min(3))), "(* page) . min (3)");
        assert_eq!(through(parse_quote!(page as u64 + 1)), "* page as u64 + 1");
        assert_eq!(through(parse_quote!(P { page, size })), "P { page : * page , size }");
        assert_eq!(through(parse_quote!(query.page)), "query . page");
        assert_eq!(through(parse_quote!(vec![(page), query.page])), "vec ! [((* page)) , query . page]");
    }
}
