//! How costs grow with the number of messages in a mailbox and with the number of accounts.
//!
//! What grows faster than the answer is a defect. So the sizes are those of the question, and what is counted is a
//! command, or a message of an answer that has all of them.

use crate::{
    failure::Result,
    measure,
    results::Growth,
    scene::{Scale, Scene},
    workload,
};

/// Runs what can be run at any size, at every size that the scale has; what it was is given away when it is there.
pub(crate) fn run(
    scenes: &mut [Scene],
    scale: Scale,
    rounds: u32,
    wanted: impl Fn(&str) -> bool,
    mut done: impl FnMut(Growth) -> Result<()>,
) -> Result<()> {
    let messages: &[u64] = scale.pick(
        &[1_000, 10_000, 100_000],
        &[1_000, 10_000, 100_000, 1_000_000],
    );
    let accounts: &[u64] = &[100, 1_000, 10_000];
    for (across, sizes) in [("messages", messages), ("accounts", accounts)] {
        for &size in sizes {
            let at = || match across {
                "messages" => workload::at_size(size),
                _ => workload::at_accounts(size),
            };
            measure::run(scenes, rounds, at, &wanted, |row| {
                done(Growth {
                    across: across.to_owned(),
                    size,
                    row,
                })
            })?;
        }
    }
    Ok(())
}
