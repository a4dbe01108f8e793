-- HTTP basic auth against PBKDF2-HMAC-SHA256 hashes. OpenSSL does the work: it is in nginx already.
local ffi = require("ffi")
local lrucache = require("resty.lrucache")

ffi.cdef([[
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
int PKCS5_PBKDF2_HMAC(const char *pass, int passlen, const unsigned char *salt, int saltlen, int iter,
                      const EVP_MD *digest, int keylen, unsigned char *out);
int CRYPTO_memcmp(const void *a, const void *b, size_t len);
]])

local KEY_BYTES = 32
local key = ffi.new("unsigned char[?]", KEY_BYTES)

-- Passwords that were right lately, by a digest of all that went into the answer: a page with a hundred pictures must not
-- hash a hundred times. Wrong ones are hashed each time; the client's rate limit bounds them.
local right_lately = assert(lrucache.new(1000))
local RIGHT_FOR_SECONDS = 60

local function from_hex(hex)
  return (hex:gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end))
end

local function matches(user, password)
  local salt = from_hex(user.saltHex)
  local made = ffi.C.PKCS5_PBKDF2_HMAC(password, #password, salt, #salt, user.iterations, ffi.C.EVP_sha256(), KEY_BYTES, key)
  return made == 1 and ffi.C.CRYPTO_memcmp(key, from_hex(user.hashHex), KEY_BYTES) == 0
end

local M = {}

-- Whether the header `authorization` names one of `users` with its password.
function M.is_right(authorization, users)
  local encoded = authorization and authorization:match("^[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/=]+)$")
  local name, password = (encoded and ngx.decode_base64(encoded) or ""):match("^([^:]*):(.*)$")
  if not name then
    return false
  end
  for _, user in ipairs(users) do
    if user.user == name then
      local digest = ngx.sha1_bin(table.concat({ user.saltHex, user.hashHex, user.iterations, encoded }, "\0"))
      if right_lately:get(digest) then
        return true
      end
      if matches(user, password) then
        right_lately:set(digest, true, RIGHT_FOR_SECONDS)
        return true
      end
      return false
    end
  end
  return false
end

return M
