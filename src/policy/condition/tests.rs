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

/// What stands in front of a fault keeps the samples from it.
#[test]
fn what_always_fails_behind_a_guard_is_found_before_it_is_used() {
    let mixes = "can't be evaluated on any sample score: it mixes types";
    for (text, told) in [
        (
            "caller.name == \"quiz-app\" && score.percent * 2 > 10.0",
            mixes,
        ),
        ("has(score.percent) && score.percent + 5 > 60.0", mixes),
        ("caller.name == 'a' || score.percent + 5 > 60.0", mixes),
        ("!(caller.name == 'a' && score.percent + 5 > 60.0)", mixes),
        (
            "caller.name == 'a' ? score.percent * 2 > 10.0 : true",
            mixes,
        ),
        (
            "(caller.name == 'a' ? score.percent * 2 : 0.0) > 10.0",
            mixes,
        ),
        (
            "size([caller.name == 'a' && score.percent * 2 > 10.0]) == 1",
            mixes,
        ),
        ("has(score.comment) && score.comment > 10", mixes),
        (
            "has(score.comment) && score.userId",
            "it gives neither true nor false",
        ),
        (
            "has(score.comment) && foo(score.comment)",
            "`foo()` does not exist; there are `has`, `size`, ",
        ),
        (
            "has(score.comment) && score.comment.length() > 10",
            "`length()` does not exist; there are ",
        ),
        (
            "'https://x' in score && score['https://x'].lower() == 'a'",
            "`lower()` does not exist; there are ",
        ),
        (
            "['a'].exists(name, score.userId == name && foo(name))",
            "`foo()` does not exist",
        ),
        (
            "has(score.comment) && contains(score.comment, 'a')",
            "`contains()` is called on a value, as in `score.userId.contains(…)`",
        ),
        (
            "has(score.comment) && score.comment.int() > 3",
            "`int()` is called with the value in its brackets, as in `int(score.userId)`",
        ),
        (
            "has(score.comment) && size(score.comment, 1) > 3",
            "`size()` is called with too many values, or too few",
        ),
        (
            "has(score.comment) && score.comment.all(a)",
            "`all()` is called with too many values, or too few",
        ),
        (
            "has(score.comment) && score.comment.matches('(')",
            "the pattern of a `matches` in it is no regular expression",
        ),
        (
            "'https://x' in score && now > timestamp('2026-13-01T00:00:00Z')",
            "`timestamp()` fails for every score",
        ),
        (
            "has(score.comment) && now - duration('5 minutes') > timestamp(0)",
            "`duration()` fails for every score",
        ),
        (
            "!has(score.timestamp) || timestamp(score.timestamp).getHours('Europe/Madird') < 20",
            "`getHours()` fails for every score",
        ),
        (
            "has(score.timestamp) && timestamp(score.timestamp).getDayOfWeek(1) < 5",
            "`getDayOfWeek()` fails for every score",
        ),
        (
            "['a', 'b'].exists(name, caller.name == name && score.percent * 2 > 10.0)",
            mixes,
        ),
        (
            "['a'].all(name, caller.name != name || score.percent + 5 > 10.0)",
            mixes,
        ),
        (
            "size(['a'].filter(name, caller.name == name && name > 1)) == 0",
            mixes,
        ),
        (
            "['a'].map(name, caller.name == name && score.percent * 2 > 1.0) == [false]",
            mixes,
        ),
        (
            "['a'].exists_one(name, caller.name == name && score.userId)",
            "it gives neither true nor false",
        ),
        (
            "has(score.comment) && Score{percent: 1.0} == score",
            "it names something that does not exist",
        ),
    ] {
        let fault = Condition::compile(text).unwrap_err().to_string();
        assert!(fault.contains(told), "{text}: {fault}");
    }
}

/// The commonest mistake of all.
#[test]
fn a_text_that_is_taken_for_a_time_is_told_of() {
    for text in [
        "score.timestamp < now",
        "has(score.timestamp) && now >= score.timestamp",
        "score.submission.submittedAt.getHours() < 8",
        "has(score.submission.submittedAt) && score.submission.submittedAt.getHours('Europe/Madrid') < 8",
        "now < '2026-01-01T00:00:00Z'",
        "'2026-01-01T00:00:00Z' < now",
        "timestamp(score.timestamp) > '2026-01-01T00:00:00Z'",
        "score.timestamp > timestamp('2026-01-01T00:00:00Z')",
        "now - score.timestamp < duration('1h')",
        "score.submission.submittedAt - score.submission.startedAt > duration('5m')",
    ] {
        let fault = Condition::compile(text).unwrap_err().to_string();
        assert!(
            fault.contains("members that are times are texts: write `timestamp(score.timestamp)`"),
            "{text}: {fault}"
        );
    }
    let other = "score.percent * 2 > 10.0 && score.timestamp > 'a'";
    let fault = Condition::compile(other).unwrap_err().to_string();
    assert!(fault.contains("(write 60.0, not 60)"), "{fault}");
}

