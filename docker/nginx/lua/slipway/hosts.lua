-- What a request's Host header stands for, worked out once for each: browsers and programs say the same few again and again.
local generations = require("slipway.generations")
local settings = require("slipway.settings")
local store = require("slipway.store")
local target = require("slipway.target")

local known = generations.new(1024)

local M = {}

-- `header` as it came, `name` as nginx understood it (lower case, no port; from an absolute target where there is one):
--   { name, is_sound = what may be passed on: the container is told the header, so it has to be of that name,
--     is_own = the gateway's own name, port = the header's, environment, slug }
function M.of(header, name)
  local host = known:get(header)
  if host and host.name == name then
    return host
  end
  local environment, slug = target.project_host(name, settings.base_suffix)
  host = {
    name = name,
    is_sound = target.host_of_header(header) == name,
    is_own = settings.is_own_host[name] == true,
    port = header:match(":(%d+)$"),
    environment = environment,
    slug = slug,
  }
  known:set(header, host)
  return host
end

-- Whether anything answers by that name: the gateway itself or a project.
function M.is_known(host)
  return host.is_own or M.namespace(host, store.revision()) ~= nil
end

-- The namespace that has the host at the table's revision `revision`; nil where none has it.
function M.namespace(host, revision)
  if not revision or host.looked_up_at ~= revision then
    host.namespace = host.slug and store.namespace_of_slug(host.slug) or store.namespace_of_domain(host.name)
    host.looked_up_at = revision
  end
  return host.namespace
end

return M
