use http::{Method, Uri, Version};

use super::path::PathFault;
use super::target::TargetFault;
use super::{Operation, ResourceKind, Target, read_target};

fn read(method: &str, target: &str) -> Result<Target, TargetFault> {
    let uri: Uri = target.parse().unwrap();
    read_target(&method.parse::<Method>().unwrap(), &uri, Version::HTTP_11)
}

fn rebuilt(method: &str, target: &str) -> (Operation, String) {
    let read = read(method, target).unwrap();
    (read.operation, read.upstream.to_string())
}

const ID: &str = "https%3A%2F%2Flms.example.com%2Fcourse%2F1%2Flineitems%2F1";
const CANONICAL: &str =
    "/api/lineitems/https%3A%2F%2Flms.example.com%2Fcourse%2F1%2Flineitems%2F1/scores";

#[test]
fn every_spelling_of_the_scores_route_is_rebuilt_into_one() {
    for spelling in [
        CANONICAL,
        "//api/lineitems/https%3A//lms.example.com/course/1/lineitems/1/scores",
        "/API/LineItems/https%3A%2F%2Flms.example.com%2Fcourse%2F1%2Flineitems%2F1/SCORES/",
        "/api//lineitems///https:%2f%2flms.example.com%2fcourse/1%2Flineitems%2F1//scores//?x=1",
        "/%61pi/line%69tems/https%3A%2F%2Flms.example.com%2Fcourse%2F1%2Flineitems%2F1/%73cores?",
        "/api/lineitems/https%3A%2F%2Flms.example.com%2Fcourse%2F1%2Flineitems%2F1/scores?ltik=EVIL",
    ] {
        assert_eq!(
            rebuilt("POST", spelling),
            (Operation::SubmitScore, CANONICAL.into()),
            "{spelling}"
        );
    }
}

#[test]
fn the_id_is_decoded_once_and_its_text_is_kept() {
    for (id, sent) in [
        (
            "https%3A//moodle.example/mod/lti/services.php/2/lineitems/26/lineitem%3Ftype_id%3D1",
            "https%3A%2F%2Fmoodle.example%2Fmod%2Flti%2Fservices.php%2F2%2Flineitems%2F26%2Flineitem%3Ftype_id%3D1",
        ),
        (
            "https%3A%2F%2FLMS.example%3A443%2Fa%252Fb+c",
            "https%3A%2F%2FLMS.example%3A443%2Fa%252Fb%2Bc",
        ),
        ("https%3A//x.edu/a//b", "https%3A%2F%2Fx.edu%2Fa%2F%2Fb"),
        (
            "https%3A%2F%2Fx.edu%2Fline%20items%2F%C3%A9~(1)'*!",
            "https%3A%2F%2Fx.edu%2Fline%20items%2F%C3%A9~%281%29%27%2A%21",
        ),
    ] {
        let (_, target) = rebuilt("POST", &format!("/api/lineitems/{id}/scores"));
        assert_eq!(target, format!("/api/lineitems/{sent}/scores"));
        let again = rebuilt("POST", &target);
        assert_eq!(again.1, target, "what is written is read as the same");
    }
}

#[test]
fn what_could_reach_the_scores_handler_another_way_is_refused() {
    for target in [
        format!("/api/lineitems/{ID}%2Fscores"),
        format!("/api/lineitems/{ID}/scores%2F"),
        format!("/api/lineitems/{ID}/scores;v=1"),
        format!("/api/lineitems/{ID}/scores.json"),
        format!("/api/lineitems/{ID}/scores%20"),
        format!("/api/lineitems/{ID}/scores%3F"),
        format!("/api;v=1/lineitems/{ID}/scores"),
        format!("/api%2Flineitems/{ID}/scores"),
        format!("/x/api/lineitems/{ID}/scores"),
        format!("/api/lineitems/{ID}/%2573cores"),
        format!("/api/lineitems/{ID}/scores/x"),
        format!("/api/lineitems/{ID}/scores%5C"),
        format!("/api/lineitems/{ID}\\scores"),
        format!("/x/../api/lineitems/{ID}/scores"),
        format!("/api/%2e/lineitems/{ID}/scores"),
        format!("/api/lineitems/{ID}/scores/."),
        format!("/api/lineitems/{ID}/scores%00"),
        format!("/api/lineitems/{ID}%/scores"),
        "/api/lineitems//scores".into(),
        "/api/lineitems/scores".into(),
        "/api/lineitems/%2e%2e/scores".into(),
        "/api/lineitems/https%253A%252F%252Flms.example.com%252F1/scores".into(),
        "http://x/api/lineitems/a/scores".into(),
    ] {
        let fault = read("POST", &target).unwrap_err();
        assert!(
            !matches!(fault, TargetFault::NotFound | TargetFault::Method(_)),
            "{target}: {fault:?}"
        );
    }
}

