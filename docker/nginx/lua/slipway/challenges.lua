-- What an ACME server wants to hear (RFC 8555, HTTP-01): for one host and one token, for a short while, over plain http.
local shared = ngx.shared.certificates
local PREFIX = "/.well-known/acme-challenge/"
local DOT = string.byte(".")
local KEPT_SECONDS = 3600

local M = {}

-- nil where `challenge` ({host, token, answer}) can be put; else what is wrong with it.
function M.problem(challenge)
  local host, token, answer = challenge.host, challenge.token, challenge.answer
  if type(host) ~= "string" or not host:find("^[a-z0-9][a-z0-9.-]*$") or #host > 253 then
    return "host: a domain name"
  end
  if type(token) ~= "string" or not token:find("^[A-Za-z0-9_-]+$") or #token > 256 then
    return "token: letters, digits, - and _"
  end
  if type(answer) ~= "string" or not answer:find("^[A-Za-z0-9_.-]+$") or #answer > 512 then
    return "answer: letters, digits, ., - and _"
  end
end

function M.put(challenge)
  return shared:safe_set("challenge:" .. challenge.host .. "/" .. challenge.token, challenge.answer, KEPT_SECONDS)
end

function M.remove(challenge)
  shared:delete("challenge:" .. challenge.host .. "/" .. challenge.token)
end

-- The answer to a request for `path` at `host`; nil where it is none of ours, and then it is the project's.
function M.answer(host, path)
  if path:byte(2) ~= DOT or path:sub(1, #PREFIX) ~= PREFIX then
    return nil
  end
  return shared:get("challenge:" .. host .. "/" .. path:sub(#PREFIX + 1))
end

return M
