//! Mail to mailboxes that have an address of their own: `+detail`, and shared ones.

use store::{Account, AccountId, Identifier, Limits, MailboxName, Resource, Rights, Who};

use super::World;
use crate::{
    Peer,
    lmtp::{OverQuota, Session, Settings},
};

/// A mailbox, and what it lets strangers do, if anything was said of that.
async fn create(account: &Account, name: &str, list: Option<&[(Who, &str)]>) {
    let name = MailboxName::new(name).unwrap();
    let id = account.create(&name, None).await.unwrap();
    if let Some(list) = list {
        let entry = |(who, rights): &(Who, &str)| {
            let rights = Rights::parse(rights).unwrap();
            (Identifier::from(who.clone()), rights)
        };
        let acl = list.iter().map(entry).collect();
        account.set_acl(id, Some(acl)).await.unwrap();
    }
}

impl World {
    /// The account of the site's shared mailboxes.
    async fn shared(&self) -> Account {
        let id = AccountId(self.directory.shared("").unwrap());
        self.services.store.shared_account(id).await.unwrap()
    }

    /// The code that a recipient is answered with.
    async fn rcpt(&mut self, address: &str) -> String {
        self.rcpt_with(address, "").await
    }

    /// The same, with a parameter.
    async fn rcpt_with(&mut self, address: &str, parameter: &str) -> String {
        let said = self
            .hears(format!(
                "RSET\r\nMAIL FROM:<>\r\nRCPT TO:<{address}> {parameter}\r\n"
            ))
            .await;
        let reply = said.lines().last().unwrap();
        reply[..9].to_owned()
    }

    /// Delivers a message to an address.
    async fn post(&mut self, address: &str) {
        assert_eq!(self.rcpt(address).await, "250 2.1.5", "{address}");
        let said = self.hears("DATA\r\nhello\r\n.\r\n").await;
        assert!(said.ends_with("250 2.0.0 Delivered\r\n"), "{said}");
    }

    async fn count(&self, account: &Account, name: &str) -> usize {
        self.messages(account, name).await.len()
    }
}

#[tokio::test]
async fn shared_mailboxes_are_posted_to_by_name_where_everybody_may() {
    let mut world = World::greeted().await;
    let shared = world.shared().await;
    create(&shared, "Board", Some(&[(Who::Anyone, "lrsp")])).await;
    create(&shared, "Board/Info", Some(&[(Who::Anonymous, "p")])).await;
    create(
        &shared,
        "Board/Staff",
        Some(&[(Who::Authenticated, "lrsp")]),
    )
    .await;
    create(&shared, "Own", None).await;
    for (address, code) in [
        ("+Board@example", "250 2.1.5"),
        ("post+Board@example", "250 2.1.5"),
        ("Post+board.info@example", "250 2.1.5"),
        ("+board/info@example", "250 2.1.5"),
        ("+board", "250 2.1.5"),
        ("info@example", "250 2.1.5"),
        ("+Board.Staff@example", "550 5.7.1"),
        ("+Own@example", "550 5.7.1"),
        ("+nosuch@example", "550 5.1.1"),
        ("+Board@elsewhere", "550 5.1.1"),
        ("info@elsewhere", "550 5.1.1"),
        ("+@example", "550 5.1.1"),
        ("post@example", "550 5.1.1"),
        ("other+Board@example", "550 5.1.1"),
    ] {
        assert_eq!(world.rcpt(address).await, code, "{address}");
    }
    for (address, name) in [
        ("+board@example", "Board"),
        ("post+board.info@example", "Board/Info"),
        ("info@example", "Board/Info"),
        // Nothing of that name is below it.
        ("info+nosuch@example", "Board/Info"),
    ] {
        let before = world.count(&shared, name).await;
        world.post(address).await;
        assert_eq!(world.count(&shared, name).await, before + 1, "{address}");
    }
}

#[tokio::test]
async fn a_detail_names_a_mailbox_that_takes_mail_and_else_it_is_inbox() {
    let mut world = World::greeted().await;
    let ann = world.account("ann").await;
    create(&ann, "Plain", None).await;
    create(&ann, "Open", Some(&[(Who::Anyone, "p")])).await;
    create(&ann, "Bobs", Some(&[(Who::Owner, "lrswipkxtea")])).await;
    create(
        &ann,
        "Never",
        Some(&[(Who::Anyone, "p"), (Who::Owner, "lr")]),
    )
    .await;
    let never = ann.snapshot();
    let never = never.named(&MailboxName::new("Never").unwrap()).unwrap();
    let takes = Identifier {
        negative: true,
        who: Who::Anonymous,
    };
    let acl = never.acl().with(&takes, Rights::POST);
    ann.set_acl(never.id(), Some(acl)).await.unwrap();
    for (detail, name) in [
        ("Plain", "Plain"),
        ("plain", "Plain"),
        ("Open", "Open"),
        ("Bobs", "INBOX"),
        ("Never", "INBOX"),
        ("nosuch", "INBOX"),
    ] {
        let before = world.count(&ann, name).await;
        world.post(&format!("ann+{detail}@example")).await;
        assert_eq!(world.count(&ann, name).await, before + 1, "{detail}");
    }
}

