//! Putting messages in the order of numbers that they have, without comparing any: digit by digit, from the last on. Lets
//! others have their turn.

use super::pace::Pace;

/// Bits of a digit.
const DIGIT: u32 = 11;

/// Numbers that a digit has.
const DIGITS: u64 = 1 << DIGIT;

/// What is kept of a number beside the index.
const LOWER_HALF: u64 = 0xFFFF_FFFF;

/// What is done without a turn for others.
const RUN: usize = 4096;

/// Steps of [`Pace`] that it costs to move eight messages.
const STEPS_PER_EIGHT: usize = 2;

/// Puts `order`, which are indexes of `numbers`, in the order of these. Those whose numbers are the same stay in the order
/// in which they came.
pub(super) async fn sorted(mut order: Vec<u32>, numbers: &[u64], pace: &mut Pace) -> Vec<u32> {
    let number = |at: &u32| numbers.get(*at as usize).copied().unwrap_or(0);
    if order.is_sorted_by_key(number) {
        return order;
    }
    let least = numbers.iter().min().copied().unwrap_or(0);
    let most = numbers.iter().max().copied().unwrap_or(0) - least;
    // A number's half goes before the index, so that both are moved as one.
    for half in [0, 32] {
        let most = (most >> half).min(LOWER_HALF);
        if most == 0 {
            break;
        }
        let keyed = |at: &u32| (((number(at) - least) >> half) << 32) | u64::from(*at);
        let mut all: Vec<u64> = order.iter().map(keyed).collect();
        let mut moved = vec![0; all.len()];
        let bits = u64::BITS - most.leading_zeros();
        for shift in (32..32 + bits).step_by(DIGIT as usize) {
            distribute(&all, &mut moved, shift, pace).await;
            std::mem::swap(&mut all, &mut moved);
        }
        order.clear();
        order.extend(all.iter().map(|it| (it & LOWER_HALF) as u32));
    }
    order
}

/// Moves all, in the order of one digit.
async fn distribute(all: &[u64], into: &mut [u64], shift: u32, pace: &mut Pace) {
    let digit = |it: &u64| ((it >> shift) % DIGITS) as usize;
    // Not in place: what is kept across a turn is room in every session.
    let mut ends = vec![0_usize; 1 << DIGIT];
    for it in all {
        if let Some(count) = ends.get_mut(digit(it)) {
            *count += 1;
        }
    }
    let mut before = 0;
    for it in &mut ends {
        (*it, before) = (before, before + *it);
    }
    for run in all.chunks(RUN) {
        for it in run {
            if let Some(end) = ends.get_mut(digit(it))
                && let Some(place) = into.get_mut(*end)
            {
                *place = *it;
                *end += 1;
            }
        }
        pace.worked(run.len() / 8 * STEPS_PER_EIGHT).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::fetch::tests::run;

    #[test]
    fn what_has_the_same_number_stays_in_order() {
        let mut random = fastrand::Rng::with_seed(7);
        for bits in [0, 1, 8, 17, 31, 32, 33, 44, 63, 64] {
            for len in [0, 1, 2, 700, 10_000] {
                let some = |random: &mut fastrand::Rng| random.u64(..).unbounded_shr(64 - bits);
                let offset = u64::MAX.unbounded_shl(bits) & random.u64(..);
                let numbers: Vec<u64> = (0..len).map(|_| offset | some(&mut random)).collect();
                let mut order: Vec<u32> = (0..len).collect();
                random.shuffle(&mut order);
                let mut expected = order.clone();
                expected.sort_by_key(|at| numbers[*at as usize]);
                let sorted =
                    || async { sorted(order.clone(), &numbers, &mut Pace::default()).await };
                run(async { assert_eq!(sorted().await, expected, "{bits} {len}") });
            }
        }
    }
}
