//! Sorting that lets others have their turn.

use std::cmp::Ordering;

use super::pace::Pace;

/// What is sorted at once; longer runs are merged.
const RUN: usize = 4096;

/// Steps of [`Pace`] that a comparison costs.
const STEPS_PER_COMPARISON: usize = 5;

/// Comparisons for each element of a run.
const COMPARISONS_PER_ELEMENT: usize = 12;

/// Everything, in order. No two may compare as equal.
pub(super) async fn sorted<T: Copy>(
    mut all: Vec<T>,
    compare: impl Fn(&T, &T) -> Ordering,
    pace: &mut Pace,
) -> Vec<T> {
    for run in all.chunks_mut(RUN) {
        run.sort_unstable_by(&compare);
        let comparisons = run.len() * COMPARISONS_PER_ELEMENT;
        pace.worked(comparisons * STEPS_PER_COMPARISON).await;
    }
    let mut width = RUN;
    while width < all.len() {
        let mut merged = Vec::with_capacity(all.len());
        for pair in all.chunks(2 * width) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while !left.is_empty() && !right.is_empty() {
                let before = merged.len();
                while merged.len() - before < RUN
                    && let ([a, rest_of_left @ ..], [b, rest_of_right @ ..]) = (left, right)
                {
                    if compare(a, b).is_le() {
                        merged.push(*a);
                        left = rest_of_left;
                    } else {
                        merged.push(*b);
                        right = rest_of_right;
                    }
                }
                let compared = merged.len() - before;
                pace.worked(compared * STEPS_PER_COMPARISON).await;
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        all = merged;
        width *= 2;
    }
    all
}
