//! NOTIFY: RFC 5465 §3.1.

use imap::command::Notify;

use crate::{
    Outlet,
    imap::{
        Session,
        notify::{Notifying, Registered},
        refusal::{Done, Outcome},
        state::{Selected, State, User},
        sync::{Expunges, Wants},
    },
};

impl Session {
    /// Answers NOTIFY. A SET is a NOOP too, and tells all that has gathered, of what was asked for before as well.
    pub(in crate::imap) async fn notify(
        &mut self,
        user: &User,
        asked: Option<&Notify>,
        out: &mut impl Outlet,
    ) -> Outcome {
        let Some(asked) = asked else {
            self.notifying = Notifying::Nothing;
            self.want();
            return Ok(Done::new("No more notifications"));
        };
        // From here on nothing is missed, whatever is told below.
        let registered = Box::new(Registered::new(asked, user, self.enabled).await?);
        self.look();
        if let State::Selected(selected) = &mut self.state {
            selected.wants = Wants {
                fetch: selected.wants.fetch.take(),
                ..Wants::default()
            };
        }
        self.tell_selected(Expunges::Told, out).await?;
        self.tell_others(out).await?;
        if asked.status {
            let selected = self.state.selected().map(Selected::place);
            registered
                .statuses(user, selected, self.enabled, out)
                .await?;
        }
        self.notifying = Notifying::Set(registered);
        self.want();
        Ok(Done::new("NOTIFY completed"))
    }
}