#[test]
fn every_operation_is_read_back_from_what_it_writes() {
    for (method, target, operation) in [
        ("GET", "/api/idtoken", Operation::ReadIdToken),
        ("GET", "/api/memberships", Operation::ReadMemberships),
        ("GET", "/api/lineitems", Operation::ListLineItems),
        ("POST", "/api/lineitems", Operation::CreateLineItem),
        (
            "GET",
            "/api/lineitems/https%3A%2F%2Fx.edu%2F1",
            Operation::ReadLineItem,
        ),
        (
            "PUT",
            "/api/lineitems/https%3A%2F%2Fx.edu%2F1",
            Operation::ReplaceLineItem,
        ),
        (
            "DELETE",
            "/api/lineitems/https%3A%2F%2Fx.edu%2F1",
            Operation::DeleteLineItem,
        ),
        (
            "GET",
            "/api/lineitems/https%3A%2F%2Fx.edu%2F1/scores",
            Operation::ReadResults,
        ),
        (
            "POST",
            "/api/lineitems/https%3A%2F%2Fx.edu%2F1/scores",
            Operation::SubmitScore,
        ),
        (
            "POST",
            "/api/deeplinking",
            Operation::BuildDeepLinkingMessage,
        ),
        (
            "POST",
            "/api/deeplinking/form",
            Operation::BuildDeepLinkingForm,
        ),
        ("GET", "/api/registrations/r1", Operation::ReadRegistration),
        (
            "POST",
            "/api/registrations/r1/complete",
            Operation::CompleteRegistration,
        ),
        ("GET", "/admin/platforms", Operation::ListPlatforms),
        ("POST", "/api/platforms", Operation::CreatePlatform),
        ("GET", "/api/platforms/p1", Operation::ReadPlatform),
        ("PUT", "/admin/platforms/p1", Operation::ReplacePlatform),
        ("DELETE", "/admin/platforms/p1", Operation::DeletePlatform),
        (
            "POST",
            "/admin/platforms/p1/activate",
            Operation::ActivatePlatform,
        ),
        (
            "POST",
            "/api/platforms/p1/deactivate",
            Operation::DeactivatePlatform,
        ),
    ] {
        assert_eq!(rebuilt(method, target), (operation, target.into()));
        assert_eq!(
            rebuilt(method, &format!("/{target}/")),
            (operation, target.into())
        );
    }
    assert_eq!(Operation::ALL.len(), 20, "an operation is missing above");
}

#[test]
fn everything_else_is_not_found_and_known_paths_say_their_methods() {
    for target in [
        "/",
        "/api",
        "/api/",
        "/admin",
        "/api/other",
        "/api/idtoken/x",
        "/metrics",
        "/config",
        "/api/registrations",
        "/api/registrations/a/other",
        "/admin/lineitems",
        "/api/deeplinking/form/x",
        "/api/platforms/p/activate/x",
        "/idtoken",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            assert_eq!(
                read(method, target).unwrap_err(),
                TargetFault::NotFound,
                "{target}"
            );
        }
    }
    for (method, target, resource, allowed) in [
        ("HEAD", "/api/idtoken", ResourceKind::IdToken, "GET"),
        (
            "post",
            "/api/deeplinking",
            ResourceKind::DeepLinking,
            "POST",
        ),
        ("PATCH", CANONICAL, ResourceKind::Scores, "GET, POST"),
        (
            "POST",
            "/api/lineitems/https%3A%2F%2Fx.edu%2F1",
            ResourceKind::LineItem,
            "GET, PUT, DELETE",
        ),
    ] {
        assert_eq!(
            read(method, target).unwrap_err(),
            TargetFault::Method(resource),
            "{target}"
        );
        assert_eq!(Operation::allowed_methods(resource), allowed);
    }
}

