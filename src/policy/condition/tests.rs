use super::*;
use crate::score::{UnknownMembers, read};

fn score(extra: &str) -> Score {
    let body = format!(
        r#"{{"userId":"u","activityProgress":"Completed","gradingProgress":"FullyGraded"{extra}}}"#
    );
    read(body.as_bytes(), UnknownMembers::Refuse).unwrap()
}

fn holds(condition: &str, extra: &str) -> Result<bool, EvaluationFailed> {
    let score = score(extra);
    Condition::compile(condition)
        .unwrap_or_else(|fault| panic!("{condition}: {fault}"))
        .holds(&Subject {
            caller: "quiz",
            account: "main",
            line_item: "https://lms.example.edu/1",
            score: &score,
            now: "2025-03-10T12:00:00Z".parse().unwrap(),
        })
}

#[test]
fn sees_a_submission_under_the_names_of_the_wire() {
    let points = r#","scoreGiven":3,"scoreMaximum":5,"submission":{"submittedAt":"2025-03-09T12:00:00Z"},"https://x.example/late":true"#;
    for condition in [
        "score.percent == 60.0",
        "score.scoreGiven < score.scoreMaximum",
        "score.userId == 'u' && score.gradingProgress == 'FullyGraded'",
        "!has(score.comment)",
        "has(score.submission) && has(score.submission.submittedAt)",
        "timestamp(score.submission.submittedAt) < now",
        "now > timestamp('2025-03-10T11:00:00Z')",
        "caller.name == 'quiz' && caller.account == 'main'",
        "line_item.startsWith('https://lms.') && line_item.matches('/[0-9]$')",
        "has(score.submission) && 'https://x.example/late' in score",
        "['a', 'u'].exists(name, name == score.userId)",
    ] {
        assert_eq!(holds(condition, points), Ok(true), "{condition}");
    }
}

/// What a condition doesn't see would be forwarded unjudged.
#[test]
fn sees_every_extension_whatever_stands_in_it() {
    for value in [
        "1e400",
        "-1e400",
        r#"{"new_submission":false,"x":1e400}"#,
        "[0,[1e400,-1E+999999999999999999999]]",
        "123456789012345678901234567890",
        "1e-400",
        "null",
        r#""\u0000 é""#,
        "{}",
    ] {
        let extension = format!(r#","https://t.example/x":{value}"#);
        let is_there = holds("'https://t.example/x' in score", &extension);
        assert_eq!(is_there, Ok(true), "{value}");
    }
}

#[test]
fn each_number_of_an_extension_is_a_double() {
    let value = r#","https://t.example/x":{"n":5,"list":[0,-3,2.5,"a",true,null],"most":1e400,"least":-1e400,"long":12345678901234567890123}"#;
    for condition in [
        "score['https://t.example/x'].n * 2.0 >= 4.0",
        "score['https://t.example/x'].n == 5.0",
        "score['https://t.example/x'].list[1] + 0.5 == -2.5",
        "score['https://t.example/x'].list[3] == 'a' && score['https://t.example/x'].list[4]",
        "score['https://t.example/x'].list[5] == null",
        "score['https://t.example/x'].most > 1e308",
        "score['https://t.example/x'].least < -1e308",
        "score['https://t.example/x'].long > 1e22",
    ] {
        // Without the extension it can't be evaluated, as on the samples.
        let guarded = format!("'https://t.example/x' in score && {condition}");
        assert_eq!(holds(&guarded, value), Ok(true), "{condition}");
    }
}

#[test]
fn an_absent_member_is_an_error_unless_guarded() {
    assert!(holds("score.comment == 'x'", "").is_err());
    assert_eq!(
        holds("has(score.comment) && score.comment == 'x'", ""),
        Ok(false)
    );
    assert!(holds("score.percent > 1.0", "").is_err());
}

#[test]
fn what_guards_a_member_is_said_as_it_is_written() {
    let unguarded = Condition::compile("score['https://t.example/x'] == 1.0").unwrap_err();
    let told = unguarded.to_string();
    assert!(
        told.contains("guard it with has(), or an extension with `\"…\" in score && …`"),
        "{told}"
    );
}

#[test]
fn what_can_never_hold_is_found_before_it_is_used() {
    let never = |text: &str| matches!(Condition::compile(text), Err(BadCondition::NeverHolds(_)));
    assert!(never("score.scoreGiven / score.scoreMaximum * 100 > 60"));
    assert!(never("1 / 0 == 1"));
    assert!(never("score.userId"));
    assert_eq!(
        Condition::compile("scor.percent > 1.0"),
        Err(BadCondition::UnknownName)
    );
    for (unknown, told) in [
        (
            "score.precent > 1.0",
            "`….precent` does not exist; there are `userId`, `activityProgress`, `gradingProgress`, `scoreGiven`, `scoreMaximum`, `percent`, ",
        ),
        (
            "has(score.commnt)",
            "`….commnt` does not exist; there are `userId`, ",
        ),
        (
            "caller.nam == ''",
            "`….nam` does not exist; there are `name`, `account`",
        ),
        (
            "score.submission.at == ''",
            "`….at` does not exist; there are `startedAt`, `submittedAt`",
        ),
    ] {
        let fault = Condition::compile(unknown).unwrap_err().to_string();
        assert!(fault.starts_with(told), "{unknown}: {fault}");
    }
    for broken in ["", "score.", "1 +", "'", "a b"] {
        let compiled = Condition::compile(broken);
        assert!(
            matches!(compiled, Err(BadCondition::Syntax { .. })),
            "{broken}"
        );
    }
}

#[test]
fn no_text_overflows_the_stack_or_runs_for_long() {
    let within = |unit: &str, count: usize| unit.repeat(count.min(LONGEST / unit.len()));
    for text in [
        within("!", 1024),
        within("-", 1024),
        within("! ", 1024),
        within("(", 1024),
        within("[", 1024),
        within("{1:", 1024),
        format!("true{}", within(" ? true : true", 70)),
        format!("1{}", within("+1", 500)),
        format!("score{}", within(".a", 500)),
        format!("true{}", within("||true", 160)),
        format!("true{}", within("==true", 160)),
        format!("score{}", within("[0]", 300)),
        "[1].all(a, [1].all(b, true))".to_owned(),
        "a".repeat(LONGEST + 1),
    ] {
        let small_stack = std::thread::Builder::new().stack_size(1 << 20);
        let compiled = small_stack.spawn(move || Condition::compile(&text).is_ok());
        compiled.unwrap().join().unwrap();
    }
    assert_eq!(
        Condition::compile("[1].all(a, [1].all(b, true))"),
        Err(BadCondition::NestedLoop)
    );
    assert_eq!(
        Condition::compile(&"a".repeat(LONGEST + 1)),
        Err(BadCondition::TooLong)
    );
}
