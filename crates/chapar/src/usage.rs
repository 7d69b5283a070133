//! The command line's definition, whole: help, completion and man pages are made from it.

use admin::Request;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Subcommand};

use crate::{Arguments, printer::Style};

/// The command line. Every verb that reports rows takes `--json` and `--progress`: these are about
/// what is printed, and no part of a request.
pub(crate) fn command() -> Command {
    let mut command = Arguments::command();
    for verb in verbs(&Request::augment_subcommands(Command::new("request"))) {
        command = command.mut_subcommand(verb, styled);
    }
    command
}

fn verbs(command: &Command) -> Vec<String> {
    let verbs = command.get_subcommands();
    verbs.map(|verb| verb.get_name().to_owned()).collect()
}

/// A verb, or a group of verbs, with the flags that say how results are wanted.
fn styled(verb: Command) -> Command {
    let inner = verbs(&verb);
    if !inner.is_empty() {
        return inner
            .into_iter()
            .fold(verb, |verb, inner| verb.mut_subcommand(inner, styled));
    }
    let progress = Arg::new("progress")
        .long("progress")
        .action(ArgAction::SetTrue)
        .help("Tell progress on standard error, also if it is no terminal");
    verb.arg(json("One JSON object per row; the last is the summary"))
        .arg(progress)
}

fn json(help: &'static str) -> Arg {
    Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help(help)
}

/// What was typed; ends the process where that is not understood, or help is wanted.
pub(crate) fn arguments() -> (Arguments, Style) {
    let matches = command().get_matches();
    let style = style(&matches);
    let arguments = Arguments::from_arg_matches(&matches);
    (arguments.unwrap_or_else(|error| error.exit()), style)
}

/// The flags of the innermost verb.
fn style(matches: &ArgMatches) -> Style {
    if let Some((_, inner)) = matches.subcommand() {
        return style(inner);
    }
    let flag = |name| matches.try_get_one::<bool>(name).ok().flatten() == Some(&true);
    Style {
        json: flag("json"),
        progress: flag("progress"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn results_are_printed_as_the_innermost_verb_says() {
        for (typed, json, progress) in [
            ("chapar verify --quick --json", true, false),
            ("chapar account usage ann --progress", false, true),
            ("chapar account list", false, false),
        ] {
            let matches = command().try_get_matches_from(typed.split(' ')).unwrap();
            assert_eq!(style(&matches), Style { json, progress }, "{typed}");
            Arguments::from_arg_matches(&matches).unwrap();
        }
    }
}
