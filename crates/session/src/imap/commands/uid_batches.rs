//! UIDBATCHES: RFC 10022.

use imap::{command::UidBatches, encode, response::Code};

use crate::{
    Outlet,
    imap::{
        refusal::{Done, Outcome, Refusal},
        state::Selected,
        sync::flush_if_full,
        view::View,
    },
};

/// The smallest batch: §3.1.3.2 wants no larger one, and no smaller.
const BATCH_MESSAGES_MIN: u32 = 500;

/// Messages that a range of batches may span: §3.1.5. Without a range all are told, however many
/// there are: it costs by the number of batches.
const SPAN_MESSAGES_MAX: u64 = 100_000;

/// Answers that are remembered, to know the same request again.
const ANSWERS_MAX: usize = 64;

/// An answer, and the mailbox that it was for.
#[derive(Debug)]
pub(crate) struct Answered {
    request: UidBatches,
    /// UIDs from here on are of messages that have come since.
    uid_next: u32,
    /// How many messages there were.
    messages: u32,
}

/// Answers UIDBATCHES.
pub(crate) async fn uid_batches(
    selected: &mut Selected,
    tag: &str,
    request: &UidBatches,
    out: &mut impl Outlet,
) -> Outcome {
    may(request)?;
    let view = &selected.view;
    let answered = &mut selected.batches;
    answered.retain(|answer| &answer.request != request || !answer.is_outdated(view));
    if answered.iter().any(|answer| &answer.request == request) {
        // §3.1.1: so that nobody has it worked out again and again.
        let text =
            "Half a batch of messages has to come or go before the same batches are told again";
        return Err(Refusal::no(Code::Limit, text).into());
    }
    encode::uid_batches_start(out.buffer(), tag);
    let mut first = true;
    for (last, lowest) in batches(view, request) {
        encode::uid_batch(out.buffer(), first, (last, lowest));
        first = false;
        flush_if_full(out).await?;
    }
    out.buffer().extend_from_slice(b"\r\n");
    if answered.len() >= ANSWERS_MAX {
        answered.remove(0);
    }
    answered.push(Answered {
        request: request.clone(),
        uid_next: view.largest_uid().saturating_add(1),
        messages: view.len(),
    });
    Ok(Done::new("UIDBATCHES completed"))
}

/// Whether that may be asked at all.
fn may(request: &UidBatches) -> Result<(), Refusal> {
    if let Some((from, to)) = request.range {
        if from > to {
            let text = "The range of batches has to begin with the lower one";
            return Err(Refusal::bad_with(Code::ClientBug, text));
        }
        let count = u64::from(to.get() - from.get()) + 1;
        if count * u64::from(request.size.get()) > SPAN_MESSAGES_MAX {
            let text = "No more than 100000 messages at once";
            return Err(Refusal::no(Code::TooMany, text));
        }
    }
    if request.size.get() < BATCH_MESSAGES_MIN {
        return Err(Refusal::no(Code::TooFew, "Minimum batch size is 500"));
    }
    Ok(())
}

/// The batches asked for, each with its highest and its lowest UID, from the newest to the
/// oldest. No UID is between two of them, and the oldest goes down to 1.
fn batches<'a>(view: &'a View, request: &UidBatches) -> impl Iterator<Item = (u32, u32)> + use<'a> {
    let (messages, size) = (view.len(), request.size.get());
    let range = request.range.map(|(from, to)| (from.get(), to.get()));
    let (from, to) = range.unwrap_or((1, u32::MAX));
    // The lowest UID of the first so many batches.
    let lowest = move |batches: u32| match messages.checked_sub(batches.saturating_mul(size)) {
        Some(older @ 1..) => view.uid_at(older + 1).map(|uid| uid.0),
        _ => Some(1),
    };
    let count = messages.div_ceil(size);
    (from..=to.min(count)).map_while(move |batch| {
        let highest = match batch {
            1 => view.largest_uid(),
            _ => lowest(batch - 1)? - 1,
        };
        Some((highest, lowest(batch)?))
    })
}

impl Answered {
    /// Whether more than half a batch of messages has come or gone since: §3.1.1.
    fn is_outdated(&self, view: &View) -> bool {
        let new: imap::UidSet = [(self.uid_next, u32::MAX)].into_iter().collect();
        let came = view.count_in(&new);
        let left = u64::from(view.len()) - came;
        let went = u64::from(self.messages).saturating_sub(left);
        let half = u64::from(self.request.size.get() / 2);
        came > half || went > half
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::imap::tests::{World, run};

    fn number(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).unwrap()
    }

    fn asked(size: u32, range: Option<(u32, u32)>) -> UidBatches {
        UidBatches {
            size: number(size),
            range: range.map(|(from, to)| (number(from), number(to))),
        }
    }

    #[test]
    fn batches_lie_side_by_side() {
        run(async {
            let world = World::with_messages(12).await;
            world.expunge(&[1, 4, 12]).await;
            let view = View::new(world.mailbox().await);
            // 2 3 5 6 7 8 9 10 11
            for (size, range, expected) in [
                (4, None, &[(11, 8), (7, 3), (2, 1)][..]),
                (3, None, &[(11, 9), (8, 6), (5, 1)]),
                (9, None, &[(11, 1)]),
                (1000, None, &[(11, 1)]),
                (4, Some((1, 1)), &[(11, 8)]),
                (4, Some((2, 3)), &[(7, 3), (2, 1)]),
                (4, Some((3, 9)), &[(2, 1)]),
                (4, Some((4, 9)), &[]),
            ] {
                let found: Vec<_> = batches(&view, &asked(size, range)).collect();
                assert_eq!(found, expected, "{size} {range:?}");
            }
        });
    }

    #[test]
    fn an_empty_mailbox_has_none() {
        run(async {
            let world = World::new().await;
            let view = View::new(world.mailbox().await);
            assert_eq!(batches(&view, &asked(500, None)).count(), 0);
        });
    }

    #[test]
    fn what_may_be_asked() {
        for (size, range, expected) in [
            (500, None, None),
            (499, None, Some("TOOFEW")),
            (2000, Some((4, 1)), Some("CLIENTBUG")),
            (2000, Some((1, 50)), None),
            (2000, Some((1, 51)), Some("TOOMANY")),
            (u32::MAX, Some((1, u32::MAX)), Some("TOOMANY")),
            (u32::MAX, None, None),
        ] {
            let code = match may(&asked(size, range)) {
                Ok(()) => None,
                Err(Refusal::No(code, _) | Refusal::Bad(code, _)) => code,
            };
            assert_eq!(code.map(|code| code.name()), expected, "{size} {range:?}");
        }
    }
}
