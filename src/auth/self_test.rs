//! Verifies one built-in token at start. Token libraries choose their cryptography at run time, and
//! a wrong build fails at the first verification: better now than on a grade.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};

use super::CannotVerify;
use super::claims::Claims;

/// RFC 7515 appendix A.1.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SECRET: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==";

pub fn self_test() -> Result<(), CannotVerify> {
    let key = DecodingKey::from_base64_secret(&SECRET.replace('-', "+").replace('_', "/"))
        .map_err(CannotVerify::SelfTest)?;
    let mut validation = Validation::new(Algorithm::HS256);
    // The example ended in 2011.
    validation.validate_exp = false;
    decode::<Claims>(TOKEN, &key, &validation)
        .map(|_| ())
        .map_err(CannotVerify::SelfTest)
}
