//! A page of the documentation, parts of which a program writes.

use anyhow::{Context, Result};

/// Returns the text of a page with `part` between the marks of this name, in the place of what is there.
///
/// # Errors
///
/// If the page has no such marks.
pub fn with_part(page: &str, name: &str, part: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let (head, rest) = page.split_once(&begin).with_context(|| format!("no mark {begin:?}"))?;
    let (_, tail) = rest.split_once(&end).with_context(|| format!("no mark {end:?}"))?;
    Ok(format!("{head}{begin}\n{part}\n{end}{tail}"))
}
