//! Who may have what done: every verb from the side of every role.

use auth::Roles;
use serde_json::Value;

use super::{context, examples, request, verbs};
use crate::{Context, Heard};

/// A context of somebody with these roles. There are people of `a.test` and of `b.test`, a group and an address of
/// each, and an administrator of the server among those of `a.test`.
async fn asking(folder: &tempfile::TempDir, roles: &[&str]) -> Context {
    let context = context(folder.path()).await;
    let directory = &context.directory;
    for domain in ["a.test", "b.test"] {
        for name in ["ann", "bob"] {
            let name = format!("{name}@{domain}");
            directory.add_without_password(&name).unwrap();
        }
        directory.add_group(&format!("staff@{domain}")).unwrap();
        let address = format!("board@{domain}");
        directory.set_address(&address, domain, "Board").unwrap();
    }
    directory.add_without_password("boss@a.test").unwrap();
    directory.set_roles("boss@a.test", &Roles::all()).unwrap();
    Context {
        roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
        ..context
    }
}

/// What shows of its subject only what its asker may see.
fn is_cut(line: &str) -> bool {
    let words = [
        "account list",
        "account usage",
        "group list",
        "role list",
        "domain list",
        "address list",
        "who",
    ];
    words
        .iter()
        .any(|words| line.starts_with(&format!("chapar {words}")))
        && !line.contains('@')
}

#[tokio::test]
async fn a_role_in_one_domain_is_none_in_another_and_no_role_permits_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let chief = asking(
        &folder,
        &["domain-administrator@b.test", "help-desk@b.test"],
    )
    .await;
    let nobody = Context {
        roles: Roles::default(),
        ..chief.clone()
    };
    for (_, verb) in verbs() {
        for example in examples(&verb) {
            let request = request(&example);
            assert!(nobody.permits(&request).is_err(), "{example}");
            let permitted = chief.permits(&request).is_ok();
            let narrowed = ["chapar account list --domain", "chapar who "];
            let narrowed = narrowed.iter().any(|words| example.starts_with(words));
            let cut = is_cut(&example) || narrowed;
            assert_eq!(permitted, cut, "{example}");
        }
    }
}

#[tokio::test]
async fn each_role_has_its_list_of_verbs() {
    let folder = tempfile::tempdir().unwrap();
    let chief = asking(&folder, &["domain-administrator@a.test"]).await;
    let desk = Context {
        roles: ["help-desk@a.test".parse().unwrap()].into_iter().collect(),
        ..chief.clone()
    };
    for (line, by_chief, by_desk) in [
        ("account add new@a.test --no-password", true, false),
        ("account add new --no-password", false, false),
        ("account remove ann@a.test --yes", true, false),
        ("account rename ann@a.test anna@a.test", true, false),
        ("account rename ann@a.test ann@b.test", false, false),
        ("account rename ann@b.test ann@a.test", false, false),
        ("account passwd ann@a.test", true, true),
        ("account passwd ANN@A.TEST", true, true),
        ("account passwd ann@b.test", false, false),
        ("account passwd nobody@a.test", true, true),
        ("account passwd A77", false, false),
        ("account disable ann@a.test", true, true),
        ("account enable ann@a.test", true, true),
        ("account show ann@a.test", true, true),
        ("account usage ann@a.test", true, true),
        ("account usage @a.test", true, true),
        ("account usage *", false, false),
        ("account usage *@b.test", false, false),
        ("account language ann@a.test de", true, true),
        ("account home ann@a.test mail2.a.test", false, false),
        ("account move ann@a.test fast", false, false),
        // Who has a role is looked after by those who have it, too.
        ("account passwd boss@a.test", false, false),
        ("account remove boss@a.test --yes", false, false),
        ("auth test ann@a.test", true, true),
        ("auth test ann@b.test", false, false),
        ("kick ann@a.test", true, true),
        ("kick ann@b.test", false, false),
        ("kick boss@a.test", false, false),
        ("who", true, true),
        ("log", false, false),
        ("history ann@a.test", true, false),
        ("search ann@a.test INBOX ALL", true, false),
        ("fetch ann@b.test INBOX ALL", false, false),
        ("expunge *@a.test INBOX ALL", false, false),
        ("search --all INBOX ALL", false, false),
        ("search --shared=a.test INBOX ALL", true, false),
        ("search --shared=@a.test INBOX ALL", true, false),
        ("search --shared=b.test INBOX ALL", false, false),
        ("search --shared INBOX ALL", false, false),
        (
            "copy ann@a.test INBOX ALL --to x --to-account bob@a.test",
            true,
            false,
        ),
        (
            "copy ann@a.test INBOX ALL --to x --to-account @b.test",
            false,
            false,
        ),
        (
            "move ann@b.test INBOX ALL --to x --to-account bob@a.test",
            false,
            false,
        ),
        ("undelete ann@a.test INBOX", true, false),
        ("hold lift ann@a.test", false, false),
        ("export ann@a.test --to /tmp/x --format mbox", false, false),
        ("group add crew@a.test", true, false),
        ("group add crew", false, false),
        ("group join staff@a.test ann@a.test", true, false),
        (
            "group join staff@a.test ann@a.test ann@b.test",
            false,
            false,
        ),
        ("group show staff@a.test", true, false),
        ("group show staff@b.test", false, false),
        ("role grant ann@a.test help-desk@a.test", true, false),
        ("role grant ann@b.test help-desk@a.test", false, false),
        ("role grant --unix hilde help-desk@a.test", false, false),
        ("role revoke boss@a.test administrator", false, false),
        ("domain limit a.test", false, false),
        ("address set new@a.test Board --domain a.test", true, false),
        ("address set new@a.test Board --domain b.test", false, false),
        ("address set new@b.test Board --domain a.test", false, false),
        ("address remove board@b.test", false, false),
        // Its `@` only appears when the name is prepared: this is ann of b.test.
        ("account passwd ann\u{ff20}b.test", false, false),
        ("account add new\u{ff20}b.test --no-password", false, false),
    ] {
        let request = request(&format!("chapar {line}"));
        assert_eq!(
            chief.permits(&request).is_ok(),
            by_chief,
            "{line}, by the chief"
        );
        assert_eq!(
            desk.permits(&request).is_ok(),
            by_desk,
            "{line}, by the desk"
        );
    }
}