#[tokio::test]
async fn a_right_that_is_taken_before_the_message_has_come_counts() {
    let mut world = World::greeted().await;
    let shared = world.shared().await;
    create(&shared, "Board", Some(&[(Who::Anyone, "p")])).await;
    world
        .hears("MAIL FROM:<>\r\nRCPT TO:<+Board@example>\r\nDATA\r\n")
        .await;
    let board = shared.snapshot();
    let board = board.named(&MailboxName::new("Board").unwrap()).unwrap();
    shared
        .set_acl(board.id(), Some(store::Acl::default()))
        .await
        .unwrap();
    let said = world.hears("hello\r\n.\r\n").await;
    assert!(said.starts_with("550 5.7.1 "), "{said}");
    assert_eq!(world.count(&shared, "Board").await, 0);
}

#[tokio::test]
async fn without_room_mail_is_refused_before_it_is_sent_and_after() {
    let mut world = World::greeted().await;
    let ann = world.account("ann").await;
    create(&ann, "Small", Some(&[(Who::Anyone, "p")])).await;
    let small = MailboxName::new("Small").unwrap();
    limit(&ann, None, Resource::Message, 3).await;
    limit(&ann, Some(&small), Resource::Storage, 1).await;
    // Small has a KiB, and what is in it leaves room for less: a declared size tells beforehand.
    world.post("ann+small@example").await;
    let said = world
        .hears("MAIL FROM:<> SIZE=500\r\nRCPT TO:<ann+small@example>\r\n")
        .await;
    assert!(said.ends_with("250 2.1.5 Recipient OK\r\n"), "{said}");
    let said = world
        .hears("RSET\r\nMAIL FROM:<> SIZE=1000\r\nRCPT TO:<ann+small@example>\r\n")
        .await;
    let full = "452 4.2.2 The mailbox is over quota\r\n";
    assert!(said.ends_with(full), "{said}");
    // There is room for one more message in the account, which several are promised.
    world.post("ann@example").await;
    world
        .hears("RSET\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example>\r\nRCPT TO:<ann+small@example>\r\nRCPT TO:<bob@example>\r\n")
        .await;
    let said = world.hears("DATA\r\nhello\r\n.\r\n").await;
    let codes: Vec<_> = said.lines().skip(1).map(|line| &line[..9]).collect();
    assert_eq!(codes, ["250 2.0.0", "452 4.2.2", "250 2.0.0"]);
    assert_eq!(world.rcpt("ann@example").await, "452 4.2.2");
    let ignoring = world.rcpt_with("ann@example", "IGNOREQUOTA").await;
    assert_eq!(ignoring, "250 2.1.5");
    let said = world.hears("DATA\r\nhello\r\n.\r\n").await;
    assert!(said.ends_with("250 2.0.0 Delivered\r\n"), "{said}");
    assert_eq!(world.rcpt("bob@example").await, "250 2.1.5");
    limit(&ann, None, Resource::Message, 5).await;
    assert_eq!(world.rcpt("ann@example").await, "250 2.1.5");
    limit(&ann, None, Resource::Message, 1).await;
    // As it may be set.
    let mut services = world.services.clone();
    services.lmtp = Settings {
        over_quota: OverQuota::Permanent,
        ..Settings::default()
    }
    .into();
    world.session = Session::new(services, Peer::default());
    world.hears("LHLO client.example\r\n").await;
    assert_eq!(world.rcpt("ann@example").await, "552 5.2.2");
}

/// Sets a limit of an account, or of a mailbox of it.
async fn limit(account: &Account, root: Option<&MailboxName>, resource: Resource, limit: u64) {
    let mut limits = Limits::default();
    limits.set(resource, Some(limit));
    account.set_quota(root, Some(limits)).await.unwrap();
}

#[tokio::test]
async fn over_the_network_quotas_hold_for_everybody() {
    let mut world = World::with(Peer {
        address: Some("192.0.2.1".parse().unwrap()),
        ..Peer::default()
    })
    .await;
    let offered = world.hears("LHLO client.example\r\n").await;
    assert!(!offered.contains("IGNOREQUOTA"), "{offered}");
    let refused = world.rcpt_with("ann@example", "ignorequota").await;
    assert_eq!(refused, "555 5.5.4");
}
