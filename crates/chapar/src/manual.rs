//! `chapar man` and `chapar completions`: from the same definition as the command line.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::{Failed, screen::Screen, usage::command};

/// Prints what makes a shell complete `chapar`'s verbs and flags.
pub(crate) fn completions(shell: Shell, out: &mut Screen) {
    clap_complete::generate(shell, &mut command(), "chapar", out);
}

/// Prints the manual page, or writes those of all verbs into a directory.
pub(crate) fn man(directory: Option<&Path>, out: &mut Screen) -> Result<(), Failed> {
    // Every verb has its --help; a page for `help help` would help nobody.
    let mut chapar = command().disable_help_subcommand(true);
    chapar.build();
    let Some(directory) = directory else {
        return Ok(page(&chapar, out)?);
    };
    let failed = |path: &Path, error| Failed::Because(format!("{}: {error}", path.display()));
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    let mut waiting = vec![chapar];
    let mut written = 0;
    while let Some(verb) = waiting.pop() {
        waiting.extend(verb.get_subcommands().cloned());
        let path = directory.join(Man::new(verb.clone()).get_filename());
        let mut text = Vec::new();
        page(&verb, &mut text)?;
        fs::write(&path, text).map_err(|error| failed(&path, error))?;
        written += 1;
    }
    writeln!(out, "wrote {written} pages into {}", directory.display())?;
    Ok(())
}

fn page(verb: &Command, out: &mut impl Write) -> io::Result<()> {
    let page = Man::new(verb.clone())
        .source(format!("chapar {}", env!("CARGO_PKG_VERSION")))
        .manual("Chapar");
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    if verb.has_subcommands() {
        page.render_subcommands_section(out)?;
    }
    if let Some(examples) = verb.get_after_long_help() {
        let examples = examples.to_string();
        let examples = examples.strip_prefix("Examples:\n").unwrap_or(&examples);
        writeln!(out, ".SH EXAMPLES\n.nf\n{}\n.fi", escaped(examples))?;
    }
    out.write_all(EXIT_STATUS.as_bytes())
}

/// Text as roff that means the same.
fn escaped(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        // What begins with one of these would be a request.
        if line.starts_with(['.', '\'']) {
            format!("\\&{line}")
        } else {
            line
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

const EXIT_STATUS: &str = "\
.SH EXIT STATUS
.TP
0
Done, all well.
.TP
1
It could not be done; standard error says why.
.TP
2
It was asked for in a way that is not understood.
.TP
3
Something is damaged, or could not be saved.
.TP
130
It was interrupted.
";

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn every_verb_has_a_page_that_renders_without_warnings() {
        let directory = tempfile::tempdir().unwrap();
        man(Some(directory.path()), &mut Screen::new()).unwrap();
        let pages = fs::read_dir(directory.path()).unwrap();
        let pages: Vec<_> = pages.map(|page| page.unwrap().path()).collect();
        let named = |name: &str| pages.iter().any(|page| page.ends_with(name));
        assert!(named("chapar.1") && named("chapar-verify.1") && named("chapar-account-usage.1"));
        for page in pages {
            let groff = process::Command::new("groff")
                .args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"])
                .arg(&page)
                .output();
            // Where there is no groff, somebody else's machine has it.
            let Ok(groff) = groff else { return };
            let warnings = String::from_utf8_lossy(&groff.stderr);
            assert_eq!(warnings, "", "{}", page.display());
            assert!(groff.status.success());
        }
    }

    #[test]
    fn examples_are_no_requests_of_roff() {
        assert_eq!(escaped(".x --a\n  \\b"), "\\&.x \\-\\-a\n  \\eb");
    }

    #[test]
    fn there_is_completion_for_shells() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "chapar", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(
                script.contains("usage") && script.contains("mailbox"),
                "{shell}"
            );
        }
    }
}
