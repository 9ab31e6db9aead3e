//! What `#[cached(…)]` says.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, LitStr, Result, Token};

use crate::options::{RawOption, all, once};

const OPTIONS: [&str; 11] = [
    "tier_ttl", "ttl", "none_ttl", "key", "skip", "tier", "user", "tenant", "entity", "version",
    "cache",
];

/// The options, each read, none judged.
#[derive(Default)]
pub(super) struct Args {
    pub(super) cache: Option<Expr>,
    pub(super) entity: Option<LitStr>,
    pub(super) key: Option<Vec<Expr>>,
    pub(super) none_ttl: Option<u64>,
    pub(super) skip: Option<Vec<Ident>>,
    pub(super) tenant: Option<Expr>,
    pub(super) tier: Option<Expr>,
    pub(super) tier_ttl: Option<Ident>,
    pub(super) ttl: Option<(Ident, u64)>,
    pub(super) user: Option<Expr>,
    pub(super) version: Option<u32>,
}

impl Args {
    fn add(&mut self, option: &RawOption) -> Result<()> {
        let name = &option.name;
        match name.to_string().as_str() {
            "cache" => once(&mut self.cache, name, option.expr()?),
            "entity" => once(&mut self.entity, name, option.text()?),
            "key" => once(&mut self.key, name, option.list("expr")?),
            "none_ttl" => once(&mut self.none_ttl, name, option.millis()?),
            "skip" => once(&mut self.skip, name, option.list("argument")?),
            "tenant" => once(&mut self.tenant, name, option.expr()?),
            "tier" => once(&mut self.tier, name, option.expr()?),
            "tier_ttl" => once(&mut self.tier_ttl, name, option.flag().map(|()| name.clone())?),
            "ttl" => once(&mut self.ttl, name, (name.clone(), option.millis()?)),
            "user" => once(&mut self.user, name, option.expr()?),
            "version" => once(&mut self.version, name, option.number()?),
            _ => Err(option.unknown(&OPTIONS)),
        }
    }
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        let options = Punctuated::<RawOption, Token![,]>::parse_terminated(input)?;
        all(options.iter().map(|option| args.add(option)))?;
        Ok(args)
    }
}
