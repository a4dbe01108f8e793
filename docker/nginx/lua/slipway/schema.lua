-- The rules of one project's routes, as core/routes.ts has them: a table that breaks one never replaces a good one.
-- A rule is a function (value, path) that returns nil, or what is wrong: "<path>: <what is allowed>". Pure.
local cidr = require("slipway.cidr")

local find = ngx.re.find

local function is_array(value)
  if type(value) ~= "table" then
    return false
  end
  local count = 0
  for _ in pairs(value) do
    count = count + 1
  end
  return count == #value
end

local function integer(least, most)
  return function(value, path)
    if type(value) ~= "number" or value % 1 ~= 0 or value < least or value > most then
      return ("%s: a whole number from %.0f to %.0f"):format(path, least, most)
    end
  end
end

local function number(least, most)
  return function(value, path)
    if type(value) ~= "number" or not (value >= least and value <= most) then
      return ("%s: a number from %g to %g"):format(path, least, most)
    end
  end
end

local function boolean(value, path)
  if type(value) ~= "boolean" then
    return path .. ": true or false"
  end
end

local function text(pattern, most, meaning)
  return function(value, path)
    if type(value) ~= "string" or #value > most or not find(value, pattern, "joD") then
      return path .. ": " .. meaning
    end
  end
end

