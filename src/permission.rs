//! What a caller may be allowed to do. Nothing is allowed that is not listed.

use serde::{Deserialize, Serialize};

macro_rules! permissions {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal;)*) => {
        /// One entry of a caller's `allow`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum Permission { $($(#[doc = $doc])* #[serde(rename = $name)] $variant,)* }

        impl Permission {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

permissions! {
    /// Submit scores.
    ScoresWrite "scores:write";
    /// Read results of a line item.
    ScoresRead "scores:read";
    /// List and read line items.
    LineItemsRead "lineitems:read";
    /// Create, replace and delete line items.
    LineItemsWrite "lineitems:write";
    /// Read the members of a course.
    MembershipsRead "memberships:read";
    /// Read the launch's ID token.
    IdTokenRead "idtoken:read";
    /// Answer a deep linking request.
    DeepLinkingWrite "deeplinking:write";
    /// Read and complete dynamic registrations.
    Registrations "registrations";
    /// Manage the account's platforms.
    Platforms "platforms";
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u16);

impl Permissions {
    pub fn allows(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    /// What both sets allow.
    #[must_use]
    pub fn narrowed_to(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn bit(permission: Permission) -> u16 {
        1 << permission as u16
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(list: I) -> Self {
        Self(
            list.into_iter()
                .fold(0, |set, permission| set | Self::bit(permission)),
        )
    }
}
