use clap::Subcommand;
use detente_gate::{Tokens, new_secret};
use detente_service::{Right, is_actor};

use super::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Print a new secret, and the lines of the configuration that make the server know it
    #[command(
        after_help = "Examples:\n  detente token new alice\n  detente token new dashboard --right read --space reports"
    )]
    New {
        /// Whom the token stands for: becomes `updated_by`
        name: String,
        /// What it allows, such as `read` or `update:notes`; may be repeated [default: read, write and resolve]
        #[arg(long = "right", value_name = "RIGHT")]
        rights: Vec<Right>,
        /// A space in which it is good; may be repeated [default: all]
        #[arg(long = "space", value_name = "SPACE")]
        spaces: Vec<String>,
    },
}

impl Token {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self::New {
            name,
            rights,
            spaces,
        } = self;
        let wrong = |message: String| Failure::Usage(anyhow::anyhow!(message));
        if !is_actor(&name) {
            return Err(wrong(format!(
                "{name:?} is not a name: use 1 to 128 bytes of text"
            )));
        }
        if let Some(space) = spaces.iter().find(|it| !detente_core::is_label(it)) {
            return Err(wrong(format!("{space:?} is not a space name")));
        }
        let secret = new_secret();
        let digest = Tokens::digest(&secret);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{secret}");
        // For people; a script reads the first line alone.
        println!("\n# The secret is shown this once. For detente.toml, then `detente reload`:");
        println!("[[tokens]]\nname = {}", toml_text(&name));
        println!("secret_sha256 = \"{digest}\"");
        if !rights.is_empty() {
            let rights: Vec<_> = rights.iter().map(|it| toml_text(&it.to_string())).collect();
            println!("rights = [{}]", rights.join(", "));
        }
        if !spaces.is_empty() {
            let spaces: Vec<_> = spaces.iter().map(|it| toml_text(it)).collect();
            println!("spaces = [{}]", spaces.join(", "));
        }
        Ok(())
    }
}

/// A basic string of TOML.
fn toml_text(text: &str) -> String {
    toml::Value::from(text).to_string()
}