local function one_of(...)
  local allowed, names = {}, {}
  for _, value in ipairs({ ... }) do
    allowed[value], names[#names + 1] = true, tostring(value)
  end
  return function(value, path)
    if value == nil or not allowed[value] then
      return path .. ": one of " .. table.concat(names, ", ")
    end
  end
end

local function array(rule, most, least)
  return function(value, path)
    if not is_array(value) or #value > most or #value < (least or 0) then
      return ("%s: a list of %d to %d"):format(path, least or 0, most)
    end
    for index, item in ipairs(value) do
      local wrong = rule(item, path .. "." .. (index - 1))
      if wrong then
        return wrong
      end
    end
  end
end

local function record(key_rule, value_rule, most)
  return function(value, path)
    if type(value) ~= "table" then
      return path .. ": an object"
    end
    local count = 0
    for key, item in pairs(value) do
      count = count + 1
      local wrong = key_rule(key, path) or value_rule(item, path .. "." .. tostring(key))
      if wrong then
        return wrong
      end
    end
    if count > most then
      return ("%s: at most %d entries"):format(path, most)
    end
  end
end

-- An object of exactly these fields; `check` looks at the whole once each field is right.
local function object(required, optional, check)
  return function(value, path)
    if type(value) ~= "table" then
      return path .. ": an object"
    end
    for key in pairs(value) do
      if not required[key] and not optional[key] then
        return ("%s.%s: an unknown field"):format(path, tostring(key))
      end
    end
    for key, rule in pairs(required) do
      local wrong = rule(value[key], path .. "." .. key)
      if wrong then
        return wrong
      end
    end
    for key, rule in pairs(optional) do
      if value[key] ~= nil then
        local wrong = rule(value[key], path .. "." .. key)
        if wrong then
          return wrong
        end
      end
    end
    return check and check(value, path)
  end
end

local function unique(list, field, path)
  local seen = {}
  for _, item in ipairs(list) do
    if seen[item[field]] then
      return ("%s: %s %s is there twice"):format(path, field, item[field])
    end
    seen[item[field]] = true
  end
end

local function network(value, path)
  if type(value) ~= "string" or not cidr.parse_network(value) then
    return path .. ": an address or a network in CIDR form"
  end
end

-- The gateway's own loopback, link-local (cloud metadata), multicast and "any" are no container's.
local NEVER_A_CONTAINER = cidr.parse_list({
  "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/8", "fe80::/10", "ff00::/8",
})

local function container_address(value, path)
  local bytes = type(value) == "string" and cidr.parse_address(value)
  local is_mapped = bytes and #bytes == 4 and value:find(":", 1, true)
  if not bytes or is_mapped or cidr.any_contains(NEVER_A_CONTAINER, value) then
    return path .. ": an address that a container can have"
  end
end

local UNSETTABLE = {}
for name in ([[connection content-encoding content-length date keep-alive location proxy-authenticate server set-cookie
  trailer transfer-encoding upgrade]]):gmatch("%S+") do
  UNSETTABLE[name] = true
end

local header_pattern = text("^[A-Za-z0-9-]+$", 64, "header names of letters, digits and -")
local function header_name(value, path)
  local wrong = header_pattern(value, path)
  if wrong then
    return wrong
  end
  if UNSETTABLE[value:lower()] then
    return ("%s: %s is the gateway's own to set"):format(path, value)
  end
end

local duration = integer(1, 24 * 3600 * 1000)
local domain_label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
local rate = object({ perSecond = number(0.1, 1000000), burst = integer(0, 1000000) }, {})

local upstream = object(
  { address = container_address, port = integer(1, 65535) },
  {
    weight = integer(0, 1000), draining = boolean, side = one_of("old", "new"), standby = boolean,
    container = text("^[0-9a-f]{12}$", 12, "12 hex digits"),
  }
)

local settings = object({}, {
  maxBodyBytes = integer(0, 1024 ^ 4),
  connectTimeoutMs = duration,
  sendTimeoutMs = duration,
  readTimeoutMs = duration,
  streamTimeoutMs = duration,
  redirects = array(
    object({
      from = text([[^/[\x21-\x7e]*$]], 501, "a path"),
      to = text([[^(?:/(?!/)|https?://)[\x21-\x7e]*$]], 1008, "a path or a URL"),
    }, { status = one_of(301, 302, 307, 308) }),
    128
  ),
  basicAuth = array(
    object({
      user = text([[^[\x21-\x39\x3b-\x7e]+$]], 64, "visible characters without a colon"),
      saltHex = text("^[0-9a-f]{16,64}$", 64, "16 to 64 hex digits"),
      hashHex = text("^[0-9a-f]{64}$", 64, "64 hex digits"),
      iterations = integer(1000, 200000),
    }, {}),
    64,
    1
  ),
  allowIps = array(network, 128, 1),
  responseHeaders = record(header_name, text([[^[\x20-\x7e]*$]], 1024, "printable ASCII"), 32),
})

local service = object({
  service = text("^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$", 32, "a service's name"),
  prefix = text("^/$|^(?:/[A-Za-z0-9._~-]+)+$", 500, "a path prefix without a trailing slash"),
  upstreams = array(upstream, 64),
}, { stripPrefix = boolean, settings = settings })

local rollout = object({
  id = text("^[a-z0-9-]+$", 64, "lower-case letters, digits and -"),
  phase = one_of("before", "during", "after"),
}, { guard = object({ errors = integer(1, 1000000), points = number(0, 100) }, {}) })

local undone = object({
  id = text("^[a-z0-9-]+$", 64, "lower-case letters, digits and -"),
  revisions = text("^", 1000, "a text of at most 1000 bytes"),
  attempt = integer(0, 2 ^ 53 - 1),
  cause = text("^", 2000, "a text of at most 2000 bytes"),
}, {})

local environment = object({
  state = one_of("serving", "starting", "paused", "hibernated", "failed", "absent"),
  services = array(service, 32),
}, {
  message = text("^", 2000, "a text of at most 2000 bytes"), rollout = rollout, undone = undone,
}, function(value, path)
  return unique(value.services, "prefix", path .. ".services")
end)

local project = object({
  namespace = text([[^project_\d{10,16}_[a-z0-9]{4,16}$]], 64, "a namespace"),
  slug = text("^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$", 48, "a slug"),
  version = integer(1, 2 ^ 53 - 1),
  environments = object({}, { dev = environment, test = environment, deploy = environment }),
}, {
  domains = array(
    object({
      name = text(
        ("^(?!.*\\.(?:[0-9]+|localhost)$)%s(?:\\.%s)+$"):format(domain_label, domain_label), 253, "a lower-case domain name"
      ),
      environment = one_of("dev", "test", "deploy"),
    }, {}),
    64
  ),
  limits = object({}, { project = rate, client = rate, connections = integer(1, 100000) }),
}, function(value, path)
  return value.domains and unique(value.domains, "name", path .. ".domains")
end)

local M = {}

-- nil where `value` is one project's routes; else what is wrong with it.
function M.problem(value)
  return project(value, "project")
end

M.container_address = container_address

return M
