//! What the client is told of its mistakes, to the word.

use alloc::{borrow::ToOwned, string::ToString};

use super::super::{SyntaxErrorKind, command as parse};

const TOLD: &[(&str, &str)] = &[
    ("", "Syntax error: expected a tag at octet 1"),
    ("* NOOP", "Syntax error: expected a tag at octet 1"),
    ("+ NOOP", "Syntax error: expected a tag at octet 1"),
    (
        "a",
        "Syntax error: expected a space after the tag at octet 2",
    ),
    (
        "a ",
        "Syntax error: expected the name of a command at octet 3",
    ),
    ("a XYZZY now", "Unknown command \"XYZZY\""),
    ("a UID NOOP", "Unknown command \"UID NOOP\""),
    ("a FETCHX 1 FLAGS", "Unknown command \"FETCHX\""),
    (
        "a NOOP now",
        "Syntax error: expected the command to end after NOOP at octet 8",
    ),
    (
        "a STATUS INBOX",
        "Syntax error: expected a space after the mailbox name at octet 15",
    ),
    (
        "a STATUS INBOX ()",
        "Syntax error: nothing in the parentheses of the STATUS items at octet 16",
    ),
    (
        "a STATUS INBOX (X)",
        "Syntax error: unknown STATUS item at octet 17",
    ),
    (
        "a SELECT",
        "Syntax error: expected a space after the name of the command at octet 9",
    ),
    (
        "a SELECT \"x",
        "Syntax error: quoted string without its closing quote at octet 10",
    ),
    (
        "a LOGIN \"x\\y\" z",
        "Syntax error: backslash in a quoted string before neither '\"' nor '\\' at octet 11",
    ),
    (
        "a LOGIN {3}\r\nx",
        "Syntax error: literal is not all there at octet 9",
    ),
    (
        "a LOGIN {1}\r\n\0 x",
        "Syntax error: NUL in a literal at octet 9",
    ),
    (
        "a LOGIN ü x",
        "Syntax error: expected a user name at octet 9",
    ),
    (
        "a AUTHENTICATE PLAIN x",
        "Syntax error: the initial response is not base64 at octet 22",
    ),
    (
        "a FETCH 0 FLAGS",
        "Syntax error: a message number is not between 1 and 4294967295 at octet 9",
    ),
    (
        "a FETCH 4294967296 FLAGS",
        "Syntax error: a message number is not between 1 and 4294967295 at octet 9",
    ),
    (
        "a FETCH 1, FLAGS",
        "Syntax error: expected a message number at octet 11",
    ),
    (
        "a FETCH 1 (FLAGS",
        "Syntax error: expected a space or ')' in the FETCH items at octet 17",
    ),
    (
        "a FETCH 1 X",
        "Syntax error: unknown FETCH item at octet 11",
    ),
    (
        "a FETCH 1 BODY[MIME]",
        "Syntax error: unknown section at octet 16",
    ),
    (
        "a FETCH 1 BODY[1.]",
        "Syntax error: expected a part number or section after '.' at octet 18",
    ),
    (
        "a FETCH 1 BODY[1.0]",
        "Syntax error: a part number is not between 1 and 4294967295 at octet 18",
    ),
    (
        "a FETCH 1 BODY[]<0.0>",
        "Syntax error: a count of octets must not be 0 at octet 20",
    ),
    (
        "a FETCH 1 FLAGS[]",
        "Syntax error: unknown FETCH item at octet 11",
    ),
    (
        "a FETCH 1 FLAGS (CHANGEDSINCE 9 VANISHED)",
        "Syntax error: VANISHED without UID FETCH and CHANGEDSINCE at octet 17",
    ),
    (
        "a FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)",
        "Syntax error: a modseq is too large at octet 31",
    ),
    (
        "a STORE 1 FLAGS",
        "Syntax error: expected a space after FLAGS at octet 16",
    ),
    (
        "a STORE 1 FLAG ()",
        "Syntax error: expected FLAGS, FLAGS.SILENT or ANNOTATION at octet 11",
    ),
    (
        "a COPY 1",
        "Syntax error: expected a space after the message set at octet 9",
    ),
    (
        "a SEARCH",
        "Syntax error: expected a space after SEARCH at octet 9",
    ),
    (
        "a SEARCH ()",
        "Syntax error: nothing in the parentheses of the search keys at octet 10",
    ),
    (
        "a SEARCH FOO",
        "Syntax error: unknown search key at octet 10",
    ),
    (
        "a SEARCH ALLTHINGSTHATCANBE",
        "Syntax error: unknown search key at octet 10",
    ),
    (
        "a SEARCH ON 31-Feb-2000",
        "Syntax error: there is no such day at octet 13",
    ),
    (
        "a LIST (RECURSIVEMATCH) \"\" *",
        "Syntax error: RECURSIVEMATCH without SUBSCRIBED or SPECIAL-USE at octet 8",
    ),
    (
        "a LIST \"\" () ",
        "Syntax error: nothing in the parentheses of the patterns at octet 11",
    ),
    (
        "a SELECT x (QRESYNC (1 2 3:*))",
        "Syntax error: the known UIDs with '*' or '$' at octet 26",
    ),
    (
        "a APPEND x \"y\" {3}\r\n",
        "Syntax error: expected the day of the month at octet 13",
    ),
    (
        "a APPEND x y",
        "Syntax error: expected a message as a literal at octet 12",
    ),
];

#[test]
fn errors_say_what_and_where() {
    for &(command, told) in TOLD {
        let error = parse(command.as_bytes()).expect_err(command);
        assert_eq!(error.to_string(), told, "{command}");
        let tag = (command.starts_with("a ")).then(|| "a".to_owned());
        assert!(error.tag == tag || command == "a", "{command}");
        let unknown = told.starts_with("Unknown");
        assert_eq!(error.kind == SyntaxErrorKind::UnknownCommand, unknown);
    }
}
