//! The two enumerations of a score, read in any case and with any separator between words.

macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident { $($variant:ident = $canonical:literal $([$($alias:literal)*])?;)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// The canonical words, for a message.
            pub const ALLOWED: &str = concat!($($canonical, " ",)*);

            pub fn read(text: &str) -> Option<Self> {
                // As nearly all callers write it.
                match text {
                    $($canonical => return Some(Self::$variant),)*
                    _ => {}
                }
                $(if is_spelling(text, $canonical) $($(|| is_spelling(text, $alias))*)? {
                    return Some(Self::$variant);
                })*
                None
            }

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $canonical,)* }
            }
        }
    };
}

words! {
    /// How far the learner is. LTIAAS's API reference says `Initiated` where AGS, its SDKs and
    /// Canvas say `Initialized`: both are read, the latter is sent.
    ActivityProgress {
        Initialized = "Initialized" ["Initiated"];
        Started = "Started";
        InProgress = "InProgress";
        Submitted = "Submitted";
        Completed = "Completed";
    }
}

words! {
    /// How far the grading is.
    GradingProgress {
        FullyGraded = "FullyGraded";
        Pending = "Pending";
        PendingManual = "PendingManual";
        Failed = "Failed";
        NotReady = "NotReady";
    }
}

/// Whether a text is the canonical word in another case, or with one `_` or `-` between its parts.
fn is_spelling(text: &str, canonical: &str) -> bool {
    let mut given = text.chars().peekable();
    for (index, letter) in canonical.chars().enumerate() {
        if index > 0 && letter.is_ascii_uppercase() {
            given.next_if(|separator| matches!(separator, '_' | '-'));
        }
        if given
            .next()
            .is_none_or(|given| !given.eq_ignore_ascii_case(&letter))
        {
            return false;
        }
    }
    given.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling_of_a_word() {
        for text in [
            "FullyGraded",
            "fullygraded",
            "FULLY_GRADED",
            "fully-graded",
            "Fully_graded",
        ] {
            assert_eq!(
                GradingProgress::read(text),
                Some(GradingProgress::FullyGraded),
                "{text}"
            );
        }
        for text in ["Initiated", "INITIATED", "initialized"] {
            assert_eq!(
                ActivityProgress::read(text),
                Some(ActivityProgress::Initialized),
                "{text}"
            );
        }
        assert_eq!(
            ActivityProgress::read("in-progress"),
            Some(ActivityProgress::InProgress)
        );
    }

    #[test]
    fn refuses_what_only_resembles_one() {
        for text in [
            "",
            "Graded",
            "Fully Graded",
            "Fully__Graded",
            "_FullyGraded",
            "FullyGraded_",
            "Full_yGraded",
            "Fully",
        ] {
            assert_eq!(GradingProgress::read(text), None, "{text}");
        }
    }
}
