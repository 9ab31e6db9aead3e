//! What the key is made of. No argument may be forgotten, and none may be dropped by accident.

use std::collections::BTreeSet;

use syn::{Error, Expr, Ident, ItemFn, Result, parse_quote};

use super::args::Args;
use crate::argument::Argument;
use crate::function::borrows_self;
use crate::mention::{mentions, rebound};
use crate::options::all;

/// One value of the key.
pub(super) struct Part {
    pub(super) role: Role,
    pub(super) value: Expr,
}

/// What a value is in the key.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Role {
    Argument,
    Tenant,
    Tier,
    User,
}

impl Role {
    /// Returns the role that an argument has by its name.
    fn of(variable: &Ident) -> Self {
        match variable.to_string().as_str() {
            "tenant" | "tenant_id" => Self::Tenant,
            "tier" => Self::Tier,
            "user" | "user_id" => Self::User,
            _ => Self::Argument,
        }
    }

    /// Returns the method of a key that adds a value in this role.
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Argument => "arg",
            Self::Tenant => "tenant",
            Self::Tier => "tier",
            Self::User => "user",
        }
    }
}

/// Returns the parts of the key, or an error for each argument that has no place.
pub(super) fn parts(args: &Args, function: &ItemFn, arguments: &[Argument]) -> Result<Vec<Part>> {
    let names = Names::new(args, function, arguments);
    all(names.exprs().map(|expr| names.check_rebound(expr)))?;
    all(names.skipped().enumerate().map(|(at, name)| names.check_skip(at, name)))?;
    let mut parts = Vec::new();
    for role in [Role::Tenant, Role::Tier, Role::User] {
        parts.extend(names.role(role)?.map(|value| Part { role, value }));
    }
    all(names.plain().map(|name| names.check_covered(name)))?;
    let values = match &args.key {
        Some(exprs) => exprs.clone(),
        None => names
            .plain()
            .filter(|name| !names.is_read(name))
            .map(|name| parse_quote!(#name))
            .collect(),
    };
    parts.extend(values.into_iter().map(|value| Part { role: Role::Argument, value }));
    Ok(parts)
}

/// The names that the function gives to its arguments, and what the options say of them.
struct Names<'a> {
    args: &'a Args,
    /// Every variable but the cache itself.
    all: Vec<&'a Ident>,
    read: BTreeSet<Ident>,
}

impl<'a> Names<'a> {
    fn new(args: &'a Args, function: &ItemFn, arguments: &'a [Argument]) -> Self {
        let finds_cache = args.cache.is_none() && borrows_self(function).is_none();
        let all = arguments.iter().flat_map(|argument| &argument.variables);
        let mut names = Self {
            args,
            all: all.filter(|name| !(finds_cache && *name == "cache")).collect(),
            read: BTreeSet::new(),
        };
        names.read = names.exprs().flat_map(mentions).collect();
        names
    }

    fn exprs(&self) -> impl Iterator<Item = &'a Expr> + use<'a> {
        let Args { key, tenant, tier, user, .. } = self.args;
        key.iter().flatten().chain(tenant).chain(tier).chain(user)
    }

    fn skipped(&self) -> impl Iterator<Item = &'a Ident> + use<'a> {
        self.args.skip.iter().flatten()
    }

    fn is_read(&self, name: &Ident) -> bool {
        self.read.contains(name)
    }

    fn is_skipped(&self, name: &Ident) -> bool {
        self.skipped().any(|skipped| skipped == name)
    }

    fn given(&self, role: Role) -> Option<&'a Expr> {
        match role {
            Role::Argument => None,
            Role::Tenant => self.args.tenant.as_ref(),
            Role::Tier => self.args.tier.as_ref(),
            Role::User => self.args.user.as_ref(),
        }
    }

    /// Whether an argument is part of the key by its name alone.
    fn has_role(&self, name: &Ident) -> bool {
        let role = Role::of(name);
        role != Role::Argument && self.given(role).is_none() && !self.is_skipped(name)
    }

    /// Returns the arguments that are neither skipped nor in a role.
    fn plain(&self) -> impl Iterator<Item = &'a Ident> {
        self.all.iter().copied().filter(|name| !self.is_skipped(name) && !self.has_role(name))
    }

    /// Returns the value for a role: as given, or the one argument of that name.
    fn role(&self, role: Role) -> Result<Option<Expr>> {
        if let Some(expr) = self.given(role) {
            return Ok(Some(expr.clone()));
        }
        let mut named =
            self.all.iter().filter(|name| Role::of(name) == role && self.has_role(name));
        let first = named.next();
        if let (Some(first), Some(second)) = (first, named.next()) {
            let role = role.method();
            return Err(Error::new(
                second.span(),
                format!(
                    "`{first}` is the {role} already: say which one is, with `{role} = {first}` \
                     or `{role} = {second}`"
                ),
            ));
        }
        Ok(first.map(|name| parse_quote!(#name)))
    }

    fn check_covered(&self, name: &Ident) -> Result<()> {
        if self.args.key.is_none() || self.is_read(name) {
            return Ok(());
        }
        Err(Error::new(
            name.span(),
            format!(
                "`{name}` is not part of the key, so calls that differ only in it would share one \
                 answer: add it to `key(…)`, or write `skip({name})` if no answer depends on it"
            ),
        ))
    }

    fn check_skip(&self, at: usize, name: &Ident) -> Result<()> {
        let role = Role::of(name);
        let text = if self.skipped().take(at).any(|earlier| earlier == name) {
            format!("`{name}` is skipped twice: remove one")
        } else if !self.all.contains(&name) {
            let known = self.all.iter().map(ToString::to_string).collect::<Vec<_>>().join("`, `");
            format!("no argument `{name}` to skip, only `{known}`")
        } else if role == Role::Argument && self.is_read(name) {
            format!("`{name}` is part of the key: remove it from `skip(…)` or from the key")
        } else if role != Role::Argument && self.given(role).is_none() && !self.is_read(name) {
            format!(
                "skipping `{name}` would show the answer of one {0} to another: keep it in the \
                 key, or say which {0} the answer is for with `{0} = expr`",
                role.method(),
            )
        } else {
            return Ok(());
        };
        Err(Error::new(name.span(), text))
    }

    /// Refuses a closure's own `page` beside an argument `page`: which one is meant would be a
    /// guess.
    fn check_rebound(&self, expr: &Expr) -> Result<()> {
        match rebound(expr).iter().find(|name| self.all.contains(name)) {
            Some(name) => Err(Error::new(
                name.span(),
                format!("`{name}` is an argument: give this variable another name"),
            )),
            None => Ok(()),
        }
    }
}
