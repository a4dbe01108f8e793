-- TLS: which certificate a handshake gets, and which names are to be asked for by https alone.
local certificates = require("slipway.certificates")
local settings = require("slipway.settings")
local ssl = require("ngx.ssl")

-- is_offered: whether anybody reaches this gateway by https.
local M = { is_offered = settings.https_port ~= nil }

-- Runs in each full handshake. A name that nobody has a certificate for gets none, and no other's either.
function M.choose()
  local name = ssl.server_name()
  local found = certificates.find(name and name:lower() or "")
  if not found then
    return ngx.exit(ngx.ERROR)
  end
  assert(ssl.clear_certs())
  assert(ssl.set_cert(found.chain))
  assert(ssl.set_priv_key(found.key))
end

-- Browsers know a name below localhost as this machine's, with any number of programs on other ports: it is left alone.
local function is_loopback(host)
  return host == "localhost" or host:sub(-10) == ".localhost"
end

-- Whether `host` is to be reached by https alone; `is_domain`: it is a project's own.
function M.is_enforced(host, is_domain)
  if not settings.https_port or settings.redirect == "off" then
    return false
  end
  if not is_domain and (settings.redirect ~= "all" or is_loopback(host)) then
    return false
  end
  return certificates.has(host)
end

-- Where a plain request for `host` finds what it asks for. Pure but for the settings.
function M.location(host, request_uri)
  local port = settings.https_port == 443 and "" or ":" .. settings.https_port
  return "https://" .. host .. port .. (request_uri:sub(1, 1) == "/" and request_uri or "/")
end

return M
