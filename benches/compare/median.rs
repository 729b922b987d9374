//! The middle of what was measured: one disturbed round does not move it.

pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    match sorted.len() % 2 {
        1 => Some(upper),
        _ => Some((upper + sorted.get(middle.checked_sub(1)?)?) / 2.0),
    }
}