#[tokio::test]
async fn no_domain_administrator_of_the_site_itself_means_everybody_by_a_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let chief = asking(&folder, &["domain-administrator@"]).await;
    chief.directory.add_without_password("carl").unwrap();
    for (line, permitted) in [
        ("account passwd carl", true),
        ("account usage *", false),
        ("account usage a*", false),
        ("account passwd ann@a.test", false),
        ("account add new\u{ff20}b.test --no-password", false),
    ] {
        let request = request(&format!("chapar {line}"));
        assert_eq!(chief.permits(&request).is_ok(), permitted, "{line}");
    }
}

#[tokio::test]
async fn nobody_gives_a_role_that_they_do_not_have() {
    let folder = tempfile::tempdir().unwrap();
    let chief = asking(&folder, &["domain-administrator@a.test"]).await;
    let mut heard = Heard::default();
    for (line, done) in [
        ("role grant ann@a.test help-desk@a.test", true),
        ("role grant ann@a.test domain-administrator@a.test", true),
        ("role revoke ann@a.test help-desk@a.test", true),
        ("role grant ann@a.test administrator", false),
        ("role grant ann@a.test help-desk@b.test", false),
    ] {
        let request = request(&format!("chapar {line}"));
        chief.permits(&request).unwrap();
        let outcome = request.run(&chief, &mut heard).await;
        assert_eq!(outcome.is_ok(), done, "{line}: {outcome:?}");
    }
    let ann = chief.directory.account("ann@a.test").unwrap();
    let roles: Vec<_> = ann.roles.iter().map(ToString::to_string).collect();
    assert_eq!(roles, ["domain-administrator@a.test"]);
}

#[tokio::test]
async fn what_is_listed_is_cut_to_what_its_asker_may_see() {
    let folder = tempfile::tempdir().unwrap();
    let desk = asking(&folder, &["help-desk@a.test"]).await;
    for name in ["ann@a.test", "ann@b.test"] {
        let id = desk.directory.account(name).unwrap().id;
        desk.store.account(store::AccountId(id)).await.unwrap();
    }
    // Of an account that has been removed, only the server's administrators know.
    desk.store.account(store::AccountId(7)).await.unwrap();
    for line in [
        "account list",
        "account usage",
        "group list",
        "role list",
        "domain list",
        "address list",
    ] {
        let mut heard = Heard::default();
        let request = request(&format!("chapar {line}"));
        desk.permits(&request).unwrap();
        let outcome = request.run(&desk, &mut heard).await.unwrap();
        assert!(!heard.rows.is_empty(), "{line}");
        for row in &heard.rows {
            let told = format!("{} {}", row.line, Value::Object(row.object.clone()));
            assert!(
                told.contains("a.test") && !told.contains("b.test"),
                "{line}: {told}"
            );
        }
        let count = outcome.summary.object.values().next().unwrap();
        assert_eq!(count, heard.rows.len(), "{line}");
    }
}

#[tokio::test]
async fn who_may_not_ask_is_told_the_same_whether_there_is_such_an_account() {
    let folder = tempfile::tempdir().unwrap();
    let desk = asking(&folder, &["help-desk@a.test"]).await;
    let told = |name: &str| {
        let line = format!("chapar account show {name}");
        desk.permits(&request(&line)).unwrap_err().why
    };
    assert_eq!(told("ann@b.test"), told("nobody@b.test"));
    let id = desk.directory.account("ann@b.test").unwrap().id;
    assert_eq!(told(&format!("A{id:x}")), told("A77"));
}

#[tokio::test]
async fn mailboxes_are_for_who_administers_their_domain() {
    let folder = tempfile::tempdir().unwrap();
    let chief = asking(&folder, &["domain-administrator@a.test"]).await;
    for (line, permitted) in [
        ("mailbox list ann@a.test", true),
        ("mailbox status --all INBOX", false),
        ("mailbox create @a.test board", true),
        ("mailbox create @b.test board", false),
        ("mailbox create ann@a.test x --partition slow", false),
        ("mailbox rename ann@a.test x y", true),
        ("mailbox delete --shared=a.test x", true),
        ("mailbox delete --shared x", false),
        ("mailbox move ann@a.test x slow", false),
        ("subscribe ann@a.test x", true),
        ("unsubscribe ann@b.test x", false),
    ] {
        let request = request(&format!("chapar {line}"));
        assert_eq!(chief.permits(&request).is_ok(), permitted, "{line}");
    }
}
