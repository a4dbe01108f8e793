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

-- Headers that an answer gets where it has none of its own.
local PROTECTION = {
  { "X-Frame-Options", "SAMEORIGIN" },
  { "X-Content-Type-Options", "nosniff" },
  { "Referrer-Policy", "strict-origin-when-cross-origin" },
}
local POINTERS = { "Location", "Content-Location" }

-- A name that is also served in clear must not be told to browsers as one that is not.
local function is_https_only(host)
  return tls.is_enforced(host, store.namespace_of_domain(host) ~= nil)
end

-- Runs on every answer, the gateway's own pages too.
function M.protect()
  local header = ngx.header
  for index = 1, #PROTECTION do
    local name, value = PROTECTION[index][1], PROTECTION[index][2]
    if header[name] == nil then
      header[name] = value
    end
  end
  if ngx.var.slipway_scheme == "https" and header["Strict-Transport-Security"] == nil and is_https_only(ngx.var.host) then
    header["Strict-Transport-Security"] = "max-age=31536000"
  end
  header["Server"] = ""
  if ngx.var.slipway_route ~= "" and ngx.var.remote_addr == "unix:" then
    header["X-Slipway-Route"] = ngx.var.slipway_route
    header["X-Slipway-Upstream"] = ngx.var.upstream_addr
  else
    header["X-Slipway-Route"] = nil
    header["X-Slipway-Upstream"] = nil
  end
end

-- Runs on every answer that passes proxy.conf.
function M.mend()
  local header = ngx.header
  local routed = request.current()
  if routed and ngx.var.upstream_addr then
    local prefix, host = routed.prefix, ngx.var.slipway_host
    for _, name in ipairs(POINTERS) do
      local location = header[name]
      if type(location) == "string" then
        header[name] = M.mend_location(location, prefix, host)
      end
    end
    local refresh = header["Refresh"]
    if type(refresh) == "string" then
      header["Refresh"] = refresh:gsub("([Uu][Rr][Ll]=)(.*)$", function(key, url)
        return key .. M.mend_location(url, prefix, host)
      end)
    end
    local cookies = header["Set-Cookie"]
    if cookies then
      local own_name = routed.project.domains[ngx.var.host] == nil
      cookies = type(cookies) == "table" and cookies or { cookies }
      for index, cookie in ipairs(cookies) do
        cookies[index] = M.mend_cookie(cookie, prefix, own_name)
      end
      header["Set-Cookie"] = cookies
    end
    local own_headers = routed.service.settings.responseHeaders
    if own_headers then
      for name, value in pairs(own_headers) do
        header[name] = value
      end
    end
    if routed.is_shared_origin then
      origin.confine(header)
    end
  end
  M.protect()
end

return M
