//! The closed list of LTIAAS operations: what each is called, asks for, takes and permits.

use http::Method;

use super::path::ResourceKind;
use crate::permission::Permission;

/// Which launch credential an operation is authorized with upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaunchKind {
    /// An ltik alone.
    Ltik,
    /// An ltik or a service key.
    LtikOrServiceKey,
    /// None: the account's API key does.
    KeyOnly,
}

/// What an operation does with the caller's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// No body is read or sent.
    None,
    /// A JSON object, kept but for nulls and tokens.
    Json,
    /// A JSON object, or nothing at all.
    OptionalJson,
    /// A score.
    Score,
}

struct Row {
    name: &'static str,
    method: Method,
    resource: ResourceKind,
    permission: Permission,
    launch: LaunchKind,
    body: BodyKind,
    /// Query parameters that are passed on. All others are dropped.
    query: &'static [&'static str],
}

macro_rules! operations {
    ($($variant:ident $name:literal $method:ident $resource:ident
       $permission:ident $launch:ident $body:ident [$($query:literal)*];)*) => {
        /// One operation of LTIAAS. There are no others.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation { $($variant,)* }

        impl Operation {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            const fn row(self) -> Row {
                match self {
                    $(Self::$variant => Row {
                        name: $name,
                        method: Method::$method,
                        resource: ResourceKind::$resource,
                        permission: Permission::$permission,
                        launch: LaunchKind::$launch,
                        body: BodyKind::$body,
                        query: &[$($query,)*],
                    },)*
                }
            }
        }
    };
}

operations! {
    ReadIdToken "read_id_token" GET IdToken IdTokenRead Ltik None ["raw"];
    ReadMemberships "read_memberships" GET Memberships MembershipsRead LtikOrServiceKey None
        ["role" "limit" "resourceLinkId" "url"];
    ListLineItems "list_line_items" GET LineItems LineItemsRead LtikOrServiceKey None
        ["resourceLinkId" "resourceId" "tag" "limit" "url"];
    CreateLineItem "create_line_item" POST LineItems LineItemsWrite LtikOrServiceKey Json [];
    ReadLineItem "read_line_item" GET LineItem LineItemsRead LtikOrServiceKey None [];
    ReplaceLineItem "replace_line_item" PUT LineItem LineItemsWrite LtikOrServiceKey Json [];
    DeleteLineItem "delete_line_item" DELETE LineItem LineItemsWrite LtikOrServiceKey None [];
    ReadResults "read_results" GET Scores ScoresRead LtikOrServiceKey None ["userId" "limit" "url"];
    SubmitScore "submit_score" POST Scores ScoresWrite LtikOrServiceKey Score [];
    BuildDeepLinkingForm "build_deep_linking_form" POST DeepLinkingForm DeepLinkingWrite Ltik Json [];
    BuildDeepLinkingMessage "build_deep_linking_message" POST DeepLinking DeepLinkingWrite Ltik Json [];
    ReadRegistration "read_registration" GET Registration Registrations KeyOnly None ["raw"];
    CompleteRegistration "complete_registration" POST RegistrationCompletion Registrations KeyOnly
        OptionalJson ["raw"];
    ListPlatforms "list_platforms" GET Platforms Platforms KeyOnly None [];
    CreatePlatform "create_platform" POST Platforms Platforms KeyOnly Json [];
    ReadPlatform "read_platform" GET Platform Platforms KeyOnly None [];
    ReplacePlatform "replace_platform" PUT Platform Platforms KeyOnly Json [];
    DeletePlatform "delete_platform" DELETE Platform Platforms KeyOnly None [];
    ActivatePlatform "activate_platform" POST PlatformActivation Platforms KeyOnly None [];
    DeactivatePlatform "deactivate_platform" POST PlatformDeactivation Platforms KeyOnly None [];
}

impl Operation {
    /// The operation that `method` means on a resource, if there is one.
    pub fn find(method: &Method, resource: ResourceKind) -> Option<Self> {
        Self::on(resource).find(|operation| operation.row().method == *method)
    }

    /// Every operation on a resource.
    pub fn on(resource: ResourceKind) -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(move |operation| operation.row().resource == resource)
    }

    /// The value of `allow` for a resource.
    pub fn allowed_methods(resource: ResourceKind) -> String {
        let methods: Vec<_> = Self::on(resource)
            .map(|operation| operation.method().to_string())
            .collect();
        methods.join(", ")
    }

    /// Its name in logs and metrics.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub fn method(self) -> Method {
        self.row().method
    }

    pub fn permission(self) -> Permission {
        self.row().permission
    }

    pub fn launch(self) -> LaunchKind {
        self.row().launch
    }

    pub fn body(self) -> BodyKind {
        self.row().body
    }

    pub fn query(self) -> &'static [&'static str] {
        self.row().query
    }
}
