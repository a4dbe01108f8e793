-- The front door: from a request to the service that answers it, or to the page that says why none does. Nearly all
-- requests take `route` alone, which nginx calls without a coroutine and LuaJIT compiles: no patterns and no closures in it,
-- and nothing that only some requests need. All others take their `turn` after it.
local challenges = require("slipway.challenges")
local cidr = require("slipway.cidr")
local connections = require("slipway.connections")
local counts = require("slipway.counts")
local dashboard = require("slipway.dashboard")
local hosts = require("slipway.hosts")
local identity = require("slipway.identity")
local origin = require("slipway.origin")
local pages = require("slipway.pages")
local password = require("slipway.password")
local rates = require("slipway.rates")
local request = require("slipway.request")
local settings = require("slipway.settings")
local store = require("slipway.store")
local target = require("slipway.target")
local tls = require("slipway.tls")

local DEFAULT_MAX_BODY_BYTES = 1024 ^ 3
-- Of one client address at one project, where the project says nothing else.
local DEFAULT_CONNECTIONS = 2048
local BUSY_SECONDS = 1
local UNKNOWN_HOST = { status = 404, text = "" }
local DASHBOARD = { is_dashboard = true }

local M = {}

-- The request's project, environment name, path below the environment and whether the public path has a prefix before
-- that; or nil and the turn that it takes.
local function look_up(host, path)
  local revision = store.revision()
  if not host.is_own then
    local namespace = hosts.namespace(host, revision)
    local project = namespace and store.project(namespace, revision)
    local name = project and (project.domains[host.name] or host.environment)
    if not project or not target.is_environment_kind(name) then
      return nil, UNKNOWN_HOST
    end
    return project, name, path, false
  end
  if target.is_of_dashboard(path) then
    return nil, DASHBOARD
  end
  local namespace, name, rest = target.project_path(path)
  local project = namespace and store.project(namespace, revision)
  if not project or not (project.environments[name] or target.is_environment_name(name)) then
    return nil, { page = "no_project" }
  end
  return project, name, rest, true
end

-- Seconds to wait where the project or the client has had its share; nil where it has not.
local function wait_for_share(project, client)
  local now = ngx.now()
  local limits = project.limits
  return rates.wait(project.client_rate_key .. client, limits.client or settings.limits.client, now)
    or rates.wait(project.project_rate_key, limits.project or settings.limits.project, now)
end

-- The turn of a request that the service's own settings keep out; nil where they let it in.
local function refusal(project, service, client)
  if service.allow and not cidr.any_contains(service.allow, client) then
    return { page = "forbidden" }
  end
  local users = service.settings.basicAuth
  if not users then
    return nil
  end
  local is_right, seconds = password.is_right(ngx.var.http_authorization, users, project.namespace, client)
  if seconds then
    return { page = "too_many", seconds = seconds }
  elseif not is_right then
    return { page = "unauthorized", headers = { ["WWW-Authenticate"] = 'Basic realm="Slipway", charset="UTF-8"' } }
  end
end

-- The turn of a request whose environment has nothing that could answer it.
local function absence(environment, about)
  if not environment then
    return { page = "absent", about = about }
  elseif environment.state ~= "serving" then
    return { page = environment.state, about = about }
  end
  return { page = "no_service", about = about }
end

local function is_to_be_secured(var, name, is_domain)
  return tls.is_enforced(name, is_domain) and var.slipway_scheme == "http" and var.remote_addr ~= "unix:"
end

