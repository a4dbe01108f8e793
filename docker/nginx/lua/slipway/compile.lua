-- A project's routes as pushed → as requests use them: prefixes longest first, networks parsed, one peer object for each
-- container. A peer that was there before stays the same object, so that its counts survive a push. Pure.
local cidr = require("slipway.cidr")
local counts = require("slipway.counts")

local M = {}

local function new_peer(upstream)
  local requests_key, streams_key = counts.keys_of(upstream.address .. ":" .. upstream.port)
  return {
    requests_key = requests_key,
    streams_key = streams_key,
    -- As nginx wants it: an IPv6 address in brackets.
    address = upstream.address:find(":", 1, true) and "[" .. upstream.address .. "]" or upstream.address,
    port = upstream.port,
    in_flight = 0,
    told = 0,
    current = 0,
    down_until = 0,
  }
end

-- Those that get requests, and those that get them once a rollout has undone itself: the old side's.
local function peers_of(service, before, in_use)
  local peers, fallback = {}, {}
  for _, upstream in ipairs(service.upstreams) do
    local key = service.service .. " " .. upstream.address .. " " .. upstream.port
    local peer = before[key] or new_peer(upstream)
    peer.weight = upstream.draining and 0 or upstream.weight or 1
    peer.side = upstream.side
    in_use[key] = peer
    if not upstream.standby then
      peers[#peers + 1] = peer
    end
    if upstream.side == "old" then
      fallback[#fallback + 1] = peer
    end
  end
  return peers, fallback
end

local function is_any_served(peers)
  for _, peer in ipairs(peers) do
    if peer.weight > 0 then
      return true
    end
  end
  return false
end

local function redirects_of(list)
  local redirects = {}
  for _, redirect in ipairs(list) do
    redirects[redirect.from] = { to = redirect.to, status = redirect.status or 308 }
  end
  return redirects
end

local function service_of(service, before, in_use)
  local settings = service.settings or {}
  local peers, fallback = peers_of(service, before, in_use)
  return {
    name = service.service,
    prefix = service.prefix,
    strip = service.stripPrefix and service.prefix ~= "/",
    peers = peers,
    fallback = fallback,
    is_guarded = settings.allowIps ~= nil or settings.basicAuth ~= nil,
    has_timeouts = (settings.connectTimeoutMs or settings.sendTimeoutMs or settings.readTimeoutMs) ~= nil,
    is_served = is_any_served(peers),
    settings = settings,
    redirects = settings.redirects and redirects_of(settings.redirects),
    allow = settings.allowIps and cidr.parse_list(settings.allowIps),
  }
end

-- What counts against a rate is of that rate alone: a new one begins anew.
local function rate_key(kind, namespace, rate)
  return rate and ("%s %s %.17g/%d "):format(kind, namespace, rate.perSecond, rate.burst) or kind .. " " .. namespace .. " "
end

-- `previous` is the same project as it was compiled before, or nil.
function M.project(project, previous)
  local limits = project.limits or {}
  local compiled = {
    namespace = project.namespace,
    slug = project.slug,
    version = project.version,
    project_rate_key = rate_key("p", project.namespace, limits.project),
    client_rate_key = rate_key("c", project.namespace, limits.client),
    connections_key = "n " .. project.namespace .. " ",
    limits = limits,
    environments = {},
    domains = {},
  }
  for name, environment in pairs(project.environments) do
    local before = previous and previous.environments[name]
    local in_use, services = {}, {}
    for _, service in ipairs(environment.services) do
      services[#services + 1] = service_of(service, before and before.peer_by_key or {}, in_use)
    end
    table.sort(services, function(a, b)
      return #a.prefix > #b.prefix
    end)
    compiled.environments[name] = {
      name = name,
      route = ("%s/%s@%.0f"):format(project.namespace, name, project.version),
      path = "/projects/" .. project.namespace .. "/" .. name,
      state = environment.state,
      message = environment.message,
      rollout = environment.rollout,
      services = services,
      peer_by_key = in_use,
    }
  end
  for _, domain in ipairs(project.domains or {}) do
    compiled.domains[domain.name] = domain.environment
  end
  return compiled
end

return M
