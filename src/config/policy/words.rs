//! The keys of a policy that take one word, and what each word means to the rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{Keep, Mode, Override, Protection, Stale, Step, Unchanged};

macro_rules! words {
    ($($(#[doc = $doc:literal])* $Text:ident is $Meaning:ident { $($Word:ident),* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[schemars(inline)]
        pub enum $Text { $($Word,)* }

        impl From<$Text> for $Meaning {
            fn from(word: $Text) -> Self {
                match word { $($Text::$Word => Self::$Word,)* }
            }
        }
    )*};
}

words! {
    ModeText is Mode { Enforce, Report }
    StepText is Step { Rescale, Late, Minimum, Maximum, Pass, Round, Keep }
    KeepText is Keep { Latest, Highest, First, Average, Total, Lowest }
    ProtectionText is Protection { Forward, Protect, Refuse }
    StaleText is Stale { Ignore, Refuse, Forward }
    UnchangedText is Unchanged { Forward, Skip }
    OverrideText is Override { ToolWins, Protect, RaiseOnly }
}
