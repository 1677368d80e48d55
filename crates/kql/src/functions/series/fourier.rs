//! The discrete Fourier transform of any length in n log n steps (Cooley and Tukey 1965 for powers
//! of two, Bluestein 1970 for the rest), and autocorrelation with it.

use std::f64::consts::PI;

/// Real and imaginary part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Complex(pub(super) f64, pub(super) f64);

impl Complex {
    const ZERO: Self = Self(0.0, 0.0);

    /// The point of the unit circle at an angle.
    fn turn(angle: f64) -> Self {
        Self(angle.cos(), angle.sin())
    }

    fn times(self, other: Self) -> Self {
        Self(self.0 * other.0 - self.1 * other.1, self.0 * other.1 + self.1 * other.0)
    }

    fn conjugate(self) -> Self {
        Self(self.0, -self.1)
    }
}

/// Σ x_j e^(-2πi jk/n); the inverse has the other sign and is divided by n.
pub(super) fn transform(series: &[Complex], inverse: bool) -> Vec<Complex> {
    let n = series.len();
    if n == 0 {
        return Vec::new();
    }
    let mut result: Vec<Complex> =
        if inverse { series.iter().map(|z| z.conjugate()).collect() } else { series.to_vec() };
    if n.is_power_of_two() {
        powers_of_two(&mut result);
    } else {
        result = bluestein(&result);
    }
    if inverse {
        let scale = 1.0 / n as f64;
        result.iter_mut().for_each(|z| *z = Complex(z.0 * scale, -z.1 * scale));
    }
    result
}

fn powers_of_two(series: &mut [Complex]) {
    let n = series.len();
    let mut j = 0;
    for i in 1..n {
        let mut bit = n >> 1;
        while j & bit != 0 {
            j ^= bit;
            bit >>= 1;
        }
        j |= bit;
        if i < j {
            series.swap(i, j);
        }
    }
    let mut length = 2;
    while length <= n {
        let half = length / 2;
        let turns: Vec<Complex> =
            (0..half).map(|k| Complex::turn(-2.0 * PI * k as f64 / length as f64)).collect();
        for block in series.chunks_mut(length) {
            for k in 0..half {
                let (u, v) = (block[k], block[k + half].times(turns[k]));
                block[k] = Complex(u.0 + v.0, u.1 + v.1);
                block[k + half] = Complex(u.0 - v.0, u.1 - v.1);
            }
        }
        length *= 2;
    }
}

fn bluestein(series: &[Complex]) -> Vec<Complex> {
    let n = series.len();
    let m = (2 * n - 1).next_power_of_two();
    let chirp: Vec<Complex> = (0..n)
        .map(|k| {
            let square = (k as u128 * k as u128 % (2 * n as u128)) as f64;
            Complex::turn(-PI * square / n as f64)
        })
        .collect();
    let mut a = vec![Complex::ZERO; m];
    let mut b = vec![Complex::ZERO; m];
    for k in 0..n {
        a[k] = series[k].times(chirp[k]);
        b[k] = chirp[k].conjugate();
        b[(m - k) % m] = b[k];
    }
    powers_of_two(&mut a);
    powers_of_two(&mut b);
    let products: Vec<Complex> = a.iter().zip(&b).map(|(x, y)| x.times(*y)).collect();
    let convolved = transform(&products, true);
    (0..n).map(|k| convolved[k].times(chirp[k])).collect()
}

/// Σ (x_i - m)(x_(i+k) - m) over its value at k = 0, each sum as a mean over its terms, for
/// k = 0 to n/2; empty where the series does not vary.
pub(super) fn autocorrelation(series: &[f64]) -> Vec<f64> {
    let n = series.len();
    let mean = series.iter().sum::<f64>() / n as f64;
    let m = (2 * n).next_power_of_two();
    let mut padded = vec![Complex::ZERO; m];
    for (place, x) in padded.iter_mut().zip(series) {
        *place = Complex(x - mean, 0.0);
    }
    powers_of_two(&mut padded);
    let powers: Vec<Complex> = padded.iter().map(|z| Complex(z.0 * z.0 + z.1 * z.1, 0.0)).collect();
    let sums = transform(&powers, true);
    let own = sums[0].0 / n as f64;
    let level = mean.abs().max(1.0);
    if own <= level * level * 1e-20 {
        return Vec::new();
    }
    (0..=n / 2).map(|k| sums[k].0 / (n - k) as f64 / own).collect()
}