#[test]
fn an_id_must_stay_one_segment() {
    for id in ["a%2Fb", "a%5Cb", "a%3Fb", "a%23b", "a%0Ab", "a%2525"] {
        for before in ["/api/registrations/", "/admin/platforms/"] {
            assert!(
                read("GET", &format!("{before}{id}")).is_err(),
                "{before}{id}"
            );
        }
    }
    assert_eq!(
        read("GET", "/admin/platforms/%2e%2E").unwrap_err(),
        TargetFault::Path(PathFault::DotSegment)
    );
}

#[test]
fn the_query_keeps_what_is_known_and_repairs_what_sdks_get_wrong() {
    let scores = "/api/lineitems/https%3A%2F%2Fx.edu%2F1/scores";
    for (target, query) in [
        ("/api/idtoken?raw=True", "raw=true"),
        ("/api/idtoken?RAW=false&ltik=x", "raw=false"),
        ("/api/idtoken?raw=maybe", ""),
        (
            "/api/lineitems?tag=grade+%26+co&limit=5",
            "tag=grade%20%26%20co&limit=5",
        ),
        ("/api/lineitems?limit=1&limit=2&LIMIT=3", "limit=1"),
        (
            &format!("{scores}?user_id=2&limit=10&evil=1"),
            "userId=2&limit=10",
        ),
        (
            "/api/memberships?role=http%253A%252F%252Fp.org%252Fm%2523Learner",
            "role=http%3A%2F%2Fp.org%2Fm%23Learner",
        ),
        (
            "/api/memberships?role=Instructor%2523TeachingAssistant",
            "role=Instructor%23TeachingAssistant",
        ),
        (
            "/api/memberships?role=urn%253Alti%253Arole%253Aims%252Flis%252FLearner",
            "role=urn%3Alti%3Arole%3Aims%2Flis%2FLearner",
        ),
        ("/api/memberships?role=100%25", "role=100%25"),
        (
            "/api/lineitems?url=https%253A%2F%2Fx.edu%2Fli%253Fpage%253D2",
            "url=https%3A%2F%2Fx.edu%2Fli%3Fpage%3D2",
        ),
        (
            "/api/lineitems?url=https:%2F%2Fx.edu%2Fli%3Fpage%3D2",
            "url=https%3A%2F%2Fx.edu%2Fli%3Fpage%3D2",
        ),
    ] {
        let sent = read("GET", target).unwrap().upstream;
        assert_eq!(sent.query().unwrap_or_default(), query, "{target}");
    }
}

#[test]
fn a_url_that_ltiaas_would_fetch_is_checked_like_an_id() {
    let scores = "/api/lineitems/https%3A%2F%2Fx.edu%2F1%3Ft%3D2/scores";
    assert!(
        read(
            "GET",
            &format!("{scores}?url=https://x.edu/1/results?page=2")
        )
        .is_ok()
    );
    for url in [
        "https://x.edu/1",
        "https://x.edu/2/results",
        "https://y.edu/1/results",
    ] {
        let fault = read("GET", &format!("{scores}?url={url}")).unwrap_err();
        assert_eq!(fault, TargetFault::UrlElsewhere, "{url}");
    }
    for url in [
        "http://x.edu/1",
        "https://a@x.edu/",
        "https://x.edu/%23",
        "https://x.edu/../1",
        "x",
        "%",
    ] {
        assert!(
            read("GET", &format!("/api/memberships?url={url}")).is_err(),
            "{url}"
        );
    }
}
