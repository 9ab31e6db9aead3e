//! What must hold in the whole workspace and no compiler checks.

mod dependencies;
mod files;
mod manifests;
mod sources;

/// Prints every violation, and fails if there is one.
pub(crate) fn run() -> Result<(), String> {
    let packages = dependencies::packages()?;
    let mut violations = dependencies::check(&packages)?;
    for check in [manifests::check, sources::check] {
        violations.extend(check().map_err(|error| format!("cannot read our files: {error}"))?);
    }
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => {
            println!("the rules hold in {} packages", packages.len());
            Ok(())
        }
        count => Err(format!("violations of the rules: {count}")),
    }
}
