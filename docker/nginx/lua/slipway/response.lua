-- What of a container's answer is mended on its way out: it believes to be at the root of a host of its own, and may be
-- below /projects/<namespace>/<environment>.
local origin = require("slipway.origin")
local request = require("slipway.request")
local store = require("slipway.store")
local tls = require("slipway.tls")

local M = {}

-- Where a Location or the like must point from outside. `prefix` is the public path before the container's own root,
-- `host` the name that the client used (with its port). Pure.
function M.mend_location(location, prefix, host)
  if prefix == "" then
    return location
  end
  local origin, path = "", location
  local scheme, authority, rest = location:match("^([Hh][Tt][Tt][Pp][Ss]?://)([^/?#]*)(.*)$")
  if scheme then
    if authority:lower() ~= host:lower() then
      return location
    end
    origin, path = scheme .. authority, rest == "" and "/" or rest
  end
  if path:sub(1, 1) ~= "/" or path:sub(1, 2) == "//" then
    return location
  end
  local after = path:sub(#prefix + 1, #prefix + 1)
  if path:sub(1, #prefix) == prefix and (after == "" or after == "/" or after == "?" or after == "#") then
    return location
  end
  return origin .. prefix .. path
end

-- A cookie's Path below `prefix`. Its Domain, where the project has only one of our own names (`own_name`), goes: it could
-- only widen the cookie to other projects. Pure.
function M.mend_cookie(cookie, prefix, own_name)
  local parts = {}
  for part in (cookie .. ";"):gmatch("([^;]*);") do
    local name, value = part:match("^%s*([^=%s]+)%s*=%s*(.-)%s*$")
    local attribute = #parts > 0 and name and name:lower()
    if attribute == "path" and prefix ~= "" and value:sub(1, 1) == "/" then
      parts[#parts + 1] = " Path=" .. M.mend_location(value, prefix, "")
    elseif not (attribute == "domain" and own_name) then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, ";")
end

local function mend_pointer(header, name, prefix)
  local location = header[name]
  if type(location) == "string" then
    header[name] = M.mend_location(location, prefix, ngx.var.slipway_host)
  end
end

-- A Refresh header's URL below `prefix`; it may stand in quotes. Pure.
function M.mend_refresh(refresh, prefix, host)
  return (refresh:gsub("([Uu][Rr][Ll]%s*=%s*[\"']?)([^\"']*)", function(key, url)
    return key .. M.mend_location(url, prefix, host)
  end, 1))
end

local function mend_cookies(header, cookies, routed)
  local own_name = routed.project.domains[ngx.var.host] == nil
  cookies = type(cookies) == "table" and cookies or { cookies }
  for index, cookie in ipairs(cookies) do
    cookies[index] = M.mend_cookie(cookie, routed.prefix, own_name)
  end
  header["Set-Cookie"] = cookies
end

-- What the container says of where it is.
local function mend_own(header, routed)
  local prefix = routed.prefix
  if prefix ~= "" then
    mend_pointer(header, "Location", prefix)
    mend_pointer(header, "Content-Location", prefix)
    local refresh = header["Refresh"]
    if type(refresh) == "string" then
      header["Refresh"] = M.mend_refresh(refresh, prefix, ngx.var.slipway_host)
    end
  end
  local cookies = header["Set-Cookie"]
  if cookies then
    mend_cookies(header, cookies, routed)
  end
end

local function set_own(header, own_headers)
  for name, value in pairs(own_headers) do
    header[name] = value
  end
end

-- Which container answered, of all that nginx tried: it lists them, and how long each took until its header came, with "-"
-- for one whose header never did. nil where the gateway answers in its place. Pure.
function M.answerer(addresses, header_times)
  if addresses and header_times and header_times:find("%d$") then
    return addresses:match("([^,%s]+)$")
  end
end

-- What the worker reads of a proof that it asked for; nobody else sees it, and no container can say it.
local function tell_proof(header)
  local var = ngx.var
  header["X-Slipway-Route"] = var.slipway_route
  header["X-Slipway-Upstream"] = M.answerer(var.upstream_addr, var.upstream_header_time)
end

-- The same of an answer that is the gateway's own.
local function tell_own_proof()
  local var = ngx.var
  if var.slipway_route ~= "" and var.remote_addr == "unix:" then
    tell_proof(ngx.header)
  end
end

-- A name that is also served in clear must not be told to browsers as one that is not.
local function is_https_only(host)
  return tls.is_enforced(host, store.namespace_of_domain(host) ~= nil)
end

-- Runs on every answer. nginx.conf adds the headers that protect, where the answer has none of its own.
local function protect(header)
  header["Server"] = ""
  if tls.is_offered and ngx.var.slipway_scheme == "https" and header["Strict-Transport-Security"] == nil
    and is_https_only(ngx.var.host) then
    header["Strict-Transport-Security"] = "max-age=31536000"
  end
end

-- Runs on every answer that passes proxy.conf; `is_confined`: nginx.conf does what `origin.confine` is for.
function M.mend(is_confined)
  local header = ngx.header
  local routed = request.current()
  if routed then
    -- Most answers have none of these headers (nginx.conf).
    if ngx.var.slipway_to_mend ~= "" then
      mend_own(header, routed)
    end
    local own_headers = routed.service.settings.responseHeaders
    if own_headers then
      set_own(header, own_headers)
    end
    if routed.is_proof then
      tell_proof(header)
    end
    if routed.is_shared_origin and not is_confined then
      origin.confine(header)
    end
  else
    tell_own_proof()
  end
  protect(header)
end

-- Runs on the gateway's own answers.
function M.protect()
  tell_own_proof()
  protect(ngx.header)
end

return M
