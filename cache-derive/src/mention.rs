//! Which variables an expression reads.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Expr, ExprPath, Ident, Item, ItemFn, LitStr, Macro, PatIdent};

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

/// Whether `Self` is named in the function, but for items in its body, or in one of `exprs`.
pub(crate) fn names_type<'a>(function: &ItemFn, exprs: impl IntoIterator<Item = &'a Expr>) -> bool {
    let mut found = NamesType(false);
    found.visit_item_fn(function);
    exprs.into_iter().for_each(|expr| found.visit_expr(expr));
    found.0
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
pub(crate) fn is_variable(tokens: &[TokenTree], at: usize) -> bool {
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

struct NamesType(bool);

impl Visit<'_> for NamesType {
    fn visit_ident(&mut self, name: &Ident) {
        self.0 |= name == "Self";
    }

    fn visit_item(&mut self, _: &Item) {}

    fn visit_macro(&mut self, call: &Macro) {
        self.visit_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

impl NamesType {
    fn visit_tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.visit_tokens(group.stream()),
                TokenTree::Ident(name) => self.visit_ident(&name),
                _ => {}
            }
        }
    }
}

struct Rebound(BTreeSet<Ident>);

impl Visit<'_> for Rebound {
    fn visit_pat_ident(&mut self, pattern: &PatIdent) {
        self.0.insert(pattern.ident.clone());
        visit::visit_pat_ident(self, pattern);
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            read(&parse_quote!(page.min(limit) + sizes[at])),
            ["at", "limit", "page", "sizes"]
        );
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
        assert_eq!(
            read(&parse_quote!(vec![query.page, page::FIRST, page!(), { page: 1 }])),
            ["query"]
        );
    }

    #[test]
    fn new_variables_are_found() {
        let expr = parse_quote!(items.iter().map(|(page, _)| page).sum::<u32>());
        assert_eq!(names(&rebound(&expr)), ["page"]);
    }

    #[test]
    fn the_own_type_is_found_but_not_that_of_an_item() {
        let names = |function: ItemFn| names_type(&function, []);

        assert!(names(parse_quote!(
            fn f() {
                Self::g()
            }
        )));
        assert!(names(parse_quote!(
            fn f() -> Option<Self> {
                None
            }
        )));
        assert!(names(parse_quote!(
            fn f() {
                println!("{}", Self::NAME)
            }
        )));
        assert!(!names(parse_quote!(
            fn f() {
                impl T {
                    fn new() -> Self {
                        T
                    }
                }
            }
        )));
    }
}