-- nil where the request goes on to a container, with all that proxy.conf and the balancer need; else the turn it takes:
--   { page, about, seconds = Retry-After, headers } | { status, text } | { status, location }
--   | { class = another location: a body class, or that of project hosts' requests where this one is not (`is_confining`) }
--   | { dashboard = what it is asked for } | { own_origin = where a browser is to ask again }
local function decide(var, is_confining)
  local request_uri = var.request_uri
  local path, query = target.split(request_uri)
  local name = var.host
  local header = var.http_host
  if not header then
    var.slipway_host = name
  end
  local host = hosts.of(header or name, name)
  if not host.is_sound or target.has_dot_segment(path) then
    return hosts.is_known(host) and { page = "bad_request" } or UNKNOWN_HOST
  end
  local challenge = challenges.answer(name, path)
  if challenge then
    return { status = 200, text = challenge }
  end
  local project, kind, rest, is_below = look_up(host, path)
  if not project then
    if kind ~= DASHBOARD then
      return kind
    elseif is_to_be_secured(var, name, false) then
      return { status = 308, location = tls.location(name, request_uri) }
    end
    return { dashboard = path .. query }
  end

  local environment = project.environments[kind]
  var.slipway_route = environment and environment.route or ("%s/%s@%.0f"):format(project.namespace, kind, project.version)
  local client = var.remote_addr
  local is_proof = client == "unix:"
  if not is_proof then
    local seconds = wait_for_share(project, client)
    if seconds then
      return { page = "too_many", seconds = seconds }
    end
  end
  if is_to_be_secured(var, name, project.domains[name]) then
    return { status = 308, location = tls.location(name, request_uri) }
  end
  if is_below and environment and origin.must_be_own(var.http_sec_fetch_dest, var.http_upgrade_insecure_requests, name) then
    return { own_origin = origin.location(var.slipway_scheme, kind, project.slug, var.slipway_host, rest .. query) }
  end

  local service = environment and environment.state == "serving" and target.service(environment.services, rest)
  local prefix = is_below and environment and environment.path or ""
  if rest == "" and environment and environment.state == "serving" then
    return { status = 308, location = prefix .. "/" .. query }
  end
  if not service then
    return absence(environment, M.about(project, kind))
  end
  -- A proof asks where the route leads, whomever it lets in.
  if service.is_guarded and not is_proof then
    local refused = refusal(project, service, client)
    if refused then
      refused.about = M.about(project, kind)
      return refused
    end
  end
  if service.redirects and service.redirects[rest] and not is_proof then
    local redirect = service.redirects[rest]
    local to = redirect.to
    return { status = redirect.status, location = to:sub(1, 1) == "/" and prefix .. to or to }
  end
  local may_have_body = var.slipway_may_have_body ~= ""
  local length = may_have_body and var.content_length or nil
  if length and tonumber(length) > (service.settings.maxBodyBytes or DEFAULT_MAX_BODY_BYTES) then
    return { page = "too_large", about = M.about(project, kind) }
  end
  if not service.is_served then
    local fares = counts.begin(project, environment)
    if fares then
      counts.finish(fares, "failed", nil, 0)
    end
    return { page = "no_upstream", about = M.about(project, kind) }
  end

  local upstream_path = rest
  if service.strip then
    upstream_path = rest:sub(#service.prefix + 1)
    if upstream_path == "" then
      upstream_path = "/"
    end
    prefix = prefix .. service.prefix
  end
  local connections_key, counted = project.connections_key .. client, nil
  if not is_proof then
    counted = connections.enter(connections_key, project.limits.connections or DEFAULT_CONNECTIONS)
    if not counted then
      return { page = "too_many", about = M.about(project, kind), seconds = BUSY_SECONDS }
    end
  end
  var.slipway_id = identity.new_id()
  if host.port then
    var.slipway_port = host.port
  end
  var.slipway_uri = upstream_path .. query
  if prefix ~= "" then
    var.slipway_prefix = prefix
  end
  request.begin(project, environment, service, prefix, is_below, is_proof, connections_key, counted)
  -- A body whose length is not said: chunked, or in HTTP/2, where nothing else tells.
  if may_have_body and not length and (var.http_transfer_encoding or var.server_protocol == "HTTP/2.0") then
    return { class = target.body_class(service.settings.maxBodyBytes or DEFAULT_MAX_BODY_BYTES) }
  elseif is_confining and not is_below then
    return { class = "/.slipway/unconfined" }
  end
end

-- What a page says of the place that was asked for.
function M.about(project, kind)
  local environment = project.environments[kind]
  return { place = project.slug .. " " .. kind, message = environment and environment.message }
end

-- Runs first for every request. "" where it goes straight on to a container, "1" where it takes its turn.
-- `is_confining`: the location is the one for paths of the gateway's own hosts.
function M.route(is_confining)
  local turn = decide(ngx.var, is_confining)
  if turn then
    request.hold(turn)
    return "1"
  end
  return ""
end

-- Runs for those requests that `route` gave a turn: ends them with a page or the like, or sends them to a body class.
function M.turn()
  local turn = request.held()
  if turn.class then
    -- The log tells what was asked for, not where nginx went with it.
    ngx.var.slipway_path = ngx.var.uri
    return ngx.req.set_uri(turn.class, true)
  elseif turn.dashboard then
    return dashboard.enter(turn.dashboard)
  elseif turn.own_origin then
    return origin.redirect(turn.own_origin)
  elseif turn.page then
    for name, value in pairs(turn.headers or {}) do
      ngx.header[name] = value
    end
    return pages.answer(turn.page, turn.about, turn.seconds)
  elseif turn.location then
    ngx.header["Location"] = turn.location
    return ngx.exit(turn.status)
  end
  ngx.status = turn.status
  if turn.text ~= "" then
    ngx.header["Content-Type"] = "text/plain"
  end
  ngx.header["Content-Length"] = #turn.text
  return pages.send(turn.text)
end

-- Runs where `turn` sent a request with a body of unknown length; nobody else gets in.
function M.resume()
  if not request.current() then
    return pages.answer("no_service")
  end
end

-- Whether the request names a host that nobody here has.
local function is_astray(var)
  local header = var.http_host
  return header ~= nil and not hosts.is_known(hosts.of(header, var.host))
end

-- nginx's own errors: a container that is gone or slow, a body that grew too large, a malformed request.
function M.error_page()
  local var = ngx.var
  if var.uri == "/.slipway/page" then
    var.slipway_path = target.split(var.request_uri or "")
  end
  local current = request.current()
  if not current and is_astray(var) then
    ngx.header["Content-Length"] = 0
    return pages.send("")
  end
  local about = current and M.about(current.project, current.environment.name)
  return pages.answer(pages.kind_of_status[ngx.status] or "broken", { place = about and about.place })
end

return M
