//! Other names for the mailboxes of special uses: of clients that insist on `Sent Items`, in the language of
//! whoever wrote them, and would make one beside the mailbox that is there for it.

use std::collections::BTreeMap;

use store::Role;

/// The rule that stands for what the usual clients call them.
const USUAL: &str = "usual";

/// What the usual clients call them: Outlook, Apple Mail, Thunderbird, Gmail's and others, in the languages that
/// the server speaks.
const USUAL_NAMES: &[(Role, &[&str])] = &[
    (
        Role::Sent,
        &[
            "Sent Items",
            "Sent Messages",
            "Sent Mail",
            "Gesendet",
            "Gesendete Elemente",
            "Gesendete Objekte",
            "Éléments envoyés",
            "Messages envoyés",
            "Enviados",
            "Elementos enviados",
            "送信済みアイテム",
            "送信済みメール",
        ],
    ),
    (
        Role::Trash,
        &[
            "Deleted Items",
            "Deleted Messages",
            "Bin",
            "Papierkorb",
            "Gelöschte Elemente",
            "Gelöschte Objekte",
            "Corbeille",
            "Éléments supprimés",
            "Papelera",
            "Elementos eliminados",
            "削除済みアイテム",
            "ごみ箱",
        ],
    ),
    (
        Role::Drafts,
        &["Draft", "Entwürfe", "Brouillons", "Borradores", "下書き"],
    ),
    (
        Role::Junk,
        &[
            "Spam",
            "Junk E-mail",
            "Junk Email",
            "Junk-E-Mail",
            "Bulk Mail",
            "Courrier indésirable",
            "Correo no deseado",
            "迷惑メール",
        ],
    ),
    (
        Role::Archive,
        &["Archives", "Archiv", "Archivo", "アーカイブ"],
    ),
];

/// The names, in lower case, and what each stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases(BTreeMap<String, Role>);

impl Aliases {
    /// Reads rules: `NAME: \Use`, or `usual` for a list of what clients are known to use.
    ///
    /// # Errors
    /// Which rule is none, and why.
    pub fn read(rules: &[String]) -> Result<Self, String> {
        let mut names = BTreeMap::new();
        for rule in rules {
            if rule == USUAL {
                for (role, usual) in USUAL_NAMES {
                    names.extend(usual.iter().map(|name| (name.to_lowercase(), *role)));
                }
                continue;
            }
            let (name, attribute) = rule
                .rsplit_once(':')
                .ok_or_else(|| format!("{rule:?}: it is neither `usual` nor `NAME: \\Use`"))?;
            let attribute = attribute.trim();
            let role = Role::EVERY
                .into_iter()
                .find(|role| role.attribute().eq_ignore_ascii_case(attribute))
                .ok_or_else(|| format!("{rule:?}: {attribute:?} is no special use"))?;
            let name = store::MailboxName::new(name.trim());
            let name = name.map_err(|error| format!("{rule:?}: {error}"))?;
            names.insert(name.as_str().to_lowercase(), role);
        }
        Ok(Self(names))
    }

    /// What a name stands for, in any case.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<Role> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&name.to_lowercase()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_uses() {
        let rules = [
            "usual",
            "Old/Sent: \\Sent",
            "Notes: \\archive",
            "Bin: \\Junk",
        ];
        let aliases = Aliases::read(&rules.map(str::to_owned)).unwrap();
        for (name, expected) in [
            ("Sent Items", Some(Role::Sent)),
            ("sent items", Some(Role::Sent)),
            ("GESENDETE ELEMENTE", Some(Role::Sent)),
            ("éléments supprimés", Some(Role::Trash)),
            ("old/sent", Some(Role::Sent)),
            ("Notes", Some(Role::Archive)),
            ("Bin", Some(Role::Junk)),
            ("Sent", None),
            ("Work/Sent Items", None),
        ] {
            assert_eq!(aliases.role(name), expected, "{name}");
        }
        assert_eq!(Aliases::default().role("Sent Items"), None);
        for rule in ["Sent Items", "x: \\Nothing", "a//b: \\Sent", ": \\Sent"] {
            assert!(Aliases::read(&[rule.to_owned()]).is_err(), "{rule}");
        }
    }
}
