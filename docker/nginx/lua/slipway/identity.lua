-- What tells requests apart: here, which of those in progress one is; in logs and at containers, an id.
local ffi = require("ffi")
local get_request = require("resty.core.base").get_request

local random, format = math.random, string.format
local MOST = 2 ^ 32 - 1
local worker_id

local M = {}

-- A number for the request that is being worked on: the address at which nginx keeps it. It stays the same while the
-- request moves to another location, where ngx.ctx is lost, and is a later request's only once this one was logged.
function M.handle()
  return tonumber(ffi.cast("uintptr_t", get_request()))
end

-- Each nginx worker draws numbers of its own.
function M.seed()
  local file = assert(io.open("/dev/urandom", "rb"))
  local bytes = file:read(14)
  file:close()
  local seed = 0
  for index = 1, 6 do
    seed = seed * 256 + bytes:byte(index)
  end
  math.randomseed(seed)
  worker_id = bytes:sub(7):gsub(".", function(byte)
    return format("%02x", byte:byte())
  end)
end

-- 32 hex digits, of which the first 16 are this worker's. nginx's $request_id asks OpenSSL for them, and that takes as long
-- as all else that happens to a request here; nothing depends on nobody guessing them.
function M.new_id()
  return format("%s%08x%08x", worker_id, random(0, MOST), random(0, MOST))
end

return M
