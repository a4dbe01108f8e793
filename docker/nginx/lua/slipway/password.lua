-- HTTP basic auth against PBKDF2-HMAC-SHA256 hashes. OpenSSL does the work: it is in nginx already.
local ffi = require("ffi")
local lrucache = require("resty.lrucache")
local rates = require("slipway.rates")

ffi.cdef([[
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
int PKCS5_PBKDF2_HMAC(const char *pass, int passlen, const unsigned char *salt, int saltlen, int iter,
                      const EVP_MD *digest, int keylen, unsigned char *out);
int CRYPTO_memcmp(const void *a, const void *b, size_t len);
]])

local KEY_BYTES = 32
local key = ffi.new("unsigned char[?]", KEY_BYTES)

-- Passwords that were right or wrong lately, by a digest of all that went into the answer: a page with a hundred pictures,
-- or a program that has the wrong one, must not hash a hundred times. Apart, so that guesses push out nobody's right one.
-- What was right once is so for all of nginx's workers, or another one's turn would come while there are none to be had.
local right_lately = ngx.shared.passwords
local wrong_lately = assert(lrucache.new(1000))
local KNOWN_FOR_SECONDS = 600

-- How many iterations may be spent on passwords that are not known yet: a second, and at once. While nginx hashes it serves
-- nobody, and 20,000 iterations (what Slipway hashes with) take about 5 ms: all together take a tenth of one worker's time.
local CLIENT = { per_second = 100000, at_once = 400000 } -- one client address at one project
local PROJECT = { per_second = 200000, at_once = 1000000 }
local ALL = { per_second = 400000, at_once = 2000000 }

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

-- Seconds to wait before `iterations` may be spent; nil where they may be now.
local function wait_for_turn(iterations, project, client)
  local now = ngx.now()
  local function wait(key, budget)
    local rate = { perSecond = budget.per_second / iterations, burst = math.floor(budget.at_once / iterations) }
    return rates.wait(key, rate, now)
  end
  return wait("w " .. project .. " " .. client, CLIENT) or wait("w " .. project, PROJECT) or wait("w", ALL)
end

local M = {}

-- Whether the header `authorization` names one of `users` with its password. Where too many were tried lately by `client`
-- at `project`, or by all: false, and the seconds after which it may be tried again.
function M.is_right(authorization, users, project, client)
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
      elseif wrong_lately:get(digest) then
        return false
      end
      local seconds = wait_for_turn(user.iterations, project, client)
      if seconds then
        return false, seconds
      end
      local is_match = matches(user, password)
      local known = is_match and right_lately or wrong_lately
      known:set(digest, true, KNOWN_FOR_SECONDS)
      return is_match
    end
  end
  return false
end

return M
