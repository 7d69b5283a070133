//! Roles from outside: users of the machine at the control socket, and who is connected to the server.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Output},
};

use crate::chapar::{Chapar, PASSWORD, text};

/// A user who is on every machine, and has nothing to do with mail.
const NOBODY: u32 = 65534;

/// `chapar` as that user.
fn as_nobody(chapar: &Chapar, program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    let command = command.args(arguments).arg("--config").arg(chapar.config());
    command.uid(NOBODY).gid(NOBODY).output().unwrap()
}

fn ok(chapar: &Chapar, arguments: &[&str]) -> String {
    let done = chapar.run(arguments, PASSWORD);
    assert!(done.status.success(), "{arguments:?}: {}", text(&done));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn a_user_of_the_machine_may_do_what_their_role_permits_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    if fs::metadata(folder.path()).unwrap().uid() != 0 {
        // Only root can be somebody else.
        return;
    }
    let open = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    open(folder.path());
    let program = folder.path().join("chapar");
    fs::copy(env!("CARGO_BIN_EXE_chapar"), &program).unwrap();
    let place = folder.path().join("admin.sock");
    let extra = format!(
        "[control]\nsocket = \"{}\"\nmode = \"0666\"\n",
        place.display()
    );
    let mut chapar = Chapar::prepare(&extra);
    open(chapar.directory());
    for name in ["ann@a.test", "bob@b.test", "boss@a.test"] {
        chapar.add_account(name);
    }
    chapar.start();
    ok(&chapar, &["role", "grant", "boss@a.test", "administrator"]);
    let list = ["account", "list"];
    let refused = as_nobody(&chapar, &program, &list);
    let said = text(&refused);
    assert!(
        !refused.status.success() && said.contains("no role"),
        "{said}"
    );

    let role = "help-desk@a.test";
    ok(&chapar, &["role", "grant", "--unix", "nobody", role]);
    let listed = as_nobody(&chapar, &program, &list);
    let said = text(&listed);
    assert!(listed.status.success(), "{said}");
    assert!(
        said.contains("ann@a.test") && !said.contains("b.test"),
        "{said}"
    );
    for (arguments, permitted) in [
        (&["account", "show", "ann@a.test"][..], true),
        (&["account", "disable", "ann@a.test"], true),
        (&["account", "show", "bob@b.test"], false),
        (&["account", "disable", "boss@a.test"], false),
        (&["fetch", "ann@a.test", "INBOX", "ALL"], false),
        (&["role", "grant", "ann@a.test", role], false),
        (&["export", "--to", "/tmp/x"], false),
        (&["verify"], false),
    ] {
        let done = as_nobody(&chapar, &program, arguments);
        let said = text(&done);
        assert_eq!(done.status.success(), permitted, "{arguments:?}: {said}");
        assert_eq!(said.contains("not permitted"), !permitted, "{said}");
    }
    assert!(ok(&chapar, &["account", "show", "ann@a.test"]).contains("disabled"));
    // What was refused is in the log, with who asked.
    let log = ok(&chapar, &["log", "--with", "admin nobody"]);
    assert!(log.contains("refused") && log.contains("export"), "{log}");
}

#[test]
fn who_is_connected_is_seen_and_sent_away() {
    let chapar = Chapar::with_accounts(&["ann", "root"]);
    ok(&chapar, &["role", "grant", "root", "administrator"]);
    let mut ann = chapar.login("ann");
    let mut root = chapar.login("\"ann*root\"");
    let who = ok(&chapar, &["who"]);
    assert!(
        who.contains("root as ann") && who.contains("127.0.0.1"),
        "{who}"
    );
    assert_eq!(who.lines().count(), 3, "{who}");
    root.ok("CREATE Made");
    let history = ok(&chapar, &["history", "ann"]);
    assert!(history.contains("imap root as ann 127.0.0.1"), "{history}");

    ann.ok("SELECT INBOX");
    let kicked = ok(&chapar, &["kick", "ann"]);
    assert!(kicked.contains("ended 2 sessions"), "{kicked}");
    for connection in [&mut ann, &mut root] {
        let goodbye = connection.read_line();
        assert_eq!(goodbye, "* BYE An administrator has ended the session");
    }
    let done = chapar.run(&["kick", "ann"], "");
    assert!(!done.status.success(), "{}", text(&done));
    assert!(ok(&chapar, &["who", "ann"]).contains("sessions 0"));
}

#[test]
fn who_is_removed_is_there_no_longer() {
    let chapar = Chapar::with_accounts(&["ann", "bob", "root"]);
    ok(&chapar, &["role", "grant", "root", "administrator"]);
    let [mut ann, mut bob, mut root] = ["ann", "bob", "root"].map(|name| chapar.login(name));
    ok(&chapar, &["account", "rename", "ann", "anna"]);
    let who = ok(&chapar, &["who", "anna"]);
    assert!(who.contains("sessions 1"), "{who}");
    ok(&chapar, &["account", "remove", "anna", "--yes"]);
    root.ok("DELETE \"Other Users/bob\"");
    for connection in [&mut ann, &mut bob] {
        let goodbye = connection.read_line();
        assert_eq!(goodbye, "* BYE An administrator has ended the session");
    }
    root.ok("NOOP");
}

#[test]
fn a_login_is_tested_with_and_without_a_server() {
    let mut chapar = Chapar::with_accounts(&["ann"]);
    for _ in 0..2 {
        let test = ["auth", "test", "Ann@example.test", "--password-stdin"];
        assert!(ok(&chapar, &test).contains("ann is let in"));
        let wrong = chapar.run(&test, "wrong");
        let said = text(&wrong);
        assert!(said.contains("the password is wrong"), "{said}");
        assert_eq!(wrong.status.code(), Some(1));
        chapar.kill();
    }
    let who = chapar.run(&["who"], "");
    assert!(text(&who).contains("no server runs"), "{}", text(&who));
}
