//! Distances on the WGS-84 spheroid (Vincenty 1975).

use super::vector::{Place, RADIUS};

const A: f64 = 6_378_137.0;
const F: f64 = 1.0 / 298.257_223_563;
const B: f64 = A * (1.0 - F);

/// In metres; for points nearly opposite of each other, where the series does not converge, the
/// distance on the sphere.
pub(super) fn distance(p: &Place, q: &Place) -> f64 {
    vincenty(p, q).unwrap_or_else(|| p.at.angle(q.at) * RADIUS)
}

fn vincenty(p: &Place, q: &Place) -> Option<f64> {
    let reduced = |lat: f64| ((1.0 - F) * lat.to_radians().tan()).atan().sin_cos();
    let ((sin_u1, cos_u1), (sin_u2, cos_u2)) = (reduced(p.lat), reduced(q.lat));
    let l = (q.lng - p.lng).to_radians();
    let mut lambda = l;
    for _ in 0..200 {
        let (sin_lambda, cos_lambda) = lambda.sin_cos();
        let sin_sigma = (cos_u2 * sin_lambda).hypot(cos_u1 * sin_u2 - sin_u1 * cos_u2 * cos_lambda);
        if sin_sigma == 0.0 {
            return (p.lat == q.lat).then_some(0.0);
        }
        let cos_sigma = sin_u1 * sin_u2 + cos_u1 * cos_u2 * cos_lambda;
        let sigma = sin_sigma.atan2(cos_sigma);
        let sin_alpha = cos_u1 * cos_u2 * sin_lambda / sin_sigma;
        let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
        let cos_2m =
            if cos2_alpha > 0.0 { cos_sigma - 2.0 * sin_u1 * sin_u2 / cos2_alpha } else { 0.0 };
        let c = F / 16.0 * cos2_alpha * (4.0 + F * (4.0 - 3.0 * cos2_alpha));
        let before = lambda;
        let inner = cos_2m + c * cos_sigma * (2.0 * cos_2m * cos_2m - 1.0);
        lambda = l + (1.0 - c) * F * sin_alpha * (sigma + c * sin_sigma * inner);
        if (lambda - before).abs() < 1e-13 {
            let u2 = cos2_alpha * (A * A - B * B) / (B * B);
            let k1 = ((1.0 + u2).sqrt() - 1.0) / ((1.0 + u2).sqrt() + 1.0);
            let a = (1.0 + k1 * k1 / 4.0) / (1.0 - k1);
            let b = k1 * (1.0 - 3.0 / 8.0 * k1 * k1);
            let cube = b / 6.0
                * cos_2m
                * (4.0 * sin_sigma * sin_sigma - 3.0)
                * (4.0 * cos_2m * cos_2m - 3.0);
            let square = b / 4.0 * (cos_sigma * (2.0 * cos_2m * cos_2m - 1.0) - cube);
            return Some(B * a * (sigma - b * sin_sigma * (cos_2m + square)));
        }
    }
    None
}
