//! Exactly what the rule says goes, and a hold beats it.

use super::*;
use crate::{Role, change::Expiry};

/// A message as a rule sees it: when it was placed, and its size.
type Aged = (Uid, i64, u64);

fn messages(account: &Account, id: MailboxId) -> Vec<Aged> {
    let open = run(account.open_mailbox(id)).unwrap();
    open.every().map(|m| (m.uid, m.save_date, m.size)).collect()
}

/// What stays, said as simply as can be.
fn staying(mut all: Vec<Aged>, rule: Expiry) -> Vec<Aged> {
    if let Some(age) = rule.age_seconds {
        all.retain(|(_, date, _)| NOW.get() - date < i64::try_from(age).unwrap());
    }
    while rule
        .messages_max
        .is_some_and(|max| all.len() > max as usize)
    {
        all.remove(0);
    }
    while rule
        .octets_max
        .is_some_and(|max| all.iter().map(|m| m.2).sum::<u64>() > max)
    {
        all.remove(0);
    }
    all
}

fn some_rule(rng: &mut Rng) -> Option<Expiry> {
    rng.bool().then(|| Expiry {
        age_seconds: rng.bool().then(|| rng.u64(0..3) * 86_400),
        messages_max: rng.bool().then(|| rng.u32(0..20)),
        octets_max: rng.bool().then(|| rng.u64(0..2000)),
    })
}

#[test]
fn what_a_rule_says_goes_and_nothing_else() {
    let mut all = 0;
    for seed in 0..4 * sweep() {
        run(async {
            let mut world = World::new(100 + seed).await;
            let mut expirer = Expirer::new();
            for step in 0..100 {
                world.step().await;
                if step % 5 != 0 {
                    continue;
                }
                let of = world.rng.bool().then(|| world.existing());
                let rule = some_rule(&mut world.rng);
                world.account.set_expiry(of, rule).await.unwrap();
                let mut rules = Rules {
                    default: some_rule(&mut world.rng),
                    ..Rules::default()
                };
                if let Some(rule) = some_rule(&mut world.rng) {
                    rules.roles.insert(Role::Trash, rule);
                }
                world.remember();
                all += expire(&mut world, &mut expirer, &rules).await;
            }
            world.compare(Retention::default()).await;
            nothing_wrong(&world.store);
        });
    }
    assert!(all > 40, "{all}");
}

async fn expire(world: &mut World, expirer: &mut Expirer, rules: &Rules) -> usize {
    let before = world.account.snapshot();
    let mut expected = BTreeMap::new();
    let mut going = BTreeMap::new();
    for (_, mailbox) in before.mailboxes() {
        let there = messages(&world.account, mailbox.id());
        let own = mailbox.expiry().or(before.expiry());
        let of_role = mailbox
            .role()
            .and_then(|role| rules.roles.get(&role).copied());
        let rule = own.or(of_role).or(rules.default);
        let kept = before.held() || mailbox.held();
        let rule = rule.filter(|_| !kept).unwrap_or_default();
        let stays = staying(there.clone(), rule);
        if stays.len() < there.len() {
            going.insert(mailbox.id(), there.len() - stays.len());
        }
        expected.insert(mailbox.id(), stays);
    }
    for mode in [Mode::DryRun, Mode::Do] {
        let mut told = BTreeMap::new();
        let mut report = |expired: Expired| {
            told.insert(expired.mailbox, expired.messages as usize);
        };
        let round = expirer.round(&world.store, rules, mode, &mut report);
        round.await.unwrap();
        assert_eq!(told, going, "{mode:?}");
        if mode == Mode::DryRun {
            assert_eq!(world.account.snapshot().mod_seq(), before.mod_seq());
        }
    }
    for (id, stays) in expected {
        assert_eq!(messages(&world.account, id), stays);
    }
    world.remember();
    going.values().sum()
}
