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

    fn document() -> String {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/from-cyradm-and-doveadm.md"
        );
        std::fs::read_to_string(file).unwrap()
    }

    /// What is between backticks.
    fn code(text: &str) -> impl Iterator<Item = &str> {
        text.split('`').skip(1).step_by(2)
    }

    /// Walks from verb to verb as far as words are such; the last, and the words that are left.
    fn walk<'a>(mut verb: &'a Command, typed: &'a str) -> (&'a Command, Vec<&'a str>) {
        let mut words = typed.split(' ').skip(1).peekable();
        while let Some(inner) = words.peek().and_then(|word| verb.find_subcommand(word)) {
            verb = inner;
            words.next();
        }
        (verb, words.collect())
    }

    #[test]
    fn whoever_comes_from_elsewhere_is_sent_to_verbs_that_there_are() {
        let mut chapar = command();
        chapar.build();
        let document = document();
        let mut named = 0;
        for typed in code(&document).filter(|code| code.starts_with("chapar ")) {
            let (verb, rest) = walk(&chapar, typed);
            named += 1;
            let flags = rest.iter().filter_map(|word| word.strip_prefix("--"));
            for flag in flags {
                let mut known = verb.get_arguments();
                let known = known.any(|argument| argument.get_long() == Some(flag));
                assert!(known || rest.len() == 1, "{typed}: --{flag}");
            }
            // What is left are placeholders and names.
            let lower = rest.first().filter(|word| {
                let mut letters = word.chars();
                letters.all(|c| c.is_ascii_lowercase())
            });
            let takes_words = verb.get_positionals().next().is_some();
            assert!(lower.is_none() || takes_words, "{typed}");
            assert!(
                !verb.has_subcommands() || verb.get_name() == "chapar",
                "{typed}: which of its verbs?"
            );
        }
        assert!(named > 60, "{named}");
    }

    #[test]
    fn nothing_that_cyradm_and_doveadm_can_is_left_out() {
        let document = document();
        let sections: Vec<&str> = document.split("\n## ").collect();
        for (section, commands) in [
            ("cyradm", CYRADM),
            ("Cyrus's other programs", CYRUS),
            ("doveadm", DOVEADM),
        ] {
            let mut all = sections.iter();
            let text = all.find(|text| text.starts_with(section)).unwrap();
            let cells = text.lines().filter_map(|line| line.strip_prefix("| "));
            let first = cells.filter_map(|row| row.split(" |").next());
            let named: Vec<&str> = first.flat_map(code).collect();
            for command in commands.split_whitespace() {
                // Words of one command are joined by `_`, which some of Cyrus's names have themselves.
                let is = |name: &&str| {
                    let name = name.replace(' ', "_");
                    name == command || name.starts_with(&format!("{command}_"))
                };
                assert!(named.iter().any(is), "{section}: {command}");
            }
        }
    }

    const CYRADM: &str = "authenticate chdir createmailbox deleteaclmailbox deletemailbox disconnect \
        exit help getmetadata info listaclmailbox listmailbox listquota listquotaroot mboxconfig \
        reconstruct renamemailbox server setaclmailbox setinfo setmetadata setquota subscribe \
        unsubscribe version xfermailbox";
    const CYRUS: &str = "arbitron chk_cyrus ctl_cyrusdb ctl_deliver ctl_mboxlist cvt_cyrusdb \
        cyr_dbtool cyr_deny cyr_df cyr_expire cyr_info cyr_ls cyr_synclog cyr_userseen \
        cyr_virusscan cyrdump deliver ipurge mbexamine mbpath mbtool quota reconstruct \
        relocate_by_id squatter sync_client tls_prune unexpunge fud fetchnews masssievec";
    const DOVEADM: &str = "acl_add acl_debug acl_delete acl_get acl_recalc acl_remove acl_rights \
        acl_set altmove auth_cache auth_login auth_lookup auth_test backup batch compress config \
        copy deduplicate dict director dsync dump exec expunge fetch flags_add flags_remove \
        flags_replace force-resync fs fts help import index indexer instance kick log mailbox_cache \
        mailbox_create mailbox_cryptokey mailbox_delete mailbox_list mailbox_metadata mailbox_mutf7 \
        mailbox_path mailbox_rename mailbox_status mailbox_subscribe mailbox_unsubscribe \
        mailbox_update move oldstats penalty process proxy purge pw quota_get quota_recalc rebuild \
        reload replicator save search service sieve sis stats stop sync user who zlibconnect";
}