#[test]
fn times_that_are_compared_as_texts_are_found() {
    for (text, expected) in [
        ("score.timestamp > '2026-03-01T12:00:00Z'", true),
        ("'2026-03-01' <= score.submission.submittedAt", true),
        (
            "has(score.timestamp) && score.submission.submittedAt < score.timestamp",
            true,
        ),
        ("!(score.timestamp > '2026')", true),
        ("score.timestamp == '2026-03-01T12:00:00Z'", false),
        (
            "timestamp(score.timestamp) > timestamp('2026-03-01T12:00:00Z')",
            false,
        ),
        ("score.comment > '2026-03-01T12:00:00Z'", false),
    ] {
        let condition = Condition::compile(text).unwrap();
        assert_eq!(condition.compares_times_as_texts(), expected, "{text}");
    }
}

/// The operator is the place of what stands on both sides of it.
#[test]
fn a_side_that_fails_is_told_of_by_its_place() {
    for (text, place) in [
        ("has(score.comment) && score.comment > 10", (1, 37)),
        ("caller.name == 'é' && score.percent * 2 > 1.0", (1, 41)),
        ("caller.name == 'é'\n  && score.percent * 2 > 1.0", (2, 24)),
    ] {
        match Condition::compile(text).unwrap_err() {
            BadCondition::SideFails { line, column, .. } => {
                assert_eq!((line, column), place, "{text}");
            }
            other => panic!("{text}: {other}"),
        }
    }
}

