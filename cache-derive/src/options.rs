//! The options between the parentheses of an attribute, before anyone asks what they mean.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Result, Token, token};

/// The longest duration that makes sense: humantime's year.
const YEAR: Duration = Duration::from_secs(31_557_600);

/// One option as it was written.
pub(crate) struct RawOption {
    pub(crate) name: Ident,
    value: Value,
}

enum Value {
    /// `name`
    Flag,
    /// `name(…)`
    List(TokenStream),
    /// `name = value`
    Single(Expr),
}

impl RawOption {
    /// Reads an option that has no value.
    pub(crate) fn flag(&self) -> Result<()> {
        match &self.value {
            Value::Flag => Ok(()),
            _ => Err(self.wants(&format!("no value: write `{}`", self.name))),
        }
    }

    /// Reads any expression.
    pub(crate) fn expr(&self) -> Result<Expr> {
        match &self.value {
            Value::Single(expr) => Ok(expr.clone()),
            _ => Err(self.wants(&format!("an expression: write `{} = …`", self.name))),
        }
    }

    /// Reads a string that is not empty.
    pub(crate) fn text(&self) -> Result<LitStr> {
        match self.literal() {
            Some(Lit::Str(text)) if !text.value().is_empty() => Ok(text.clone()),
            _ => Err(self.wants("a name such as \"profile\"")),
        }
    }

    /// Reads a duration, in milliseconds.
    pub(crate) fn millis(&self) -> Result<u64> {
        let Some(Lit::Str(text)) = self.literal() else {
            return Err(self.wants("a duration such as \"5m\""));
        };
        let duration = humantime::parse_duration(&text.value())
            .map_err(|error| self.wants(&format!("a duration such as \"5m\": {error}")))?;
        if duration < Duration::from_millis(1) {
            return Err(self.wants("a duration of at least \"1ms\": less would cache nothing"));
        }
        match u64::try_from(duration.as_millis()) {
            Ok(millis) if duration <= YEAR => Ok(millis),
            _ => Err(self.wants("a duration of at most \"1year\"")),
        }
    }

    /// Reads a whole number.
    pub(crate) fn number(&self) -> Result<u32> {
        match self.literal() {
            Some(Lit::Int(number)) => number.base10_parse(),
            _ => Err(self.wants("a whole number such as 2")),
        }
    }

    /// Reads a list that is not empty.
    pub(crate) fn list<T: Parse>(&self, example: &str) -> Result<Vec<T>> {
        match &self.value {
            Value::List(tokens) if !tokens.is_empty() => {
                let list = Punctuated::<T, Token![,]>::parse_terminated.parse2(tokens.clone())?;
                Ok(list.into_iter().collect())
            }
            _ => Err(self.wants(&format!("a list: write `{}({example}, …)`", self.name))),
        }
    }

    /// Refuses an option that is not one of `known`, and names the nearest that is.
    pub(crate) fn unknown(&self, known: &[&str]) -> Error {
        let name = self.name.unraw().to_string();
        let nearest = known.iter().map(|known| (distance(&name, known), known)).min();
        let hint = match nearest {
            Some((edits, known)) if edits <= 1 + known.len() / 4 => {
                format!(": did you mean `{known}`?")
            }
            _ => String::from("."),
        };
        let known = known.join("`, `");
        Error::new(self.name.span(), format!("no option `{name}`{hint} The options are `{known}`"))
    }

    fn literal(&self) -> Option<&Lit> {
        let mut value = match &self.value {
            Value::Single(value) => value,
            _ => return None,
        };
        while let Expr::Group(group) = value {
            value = &group.expr; // from a `macro_rules!`
        }
        match value {
            Expr::Lit(ExprLit { lit, .. }) => Some(lit),
            _ => None,
        }
    }

    fn wants(&self, what: &str) -> Error {
        let text = format!("`{}` takes {what}", self.name);
        match &self.value {
            Value::Single(expr) => Error::new_spanned(expr, text),
            _ => Error::new(self.name.span(), text),
        }
    }
}

impl Parse for RawOption {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(Ident::parse_any)?;
        let value = if input.parse::<Option<Token![=]>>()?.is_some() {
            Value::Single(input.parse()?)
        } else if input.peek(token::Paren) {
            let list;
            syn::parenthesized!(list in input);
            Value::List(list.parse()?)
        } else {
            Value::Flag
        };
        Ok(Self { name, value })
    }
}

/// Fills the slot of an option that may be given once.
pub(crate) fn once<T>(slot: &mut Option<T>, name: &Ident, value: T) -> Result<()> {
    if slot.is_some() {
        return Err(Error::new(name.span(), format!("`{name}` is given twice: keep one of them")));
    }
    *slot = Some(value);
    Ok(())
}

/// Collects independent results, or all of their errors, so that the user sees them at once.
pub(crate) fn all<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let (values, errors): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let errors = errors.into_iter().filter_map(Result::err).reduce(|mut all, error| {
        all.combine(error);
        all
    });
    errors.map_or_else(|| values.into_iter().collect(), Err)
}

/// Counts the single-letter edits (insert, remove, replace) between two words.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(text: &str) -> RawOption {
        syn::parse_str(text).unwrap()
    }

    fn refusal(text: &str) -> String {
        option(text).millis().unwrap_err().to_string()
    }

    #[test]
    fn durations_are_milliseconds() {
        assert_eq!(option("ttl = \"5m\"").millis().unwrap(), 300_000);
        assert_eq!(option("ttl = \"1h 30s\"").millis().unwrap(), 3_630_000);
        assert_eq!(option("ttl = \"1year\"").millis().unwrap(), 31_557_600_000);
    }

    #[test]
    fn senseless_durations_are_refused() {
        assert!(refusal("ttl = \"0s\"").contains("at least \"1ms\""));
        assert!(refusal("ttl = \"10us\"").contains("at least \"1ms\""));
        assert!(refusal("ttl = \"2y\"").contains("at most \"1year\""));
        assert!(refusal("ttl = \"soon\"").contains("such as \"5m\""));
        assert!(refusal("ttl = 300").contains("such as \"5m\""));
        assert!(refusal("ttl").contains("such as \"5m\""));
    }

    #[test]
    fn a_misspelt_option_names_the_nearest() {
        let known = ["tier_ttl", "ttl", "none_ttl", "key"];
        let hint = |text| option(text).unknown(&known).to_string();

        assert!(hint("tll").contains("did you mean `ttl`?"));
        assert!(hint("tierttl").contains("did you mean `tier_ttl`?"));
        assert!(hint("compress").starts_with("no option `compress`. The options are `tier_ttl`"));
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!(distance("ttl", "ttl"), 0);
        assert_eq!(distance("tll", "ttl"), 1);
        assert_eq!(distance("", "key"), 3);
        assert_eq!(distance("skipp", "skip"), 1);
    }
}
