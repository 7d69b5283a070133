//! `cyradm`, the administration shell of Cyrus: makes users and boards, sets rights and quotas, renames and deletes,
//! and finds the site under the names that it had there.

use std::process::Command;

use super::run;
use crate::chapar::{Chapar, PASSWORD};

/// Types what an administrator of Cyrus types, and shows what comes.
const SHELL: &str = r#"
set timeout 40
set port [lindex $argv 0]
set password [lindex $argv 1]
spawn -noecho cyradm --user root --password $password --auth PLAIN --port $port 127.0.0.1
proc prompt {} {
    expect {
        "127.0.0.1> " {}
        timeout { puts "NO prompt"; exit 3 }
        eof { puts "ENDED"; exit 4 }
    }
}
prompt
foreach command [lrange $argv 2 end] {
    send "$command\r"
    prompt
}
send "quit\r"
expect eof
"#;

/// Runs commands; gives what was said after each.
fn cyradm(chapar: &Chapar, commands: &[&str]) -> Vec<String> {
    let script = chapar.directory().join("cyradm.exp");
    std::fs::write(&script, SHELL).unwrap();
    let said = run(Command::new("timeout")
        .args(["90", "expect"])
        .arg(&script)
        .arg(chapar.imap.port().to_string())
        .arg(PASSWORD)
        .args(commands));
    let mut answers = Vec::new();
    // What the line editor does to the terminal is no answer.
    let said: String = said
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect();
    let mut rest = said.as_str();
    for command in commands {
        let (_, after) = rest.split_once(&format!("127.0.0.1> {command}")).unwrap();
        let (answer, _) = after.split_once("127.0.0.1> ").unwrap();
        // Lists come in columns, and Perl keeps entries in no order.
        let entries = answer.lines().flat_map(|line| line.split("  "));
        let entries = entries.map(str::trim).filter(|entry| !entry.is_empty());
        let mut entries: Vec<&str> = entries.collect();
        entries.sort_unstable();
        answers.push(entries.join("\n"));
        rest = after;
    }
    answers
}

#[test]
fn cyradm_administers_a_site() {
    let chapar = Chapar::with_settings(&["namespace.look = \"cyrus\"".to_owned()]);
    for name in ["root", "joe"] {
        chapar.add_account(name);
    }
    let granted = chapar.run(&["role", "grant", "root", "administrator"], "");
    assert!(granted.status.success());
    let steps = [
        ("cm user.bob", ""),
        (
            "cm user.bob",
            "createmailbox: [ALREADYEXISTS] The mailbox exists already",
        ),
        ("cm bb", ""),
        ("cm bb.announce", ""),
        ("sam bb anyone lrsp joe lrswipkxtecda", ""),
        (
            "sam bb nobody lrs",
            "setaclmailbox: nobody: lrs: [CANNOT] There is no user or group nobody",
        ),
        ("lam bb", "anyone lrsp\njoe lrswipkxtecda"),
        ("dam bb joe", ""),
        ("lam bb", "anyone lrsp"),
        ("sq user.joe STORAGE 50000", ""),
        ("lq user.joe", "STORAGE 0/50000 (0%)"),
        ("lqm user.joe.Sent", "user.joe STORAGE 0/50000 (0%)"),
        ("mboxcfg bb comment Board", ""),
        ("cm --specialuse \\\\Important user.bob.Kept", ""),
        ("renm bb.announce bb.news", ""),
        ("lm bb*", "bb (\\HasChildren)\nbb.news (\\HasNoChildren)"),
        ("dm bb.news", ""),
        ("dm bb", ""),
        ("lm bb*", ""),
        ("dm bb", "deletemailbox: [NONEXISTENT] No such mailbox"),
        ("renm user.bob user.robert", ""),
        ("lm user.robert", "user.robert (\\HasChildren)"),
        ("dm user.robert", ""),
    ];
    let commands: Vec<&str> = steps.iter().map(|(command, _)| *command).collect();
    let answers = cyradm(&chapar, &commands);
    for ((command, expected), said) in steps.iter().zip(answers) {
        assert_eq!(said, *expected, "{command}");
    }
}