/// A sample that has not what a condition looks at says nothing of it.
#[test]
fn a_good_condition_is_taken_whatever_the_samples_lack() {
    for text in [
        "has(score.comment) && size(score.comment) > 10",
        "has(score.comment) && score.comment != ''",
        "!has(score.comment) || score.comment.size() <= 500",
        "has(score.percent) && score.percent >= 60.0",
        "has(score.percent) && score.percent > 60",
        "!has(score.scoreGiven) || score.scoreGiven <= score.scoreMaximum",
        "has(score.scoreGiven) ? score.scoreGiven > 0.0 : score.gradingProgress == 'Pending'",
        "(has(score.comment) ? size(score.comment) : 0) > 10",
        "has(score.submission.submittedAt) && timestamp(score.submission.submittedAt) <= now",
        "has(score.timestamp) && now - timestamp(score.timestamp) < duration('24h')",
        "has(score.submission.startedAt) && has(score.submission.submittedAt) && timestamp(score.submission.submittedAt) - timestamp(score.submission.startedAt) >= duration('5m')",
        "has(score.scoringUserId) && score.scoringUserId != score.userId",
        "'https://t.example/late' in score",
        "\"https://t.example/late\" in score && score[\"https://t.example/late\"]",
        "'https://t.example/x' in score && score['https://t.example/x'].n * 2.0 > 4.0",
        "'https://t.example/x' in score && score['https://t.example/x'].list.exists(tag, tag == 'late')",
        "'https://t.example/x' in score && has(score['https://t.example/x'].n) && score['https://t.example/x'].n > 1",
        "score.exists(name, name.startsWith('https://') && score[name] == true)",
        "score.userId.matches('^[0-9]+$') && int(score.userId) > 100",
        "score.userId.startsWith('s') && double(score.userId.matches('1') ? '1' : '0') > 0.5",
        "has(score.comment) && score.comment.startsWith('2026-') && timestamp(score.comment) < now",
        "score.userId.contains(':') && int(score.userId) % 2 == 0",
        "has(score.percent) && score.percent > 1.0 && 100 / int(score.percent - 100.0) > 3",
        "has(score.scoreMaximum) && score.scoreMaximum > 1.0 && (score.scoreGiven - 1.0) / (score.scoreMaximum - 1.0) > 0.5",
        "caller.name == 'quiz-app' && score.percent * 2.0 > 10.0",
        "caller.name in ['quiz-app', 'lab'] || caller.account == 'main'",
        "['a', 1].exists(either, type(either) == int && either > 0)",
        "['a', 'b'].all(name, caller.name != name || score.percent * 2.0 > 10.0)",
        "[score.comment].exists(text, text != '' && text.startsWith('7'))",
        "[].all(name, name == 'a' || name > 1)",
        "[1, 2].map(number, number > 1, number * 2) == [4]",
        "['a'].exists_one(name, caller.name == name && has(score.comment))",
        "['a', 'u'].exists(name, has(score.comment) && score.comment.contains(name))",
        "line_item.startsWith('https://lms.') && line_item.matches('/[0-9]+$')",
        "!has(score.timestamp) || timestamp(score.timestamp).getHours('Europe/Madrid') < 20",
        "now.getHours('Europe/Berlin') < 18 || now.getDayOfWeek() == 0",
        "type(score.userId) == string && {'a': has(score.comment) && score.comment == 'x'}.a",
        "true",
        "!true || !false",
    ] {
        let compiled = Condition::compile(text);
        assert!(compiled.is_ok(), "{text}: {}", compiled.unwrap_err());
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

/// The pattern would be read anew for each element, of which a score may have thousands.
#[test]
fn a_pattern_is_read_in_no_loop() {
    for text in [
        "['a', 'b'].exists(part, score.userId.matches(part))",
        "score['https://x'].all(part, matches(part, '[a-z]+'))",
        "score.exists(name, name.matches('^https://x/'))",
        "['a'].map(part, part.matches('a'))[0]",
        "'https://x' in score && score['https://x'].filter(part, part.matches('a')) == []",
    ] {
        let compiled = Condition::compile(text);
        assert_eq!(compiled, Err(BadCondition::MatchesInLoop), "{text}");
    }
    let outside = "[score.userId.matches('[a-z]+')].all(is_word, is_word)";
    assert!(Condition::compile(outside).is_ok());
}

/// Others would choose how long it takes to look at.
#[test]
fn a_pattern_is_written_into_the_condition() {
    for text in [
        "score.userId.matches(score.comment)",
        "has(score.comment) && matches(score.userId, '^' + score.comment)",
        "line_item.matches(caller.name)",
        "line_item.matches(string(score['https://x']))",
    ] {
        let compiled = Condition::compile(text);
        assert_eq!(compiled, Err(BadCondition::PatternNotWritten), "{text}");
    }
}

fn with_pattern(pattern: &str) -> String {
    format!("has(score.comment) && score.comment.matches(r'{pattern}')")
}

#[test]
fn plain_patterns_are_taken_however_long() {
    let courses: Vec<_> = (0..70)
        .map(|course| (10_001 + course * 37).to_string())
        .collect();
    let numbers: Vec<_> = (1_u32..=8)
        .map(|number| number.wrapping_mul(2_654_435_761))
        .collect();
    let id = |number: &u32| format!("{number:08x}-1a2b-4c3d-8e4f-0123{number:08x}");
    let ids: Vec<_> = numbers.iter().map(id).collect();
    for pattern in [
        "^[A-Za-z0-9_-]{1,255}$",
        &format!("/courses/({})/", courses.join("|")),
        &format!("^({})$", ids.join("|")),
        &ids.join("|"),
        r"^\w{1,36}$",
        r"^[\w.@-]{1,64}$",
        r"^[\w.-]+@[\w.-]+\.\w{2,}$",
        r"(?i)\b(late|extension|makeup|accommodation|resubmission|incomplete|excused|kelvin|missing|sick)\b",
        "^https://lms[.]example[.]edu/api/lti/courses/.*/line_items/[0-9]+$",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r"^\s*$",
    ] {
        let compiled = Condition::compile(&with_pattern(pattern));
        assert!(compiled.is_ok(), "{pattern}: {}", compiled.unwrap_err());
    }
}

/// It was read anew for each score, which took as long as all else that is done with one.
#[test]
fn a_pattern_is_read_once() {
    let id = format!(r#","comment":"{}""#, "a".repeat(36));
    let score = score(&id);
    let subject = samples::subject(&score);
    let time = |text: &str| {
        let condition = Condition::compile(text).unwrap();
        assert_eq!(condition.holds(&subject), Ok(true));
        let start = std::time::Instant::now();
        for _ in 0..200 {
            condition.holds(&subject).unwrap();
        }
        start.elapsed()
    };
    let bare = time("has(score.comment) && size(score.comment) == 36");
    let matched = time(&with_pattern(r"^\w{1,36}$"));
    assert!(matched < bare * 10, "{matched:?}, {bare:?}");
}

#[test]
fn a_pattern_is_called_for_in_both_ways_and_beside_others() {
    for condition in [
        "score.userId.matches('^[a-z]$') && !score.userId.matches('^[0-9]$')",
        "matches(score.userId, '^[a-z]$') && matches(line_item, '/1$')",
        "score.userId.matches('^[a-z]$') && matches(score.userId, '^[a-z]$')",
        "[score.userId.matches('u')].all(is_u, is_u)",
        "'u'.matches('u')",
    ] {
        assert_eq!(holds(condition, ""), Ok(true), "{condition}");
        let untold = Condition::compile(condition).unwrap().untold();
        let score = score("");
        let subject = samples::subject(&score);
        assert_eq!(untold.holds(&subject), Ok(true), "{condition}");
    }
    let mixed = Condition::compile("1.matches('a')")
        .unwrap_err()
        .to_string();
    assert!(mixed.contains("it mixes types"), "{mixed}");
}

/// The largest that the regular expressions' own bound lets pass takes minutes for a long comment.
#[test]
fn a_pattern_that_is_slow_on_a_long_comment_is_refused() {
    for (slow, places) in [
        (r"(\b[ab é]{0,50}\b){0,17}z", 885),
        (".{65}", 65),
        ("(a{16}){17}", 34 * 8),
        ("a{257,}", 257),
        (r"(\b.?){120}z", 241),
        (r"[ab]*a[ab]{200}z", 202),
        (r"^[ab]*a[ab]{200}z", 203),
        (r"^(a?){255}z", 257),
        ("(?i)k{65}", 65),
        // Ways through that are empty are gone through, too.
        ("(?:[ab]||||||||){65}z", 131),
    ] {
        let compiled = Condition::compile(&with_pattern(slow));
        let told = compiled.unwrap_err();
        assert_eq!(told, BadCondition::SlowPatterns { places }, "{slow}");
    }
    let together = "line_item.matches('[ab]{40}') || line_item.matches('[bc]{40}')";
    let compiled = Condition::compile(together);
    assert_eq!(compiled, Err(BadCondition::SlowPatterns { places: 80 }));
    let told = compiled.unwrap_err().to_string();
    assert!(
        told.contains("at 80 places of them at once, and 64 are the most; begin with `^`"),
        "{told}"
    );
}

#[test]
fn patterns_that_take_much_memory_are_refused() {
    for large in [
        with_pattern(r"^\w{1,255}$"),
        "line_item.matches(r'^\\w{1,64}$') || line_item.matches(r'^\\w{2,64}$')".to_owned(),
    ] {
        let compiled = Condition::compile(&large);
        assert_eq!(compiled, Err(BadCondition::LargePatterns), "{large}");
    }
    let told = BadCondition::LargePatterns.to_string();
    assert!(
        told.contains("more than 4 MiB of memory: a class such as `\\w` holds"),
        "{told}"
    );
}

/// The limit is ten times what the slowest of them takes on a busy machine.
#[test]
fn the_slowest_patterns_are_soon_done_with_a_long_comment() {
    let mut state = 1_u32;
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        [" ", "a", "b", "é"][(state >> 30) as usize]
    };
    let mixed: String = (0..50_000).map(|_| letter()).collect();
    let plain: String = mixed.replace(['é', ' '], "a");
    for pattern in [
        r"(\b.?){31}z",
        r"[ab]*a[ab]{61}z",
        r"(\w?){63}z",
        r"(\w*\b){31}z",
        r".*é.{61}z",
        r"(?i)\b(aab|baab|aabab|aaabb|éab|éb|abéab|abéabé|baba|abab|baaaaab|aaaaaab|bbbbbb|ab éab éab)z",
    ] {
        let condition = Condition::compile(&with_pattern(pattern));
        let condition = condition.unwrap_or_else(|fault| panic!("{pattern}: {fault}"));
        for comment in [&mixed, &plain, &"ab é".repeat(12_000), &"é".repeat(30_000)] {
            let score = score(&format!(r#","comment":"{comment}""#));
            let start = std::time::Instant::now();
            let holds = condition.holds(&samples::subject(&score));
            let taken = start.elapsed();
            assert_eq!(holds, Ok(false), "{pattern}");
            assert!(
                taken < std::time::Duration::from_secs(2),
                "{pattern}: {taken:?}"
            );
        }
    }
}
