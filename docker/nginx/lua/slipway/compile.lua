-- A project's routes as pushed → as requests use them: prefixes longest first, networks parsed, one peer object for each
-- container. A peer that was there before stays the same object, so that its counts survive a push. Pure.
local cidr = require("slipway.cidr")

local M = {}

-- Those that get requests, and those that get them once a rollout has undone itself: the old side's.
local function peers_of(service, before, in_use)
  local peers, fallback = {}, {}
  for _, upstream in ipairs(service.upstreams) do
    local key = service.service .. " " .. upstream.address .. " " .. upstream.port
    local peer = before[key]
      or {
        key = upstream.address .. ":" .. upstream.port,
        address = upstream.address,
        port = upstream.port,
        in_flight = 0,
        current = 0,
        down_until = 0,
      }
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
    settings = settings,
    redirects = settings.redirects and redirects_of(settings.redirects),
    allow = settings.allowIps and cidr.parse_list(settings.allowIps),
  }
end

-- `previous` is the same project as it was compiled before, or nil.
function M.project(project, previous)
  local compiled = {
    namespace = project.namespace,
    slug = project.slug,
    version = project.version,
    limits = project.limits or {},
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
