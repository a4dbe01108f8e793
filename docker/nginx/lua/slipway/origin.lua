-- Keeps projects' programs out of the dashboard's origin. On the gateway's own hosts the dashboard and every project that
-- is asked for by its path are one origin to a browser: whatever runs in it could read the dashboard's token.
local settings = require("slipway.settings")

-- What a browser would run or show as a page, by its Sec-Fetch-Dest: that has to come from the environment's own origin.
local IS_RUN = {
  document = true, iframe = true, frame = true, embed = true, object = true, fencedframe = true,
  script = true, worker = true, sharedworker = true, serviceworker = true, audioworklet = true, paintworklet = true,
}

-- A browser that does not say what it asks for gives a page with this an origin of nobody's. All others ignore it.
-- nginx.conf has the same for most of such answers.
local SANDBOX = "sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"

local M = {}

-- Names that every machine has for itself.
local function is_loopback(host)
  return host == "localhost" or host:sub(-10) == ".localhost" or host == "[::1]" or host:find("^127%.") ~= nil
end

-- What the client says it wants the answer for. Over plain http browsers say so to their own machine only; but all of
-- them send Upgrade-Insecure-Requests where they want a page, and programs do not.
local function destination(fetch_dest, upgrade_insecure)
  return fetch_dest or (upgrade_insecure == "1" and "document") or nil
end

-- Whether a request for `host` with these two headers is to be asked again at the environment's own origin. Where that
-- is a name of the gateway's own machine and the browser is at another one, it cannot: such a page is confined instead.
function M.must_be_own(fetch_dest, upgrade_insecure, host)
  local dest = destination(fetch_dest, upgrade_insecure)
  return dest ~= nil and IS_RUN[dest] == true and (is_loopback(host) or not is_loopback(settings.base_domain))
end

-- `rest` below the environment's own origin, at the port that the client used (of its Host header).
function M.location(scheme, environment, slug, host_header, rest)
  local port = host_header:match("(:%d+)$") or ""
  return scheme .. "://" .. environment .. "--" .. slug .. settings.base_suffix .. port
    .. (rest:sub(1, 1) == "/" and rest or "/" .. rest)
end

function M.redirect(location)
  ngx.header["Location"] = location
  ngx.header["Cache-Control"] = "no-store"
  ngx.header["Vary"] = "Sec-Fetch-Dest"
  return ngx.exit(307)
end

-- Takes from a container's answer what would reach beyond the project, where no location of nginx.conf does.
-- `header` is ngx.header, or a table like it.
function M.confine(header)
  -- What an answer would say of the whole origin, and so of the dashboard and of every other project. One by one, because
  -- LuaJIT does not compile a loop inside of what it compiles.
  header["Service-Worker-Allowed"] = nil
  header["Clear-Site-Data"] = nil
  header["Strict-Transport-Security"] = nil
  header["Alt-Svc"] = nil
  header["NEL"] = nil
  header["Report-To"] = nil
  local own = header["Content-Security-Policy"]
  if own == nil then
    header["Content-Security-Policy"] = SANDBOX
    return
  end
  local policies = type(own) == "table" and own or { own }
  policies[#policies + 1] = SANDBOX
  header["Content-Security-Policy"] = policies
end

return M
