//! Verifies one built-in token at start. Token libraries choose their cryptography at run time, and
//! a wrong build fails at the first verification: better now than on a grade.

use jsonwebtoken::DecodingKey;

use super::token::Token;
use super::{CannotVerify, Unverified};

/// RFC 7515 appendix A.1.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SECRET: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==";

pub fn self_test() -> Result<(), CannotVerify> {
    is_signed().map_err(CannotVerify::SelfTest)
}

/// The example ended in 2011 and has no audience, so nothing but its signature is looked at.
fn is_signed() -> Result<(), Unverified> {
    let key = DecodingKey::from_base64_secret(&SECRET.replace('-', "+").replace('_', "/"))?;
    Token::read(TOKEN)?.verify(&key)
}
