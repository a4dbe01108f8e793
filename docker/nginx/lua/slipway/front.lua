-- The front door: from a request to the service that answers it, or to the page that says why none does.
local balancer = require("slipway.balancer")
local challenges = require("slipway.challenges")
local cidr = require("slipway.cidr")
local connections = require("slipway.connections")
local counts = require("slipway.counts")
local dashboard = require("slipway.dashboard")
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
local BUSY_SECONDS = 1

local M = {}

-- The request's project, environment name, path below the environment and the public prefix before that path;
-- or nil and the page to answer with.
local function find(host, path)
  if settings.is_own_host[host] then
    if target.is_of_dashboard(path) then
      return nil, "dashboard"
    end
    local namespace, environment, rest = target.project_path(path)
    local project = namespace and store.project(namespace)
    if not project then
      return nil, "no_project"
    end
    return project, environment, rest, "/projects/" .. namespace .. "/" .. environment
  end
  local environment, slug = target.project_host(host, settings.base_suffix)
  local namespace = slug and store.namespace_of_slug(slug) or store.namespace_of_domain(host)
  local project = namespace and store.project(namespace)
  if not project then
    return nil, "unknown_host"
  end
  return project, project.domains[host] or environment, path, ""
end

-- Seconds to wait where the project or the client has had its share; nil where it has not.
local function wait_for_share(project, client)
  local now = ngx.now()
  local per_client = project.limits.client or settings.limits.client
  local per_project = project.limits.project or settings.limits.project
  return rates.wait("c " .. project.namespace .. " " .. client, per_client, now)
    or rates.wait("p " .. project.namespace, per_project, now)
end

-- The page that the service's own settings answer with; nil where they let the request through.
local function refusal(service)
  if service.allow and not cidr.any_contains(service.allow, ngx.var.remote_addr) then
    return "forbidden"
  end
  local users = service.settings.basicAuth
  if users and not password.is_right(ngx.var.http_authorization, users) then
    ngx.header["WWW-Authenticate"] = 'Basic realm="Slipway", charset="UTF-8"'
    return "unauthorized"
  end
  local length = tonumber(ngx.var.http_content_length)
  if length and length > (service.settings.maxBodyBytes or DEFAULT_MAX_BODY_BYTES) then
    return "too_large"
  end
end

local function text(body)
  ngx.header["Content-Type"] = "text/plain"
  ngx.header["Content-Length"] = #body
  return pages.send(body)
end

-- A body whose length is not said: chunked, or in HTTP/2, where nothing else tells.
local function has_unknown_length(var)
  return var.http_transfer_encoding or (var.server_protocol == "HTTP/2.0" and not var.http_content_length)
end

local function is_to_be_secured(var, host, is_domain)
  return var.slipway_scheme == "http" and var.remote_addr ~= "unix:" and tls.is_enforced(host, is_domain)
end

local function send_to_https(host, var)
  ngx.header["Location"] = tls.location(host, var.request_uri)
  return ngx.exit(308)
end

-- Runs in nginx's rewrite phase: either ends the request with a page, or leaves what proxy.conf and the balancer need.
function M.rewrite()
  local var = ngx.var
  local path, query = target.split(var.request_uri)
  if target.has_dot_segment(path) or not target.is_host_header(var.slipway_host) then
    return pages.answer("bad_request")
  end
  local host = var.host
  local challenge = challenges.answer(host, path)
  if challenge then
    return text(challenge)
  end
  local project, name, rest, prefix = find(host, path)
  if not project then
    if name == "unknown_host" then
      ngx.status = 404
      ngx.header["Content-Length"] = 0
      return pages.send("")
    elseif name == "dashboard" then
      if is_to_be_secured(var, host, false) then
        return send_to_https(host, var)
      end
      return dashboard.enter(path .. query)
    end
    return pages.answer(name)
  end

  var.slipway_route = project.namespace .. "/" .. name .. "@" .. ("%.0f"):format(project.version)
  local client = var.remote_addr
  if client ~= "unix:" then
    var.slipway_client = project.namespace .. client
    local seconds = wait_for_share(project, client)
    if seconds then
      return pages.answer("too_many", nil, seconds)
    end
  end

  if is_to_be_secured(var, host, project.domains[host]) then
    return send_to_https(host, var)
  end

  local environment = project.environments[name]
  local about = { place = project.slug .. " " .. name, message = environment and environment.message }
  if not environment then
    return pages.answer("absent", about)
  end
  local is_shared_origin = prefix ~= ""
  if is_shared_origin and origin.must_be_own(var.http_sec_fetch_dest, var.http_upgrade_insecure_requests, host) then
    return origin.redirect(origin.location(var.slipway_scheme, name, project.slug, var.slipway_host, rest .. query))
  end
  if environment.state ~= "serving" then
    return pages.answer(environment.state, about)
  end
  if rest == "" then
    ngx.header["Location"] = prefix .. "/" .. query
    return ngx.exit(308)
  end
  local service = target.service(environment.services, rest)
  if not service then
    return pages.answer("no_service", about)
  end
  local redirect = service.redirects and service.redirects[rest]
  if redirect then
    local to = redirect.to
    ngx.header["Location"] = to:sub(1, 1) == "/" and prefix .. to or to
    return ngx.exit(redirect.status)
  end
  local page = refusal(service)
  if page then
    return pages.answer(page, about)
  end
  if not balancer.has_peer(service) then
    local fares = counts.begin(project, environment)
    if fares then
      counts.finish(fares, "failed", nil, 0)
    end
    return pages.answer("no_upstream", about)
  end

  local upstream_path = rest
  if service.strip then
    upstream_path = rest:sub(#service.prefix + 1)
    if upstream_path == "" then
      upstream_path = "/"
    end
  end
  var.slipway_uri = upstream_path .. query
  var.slipway_prefix = service.strip and prefix .. service.prefix or prefix
  local most, counted = project.limits.connections, nil
  if most and client ~= "unix:" then
    counted = "n " .. project.namespace .. " " .. client
    if not connections.enter(counted, most) then
      return pages.answer("too_many", about, BUSY_SECONDS)
    end
  end
  request.begin({
    project = project, environment = environment, service = service, about = about, prefix = var.slipway_prefix, tried = {},
    counted = counted, is_shared_origin = is_shared_origin,
  })
  if has_unknown_length(var) then
    ngx.req.set_uri(target.body_class(service.settings.maxBodyBytes or DEFAULT_MAX_BODY_BYTES), true)
  end
end

-- Runs where `rewrite` sent a request with a body of unknown length; nobody else gets in.
function M.resume()
  if not request.current() then
    return pages.answer("no_service")
  end
end

-- nginx's own errors: a container that is gone or slow, a body that grew too large, a malformed request.
function M.error_page()
  local current = request.current()
  return pages.answer(pages.kind_of_status[ngx.status] or "broken", { place = current and current.about.place })
end

return M
