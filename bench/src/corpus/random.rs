//! Numbers that look random and are a function of where one begins.
//!
//! Written out here and not taken from a crate, because a corpus has to be the same octets in every version.

/// `SplitMix64`.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// Begins at a place that all the `parts` decide.
    pub(super) fn of(parts: &[u64]) -> Self {
        Self(
            parts
                .iter()
                .fold(0, |state, part| mix(state ^ mix(part.wrapping_add(GOLDEN)))),
        )
    }

    /// 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.next()) * end as u128;
        usize::try_from(wide >> 64).expect("it is below a usize")
    }

    /// A number from `least` to `most`, both included.
    pub(super) fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True in so many of a hundred.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of some, of which there is at least one.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of.get(self.below(of.len()))
            .expect("it is below the length")
    }

    /// A number of the normal distribution: the sum of twelve, which needs no logarithm that another machine rounds
    /// otherwise.
    #[expect(clippy::cast_precision_loss, reason = "32 bits are exact in an f64")]
    pub(super) fn normal(&mut self) -> f64 {
        (0..12)
            .map(|_| (self.next() >> 32) as f64 / f64::from(u32::MAX))
            .sum::<f64>()
            - 6.0
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// e to the power of `x`, to some thousandths, by multiplication alone: the same on every machine.
pub(super) fn exponential(x: f64) -> f64 {
    (0..16).fold(1.0 + x / 65_536.0, |power, _| power * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_numbers_stay_what_they_were() {
        let mut random = Random::of(&[1, 2, 3]);
        let first: Vec<usize> = (0..6).map(|_| random.below(1000)).collect();
        assert_eq!(first, [95, 750, 678, 613, 796, 59]);
    }

    #[test]
    fn the_normal_distribution_has_its_mean_and_its_width() {
        let mut random = Random::of(&[7]);
        let drawn: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(
            mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04,
            "{mean} {variance}"
        );
    }

    #[test]
    fn the_exponential_is_one() {
        for x in [-4.0_f64, -1.0, 0.0, 0.5, 2.0, 5.0] {
            assert!((exponential(x) / x.exp() - 1.0).abs() < 0.001, "{x}");
        }
    }
}
