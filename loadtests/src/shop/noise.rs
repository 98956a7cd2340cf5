//! Deterministic randomness: the same seed gives the same numbers on every machine.

/// A field of numbers that follows from a seed alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noise {
    seed: u64,
}

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed: scramble(seed),
        }
    }

    /// The `index`-th number of the field, in 0..1.
    pub(crate) fn unit(self, index: u64) -> f32 {
        (scramble(self.seed ^ index) >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// Film grain: roughly bell-shaped around 0, in -1..1.
    pub(crate) fn white(self, x: u32, y: u32) -> f32 {
        let bits = scramble(self.seed ^ (u64::from(x) << 32 | u64::from(y)) ^ 0x51ed);
        let part = |shift: u32| ((bits >> shift) & 0xffff) as f32 / 65_535.0;
        (part(0) + part(16) + part(32) + part(48)) / 2.0 - 1.0
    }

    /// Smooth noise at several scales, around 0.5.
    pub(crate) fn fractal(self, x: f32, y: f32, octaves: u32) -> f32 {
        let (mut sum, mut weight, mut total) = (0.0, 0.5, 0.0);
        let mut frequency = 1.0;
        for octave in 0..octaves {
            sum += self.smooth(x * frequency, y * frequency, octave) * weight;
            total += weight;
            weight *= 0.5;
            frequency *= 2.0;
        }
        sum / total
    }

    fn smooth(self, x: f32, y: f32, octave: u32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (fx, fy) = (
            smoothstep(0.0, 1.0, x - left),
            smoothstep(0.0, 1.0, y - top),
        );
        let corner = |dx: i64, dy: i64| {
            let (cx, cy) = (left as i64 + dx, top as i64 + dy);
            let mixed = (cx as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ (cy as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
            self.unit(mixed.wrapping_add(u64::from(octave) << 56))
        };
        let upper = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * fx;
        let lower = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * fx;
        upper + (lower - upper) * fy
    }
}

/// 0 before `from`, 1 after `to`, and no corner between.
pub(crate) fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Spreads the bits of a number (the finaliser of `SplitMix64`).
pub(crate) fn scramble(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
