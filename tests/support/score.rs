//! Scores as text, so that numbers go out as they are written here.

/// A score without faults, with these members put in as raw JSON, or taken out where empty.
pub fn score_with(members: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("userId", r#""5323497""#),
        ("activityProgress", r#""Completed""#),
        ("gradingProgress", r#""FullyGraded""#),
        ("scoreGiven", "83"),
        ("scoreMaximum", "100"),
    ];
    for (name, value) in members {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = value,
            None => all.push((name, value)),
        }
    }
    let written = all.iter().filter(|(_, value)| !value.is_empty());
    let written: Vec<_> = written
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", written.join(","))
}
