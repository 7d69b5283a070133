//! What holds of every verb, whoever adds it.

mod acls;
mod mailboxes;
mod messages;
mod metadata;
mod moving;
mod past;
mod permission;
mod quotas;

use std::{fs, path::Path, sync::Arc};

use clap::{Command, FromArgMatches, Subcommand};
use serde_json::{Value, json};

use crate::{Context, Request};

/// A store and no accounts in a directory, for a test's verbs.
pub(crate) async fn context(directory: &Path) -> Context {
    let options = store::Options {
        directory: Some(directory.join("data")),
        message_bytes_max: 8 << 20,
        clock: store::clock::system,
    };
    let accounts = directory.join("accounts.toml");
    Context {
        store: store::Store::open(options).await.unwrap(),
        directory: Arc::new(auth::Directory::open(accounts, Vec::new()).unwrap()),
        data: directory.join("data"),
        retention: crate::Retention::default(),
        expiry: store::past::Rules::default(),
        archive: None,
        by: "admin".into(),
        roles: auth::Roles::all(),
        sessions: None,
        lately: None,
        running: crate::Running::default(),
    }
}

/// Every verb: its words as they are typed, and its definition.
fn verbs() -> Vec<(String, Command)> {
    let chapar = Request::augment_subcommands(Command::new("chapar"));
    let mut waiting = vec![(String::new(), chapar)];
    let mut verbs = Vec::new();
    while let Some((words, command)) = waiting.pop() {
        if !command.has_subcommands() {
            verbs.push((words, command));
            continue;
        }
        for inner in command.get_subcommands() {
            let words = format!("{words} {}", inner.get_name());
            waiting.push((words.trim_start().to_owned(), inner.clone()));
        }
    }
    verbs
}

/// The examples in a verb's long help.
fn examples(verb: &Command) -> Vec<String> {
    let text = verb.get_after_long_help().unwrap_or_default().to_string();
    let lines = text.strip_prefix("Examples:\n").unwrap_or_default().lines();
    lines.map(|line| line.trim().to_owned()).collect()
}

/// The words of a line, as a shell has them.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in line.split('"').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// The request that a line means; the command line's own flags are left out.
fn request(line: &str) -> Request {
    let words = words(line);
    let words = words
        .iter()
        .filter(|word| !["--json", "--progress"].contains(&word.as_str()));
    let command = Request::augment_subcommands(Command::new("chapar"));
    let matches = command
        .try_get_matches_from(words)
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    Request::from_arg_matches(&matches).unwrap()
}

#[test]
fn every_verb_and_every_argument_has_help() {
    for (words, verb) in verbs() {
        assert!(verb.get_about().is_some(), "{words}");
        for argument in verb.get_arguments() {
            assert!(argument.get_help().is_some(), "{words}: {argument}");
        }
    }
}

#[test]
fn every_verb_has_examples_that_are_understood() {
    for (words, verb) in verbs() {
        let examples = examples(&verb);
        assert!(
            !examples.is_empty(),
            "{words}: no examples in its long help"
        );
        for example in examples {
            assert!(example.starts_with(&format!("chapar {words}")), "{example}");
            request(&example);
        }
    }
}

#[test]
fn every_verb_is_in_the_administrators_document() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/administration.md");
    let document = fs::read_to_string(file).unwrap();
    for (words, _) in verbs() {
        let typed = format!("chapar {words}");
        assert!(document.contains(&typed), "{typed}");
    }
}

#[test]
fn every_request_goes_over_the_wire_and_misspelt_ones_do_nothing() {
    for (words, verb) in verbs() {
        for example in examples(&verb) {
            let sent = serde_json::to_value(request(&example)).unwrap();
            let got: Request = serde_json::from_value(sent.clone()).unwrap();
            assert_eq!(serde_json::to_value(&got).unwrap(), sent, "{words}");
            let mut misspelt = sent;
            misspelt["dri_run"] = json!(true);
            let got: Result<Request, _> = serde_json::from_value(misspelt);
            let refused = got.expect_err(&words).to_string();
            assert!(refused.contains("dri_run"), "{words}: {refused}");
        }
    }
}

#[test]
fn what_may_be_left_out_on_the_command_line_may_be_left_out_on_the_wire() {
    for (words, verb) in verbs() {
        for example in examples(&verb) {
            let request = serde_json::to_value(request(&example)).unwrap();
            let Value::Object(mut short) = request else {
                panic!("{words}: no object");
            };
            for argument in verb.get_arguments() {
                if !argument.is_required_set() {
                    short.remove(argument.get_id().as_str());
                }
            }
            let got: Result<Request, _> = serde_json::from_value(Value::Object(short));
            if let Err(error) = got {
                panic!("{words}: {error}");
            }
        }
    }
}
