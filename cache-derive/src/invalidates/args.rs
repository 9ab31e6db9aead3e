//! What `#[invalidates(…)]` says.

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprMethodCall, ExprPath, Ident, LitStr, Result, Token};

use crate::options::{RawOption, all, once};

const OPTIONS: [&str; 4] = ["user", "tier", "entity", "cache"];

/// The targets, each read, none judged.
#[derive(Default)]
pub(super) struct Args {
    pub(super) cache: Option<Expr>,
    pub(super) targets: Vec<Target>,
}

/// What becomes outdated.
pub(super) enum Target {
    /// Everything of an entity.
    Entity(LitStr),
    /// One entry of a cached function of this type or module: `profile(user)`.
    Function(ExprPath, Punctuated<Expr, Token![,]>),
    /// One entry of a cached method of another value: `self.teams.members(team)`.
    Method(ExprMethodCall),
    /// Everything of a tier.
    Tier(Expr),
    /// Everything of a user.
    User(Expr),
}

impl Target {
    fn of(call: Expr) -> Option<Self> {
        match call {
            Expr::Call(call) => match *call.func {
                Expr::Path(function) => Some(Self::Function(function, call.args)),
                _ => None,
            },
            Expr::MethodCall(call) => Some(Self::Method(call)),
            _ => None,
        }
    }
}

enum Item {
    Option(RawOption),
    Target(Target),
}

impl Args {
    fn add(&mut self, item: Item) -> Result<()> {
        let option = match item {
            Item::Option(option) => option,
            Item::Target(target) => {
                self.targets.push(target);
                return Ok(());
            }
        };
        match option.name.to_string().as_str() {
            "cache" => return once(&mut self.cache, &option.name, option.expr()?),
            "entity" => self.targets.push(Target::Entity(option.text()?)),
            "tier" => self.targets.push(Target::Tier(option.expr()?)),
            "user" => self.targets.push(Target::User(option.expr()?)),
            _ => return Err(option.unknown(&OPTIONS)),
        }
        Ok(())
    }
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        let items = Punctuated::<Item, Token![,]>::parse_terminated(input)?;
        all(items.into_iter().map(|item| args.add(item)))?;
        Ok(args)
    }
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let assigns = input.peek2(Token![=]) && !input.peek2(Token![==]);
        if input.peek(Ident::peek_any) && assigns {
            return input.parse().map(Self::Option);
        }
        let call: Expr = input.parse()?;
        match Target::of(call.clone()) {
            Some(target) => Ok(Self::Target(target)),
            None => Err(Error::new_spanned(
                call,
                "name what becomes outdated: an entry as a call of its cached function, such as \
                 `profile(user)`, or a group as `user = …`, `tier = …` or `entity = \"…\"`",
            )),
        }
    }
}
