//! The mail that says that a quota fills up.

use mail::encoded_word;
use store::{
    Resource, Timestamp,
    quota::{Crossed, QuotaRoot},
};

use crate::{
    Language,
    imap::wording::{Text, Value},
    lmtp::date,
};

/// Whom a warning is for, and what it is about.
#[derive(Debug, Clone, Copy)]
pub struct Warning<'a> {
    /// What fills up.
    pub crossed: &'a Crossed,
    /// The domain whose it is, if it is not the reader's own.
    pub domain: Option<&'a str>,
    /// The account's name.
    pub to: &'a str,
    /// The language that is preferred for them.
    pub language: Option<&'a str>,
    /// The server's name.
    pub hostname: &'a str,
    /// Now.
    pub now: Timestamp,
}

impl Warning<'_> {
    /// The message, with CRLF. RFC 3834: nobody is to answer it.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let Self { hostname, now, .. } = *self;
        let language = self.language.and_then(Language::tagged);
        let language = language.unwrap_or_default();
        let subject = self.subject().say(language);
        let what = self.what().say(language);
        let advice = Text::from(
            "When nothing is left, new mail is refused. Messages that are deleted and expunged make room.",
        )
        .say(language);
        let date = date(now);
        let to = if self.to.contains('@') {
            self.to.to_owned()
        } else {
            format!("{}@{hostname}", self.to)
        };
        let number = self.crossed.account.0;
        let id = format!(
            "quota.{:x}.{number:x}.{}@{hostname}",
            now.unix, self.crossed.percent
        );
        let before =
            format!("Date: {date}\r\nFrom: postmaster@{hostname}\r\nTo: {to}\r\nSubject: ");
        let after = format!(
            "\r\nMessage-ID: <{id}>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
             {what}\r\n\r\n{advice}\r\n"
        );
        let subject = encoded_word::encode(&subject);
        [before.as_bytes(), &subject, after.as_bytes()].concat()
    }

    fn subject(&self) -> Text {
        let percent = u64::from(self.crossed.percent).into();
        match self.domain {
            Some(domain) => Text::with(
                "{} percent of the quota of {} are used",
                [percent, domain.to_owned().into()],
            ),
            None => Text::with("{} percent of your quota are used", [percent]),
        }
    }

    fn what(&self) -> Text {
        let Crossed {
            used, limit, root, ..
        } = self.crossed;
        let place: Value = match root {
            QuotaRoot::Name(name) => name.to_string().into(),
            QuotaRoot::Account => "all mailboxes".into(),
            QuotaRoot::Domain(_) => "the domain".into(),
        };
        let values = [place, (*used).into(), (*limit).into()];
        match self.crossed.resource {
            Resource::Storage => Text::with("{}: {} of {} KiB are used by messages", values),
            Resource::Message => Text::with("{}: there are {} of {} messages", values),
            Resource::Mailbox => Text::with("{}: there are {} of {} mailboxes", values),
            Resource::AnnotationStorage => {
                Text::with("{}: {} of {} KiB are used by annotations", values)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use store::AccountId;

    use super::*;

    fn message(language: Option<&str>, domain: Option<&str>, root: QuotaRoot) -> String {
        let crossed = Crossed {
            account: AccountId(10),
            root,
            resource: Resource::Storage,
            percent: 80,
            used: 81,
            limit: 100,
        };
        let warning = Warning {
            crossed: &crossed,
            domain,
            to: "ann",
            language,
            hostname: "mx.example",
            now: Timestamp {
                unix: 0,
                zone_minutes: 0,
            },
        };
        String::from_utf8(warning.message()).unwrap()
    }

    #[test]
    fn a_warning_is_a_message_in_the_readers_language() {
        assert_eq!(
            message(None, None, QuotaRoot::Account),
            "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nFrom: postmaster@mx.example\r\n\
             To: ann@mx.example\r\nSubject: 80 percent of your quota are used\r\n\
             Message-ID: <quota.0.a.80@mx.example>\r\nAuto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 8bit\r\n\r\n\
             all mailboxes: 81 of 100 KiB are used by messages\r\n\r\n\
             When nothing is left, new mail is refused. Messages that are deleted and expunged make room.\r\n"
        );
        let german = message(Some("de"), None, QuotaRoot::Account);
        assert!(german.contains("\r\n\r\nalle Postfächer: "), "{german}");
        let domain = QuotaRoot::Domain("a.example".into());
        let domain = message(None, Some("a.example"), domain);
        assert!(
            domain.contains("80 percent of the quota of a.example"),
            "{domain}"
        );
    }
}
