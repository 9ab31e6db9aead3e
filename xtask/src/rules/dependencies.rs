//! Who may depend on whom.

use std::collections::BTreeSet;

use crate::cargo::cargo;
use crate::shell;

/// What one package may have in its tree, tests' own dependencies apart.
struct Rule {
    package: &'static str,
    /// The packages of this workspace that it may use.
    ours: &'static [&'static str],
    /// Others that it may not use, nor anything named after them.
    banned: &'static [&'static str],
}

const RULES: [Rule; 5] = [
    Rule { package: "cache-core", ours: &[], banned: &["redis", "moka", "tower", "http"] },
    Rule { package: "cache-derive", ours: &[], banned: &[] },
    Rule { package: "cache-memory", ours: &["cache-core"], banned: &[] },
    Rule { package: "cache-redis", ours: &["cache-core"], banned: &[] },
    Rule { package: "cache-tower", ours: &["cache-core"], banned: &[] },
];

/// Returns the names of this workspace's packages.
pub(crate) fn packages() -> Result<BTreeSet<String>, String> {
    tree(&["--workspace", "--depth", "0"])
}

/// Returns a line for each dependency that must not be.
pub(crate) fn check(packages: &BTreeSet<String>) -> Result<Vec<String>, String> {
    let mut violations = Vec::new();
    for rule in RULES.iter().filter(|rule| packages.contains(rule.package)) {
        let tree = tree(&["--package", rule.package, "--all-features", "--target", "all"])?;
        violations.extend(rule.broken_by(&tree, packages));
    }
    Ok(violations)
}

impl Rule {
    fn broken_by(&self, tree: &BTreeSet<String>, packages: &BTreeSet<String>) -> Vec<String> {
        let package = self.package;
        let others = tree.iter().filter(|name| *name != package);
        others
            .filter_map(|name| {
                if packages.contains(name) && !self.ours.contains(&name.as_str()) {
                    return Some(format!(
                        "{package} depends on {name}; of ours {}",
                        self.allowed()
                    ));
                }
                let banned = self.banned.iter().find(|banned| is_named_after(name, banned))?;
                Some(format!("{package} depends on {name}; it must name no {banned}"))
            })
            .collect()
    }

    fn allowed(&self) -> String {
        match self.ours {
            [] => "it may use none".to_owned(),
            ours => format!("it may use only {}", ours.join(", ")),
        }
    }
}

fn is_named_after(name: &str, banned: &str) -> bool {
    name.strip_prefix(banned).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Returns the names in a part of the dependency tree.
fn tree(selection: &[&str]) -> Result<BTreeSet<String>, String> {
    let listing = shell::output(
        cargo(&["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
            .args(selection),
    )?;
    Ok(listing
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn another_package_of_ours_is_a_violation() {
        let ours = names(&["cache-core", "cache-memory", "cache-redis"]);
        let tree = names(&["bytes", "cache-core", "cache-memory", "cache-redis"]);
        let rule = RULES.iter().find(|rule| rule.package == "cache-redis").unwrap();

        let violations = rule.broken_by(&tree, &ours);

        let expected = "cache-redis depends on cache-memory; of ours it may use only cache-core";
        assert_eq!(violations, [expected]);
    }

    #[test]
    fn a_banned_name_covers_what_is_named_after_it() {
        let ours = names(&["cache-core"]);
        let tree = names(&["cache-core", "http-body", "https", "tower"]);

        let violations = RULES[0].broken_by(&tree, &ours);

        assert_eq!(violations.len(), 2, "{violations:?}");
    }
}
