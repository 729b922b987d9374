-- The job for nginx: verify the token (verified ones are remembered), validate the score, cap it
-- at its maximum, replace the credential.
local cjson = require("cjson.safe")
local ffi = require("ffi")
local lrucache = require("resty.lrucache")
local score = require("score")

ffi.cdef([[
const void *EVP_sha256(void);
unsigned char *HMAC(const void *digest, const void *key, int key_length,
                    const unsigned char *text, size_t length,
                    unsigned char *out, unsigned int *out_length);
int CRYPTO_memcmp(const void *one, const void *other, size_t length);
]])

local verified = lrucache.new(10000)
local sha256 = ffi.C.EVP_sha256()
local mac = ffi.new("unsigned char[32]")

local function from_base64url(text)
    local padded = text:gsub("-", "+"):gsub("_", "/") .. string.rep("=", -#text % 4)
    return ngx.decode_base64(padded)
end

local function signed(text, signature)
    local secret = settings.secret
    ffi.C.HMAC(sha256, secret, #secret, text, #text, mac, nil)
    return #signature == 32 and ffi.C.CRYPTO_memcmp(mac, signature, 32) == 0
end

local function decoded(part)
    local text = from_base64url(part)
    return text and cjson.decode(text)
end

-- When the token expires; nil if it is not valid.
local function expiry(token)
    local known = verified:get(token)
    if known then
        return known
    end
    local text, header, claims, signature = token:match("^(([^.]+)%.([^.]+))%.([^.]+)$")
    if not text then
        return nil
    end
    header, claims, signature = decoded(header), decoded(claims), from_base64url(signature)
    if not (header and claims and signature) or header.alg ~= "HS256" or not signed(text, signature) then
        return nil
    end
    if claims.iss ~= settings.issuer or claims.aud ~= settings.audience or type(claims.exp) ~= "number" then
        return nil
    end
    verified:set(token, claims.exp, math.max(claims.exp - ngx.time(), 0.001))
    return claims.exp
end

local function refuse(status, message)
    ngx.status = status
    ngx.header.content_type = "application/json"
    ngx.print(cjson.encode({ status = status, details = { message = message } }))
    return ngx.exit(status)
end

local function run()
    local authorization = ngx.var.http_authorization or ""
    local token, service_key = authorization:match("^SERVICE%-AUTH%-V1 ([^:]+):(.+)$")
    local expires = token and expiry(token)
    if not expires or expires < ngx.time() then
        return refuse(401, "INVALID_AUTHORIZATION")
    end
    ngx.req.read_body()
    local body, capped = score.judge(cjson, ngx.req.get_body_data())
    if not body then
        return refuse(422, "INVALID_SCORE")
    end
    if capped then
        ngx.req.set_body_data(body)
    end
    ngx.req.set_header("Authorization", "SERVICE-AUTH-V1 " .. settings.api_key .. ":" .. service_key)
end

return { run = run }
