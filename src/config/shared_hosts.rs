//! Hosts that many schools share. Most are LTI issuers, which people put into `platforms` by
//! mistake: line items live on the school's own host.

use crate::line_item::LineItem;

const SHARED: &[&str] = &[
    "api.brightspace.com",
    "blackboard.com",
    "www.blackboard.com",
    "developer.blackboard.com",
    "canvas.instructure.com",
    "canvas.beta.instructure.com",
    "canvas.test.instructure.com",
    "sso.canvaslms.com",
    "sso.beta.canvaslms.com",
    "sso.test.canvaslms.com",
    "classroom.google.com",
    "schoology.com",
    "www.schoology.com",
    "app.schoology.com",
    "schoology.schoology.com",
    "lti-service.svc.schoology.com",
    "ltiadvantagevalidator.imsglobal.org",
];

/// Whether a platform is the whole of a shared host; a path prefix narrows it to one school.
pub(super) fn is_shared(platform: &str) -> bool {
    let Ok(place) = LineItem::parse(platform) else {
        return false;
    };
    let host = place.normalized().trim_start_matches("https://");
    SHARED.contains(&host.trim_end_matches('/'))
}
