-- Which container gets a request: the one with the fewest requests in progress for its weight, of those that connect.
-- Counts are each nginx worker's own, as in nginx's own least_conn: nothing is shared, nothing can leak.
local ngx_balancer = require("ngx.balancer")
local counts = require("slipway.counts")
local request = require("slipway.request")
local store = require("slipway.store")

local SECONDS_DOWN = 10
local MOST_RETRIES = 2
local DEFAULT_MS = { connect = 2000, send = 30000, read = 60000, stream = 3600000 }
local NONE = {}

local M = {}

local function is_eligible(peer, tried, now)
  return peer.weight > 0 and peer.down_until <= now and not tried[peer]
end

-- Least requests in progress for its weight; among equals, smooth weighted round robin (as nginx does it). `now` is
-- infinite where a peer that is thought down will do, too.
local function least_loaded(peers, tried, now)
  local least = math.huge
  for index = 1, #peers do
    local peer = peers[index]
    if is_eligible(peer, tried, now) then
      least = math.min(least, peer.in_flight / peer.weight)
    end
  end
  local best, total = nil, 0
  for index = 1, #peers do
    local peer = peers[index]
    if is_eligible(peer, tried, now) and peer.in_flight / peer.weight == least then
      peer.current = peer.current + peer.weight
      total = total + peer.weight
      if not best or peer.current > best.current then
        best = peer
      end
    end
  end
  if best then
    best.current = best.current - total
  end
  return best
end

-- One of `peers` that is not in `tried`; one that is thought down only where there is no other.
function M.pick(peers, tried, now)
  local only = peers[1]
  if #peers == 1 then
    return only.weight > 0 and not tried[only] and only or nil
  end
  return least_loaded(peers, tried, now) or least_loaded(peers, tried, math.huge)
end

-- The containers that get requests; the old side's where the environment's rollout has undone itself.
local function present_peers(routed, service)
  if #service.fallback > 0 and counts.is_undone(routed.project, routed.environment) then
    return service.fallback
  end
  return service.peers
end

-- proxy.conf has the same defaults, so that nothing is to be set for a service without timeouts of its own.
local function set_timeouts(settings, is_stream)
  local stream_ms = is_stream and (settings.streamTimeoutMs or DEFAULT_MS.stream)
  ngx_balancer.set_timeouts(
    (settings.connectTimeoutMs or DEFAULT_MS.connect) / 1000,
    (stream_ms or settings.sendTimeoutMs or DEFAULT_MS.send) / 1000,
    (stream_ms or settings.readTimeoutMs or DEFAULT_MS.read) / 1000
  )
end

-- The service as it is now: between two tries its containers may have changed.
local function present_service(routed)
  local project = store.project(routed.project.namespace, store.revision())
  local environment = project and project.environments[routed.environment.name]
  for _, service in ipairs(environment and environment.state == "serving" and environment.services or {}) do
    if service.name == routed.service.name and service.prefix == routed.service.prefix then
      return service
    end
  end
  return routed.service
end

-- Whether the try before the present one got as far as a connection. nginx lists how long each try took to connect, with
-- "-" for one that did not, and ends with " : " for the present one, which has no container yet.
local function had_connected()
  return ngx.var.upstream_connect_time:find("%d[%s:]*$") ~= nil
end

-- Runs for each try of a request.
function M.choose()
  local now = ngx.now()
  local routed = request.current()
  local service = routed.service
  local last = routed.peer
  local may_repeat = false
  if last then
    routed.tried = routed.tried or {}
    routed.tried[last] = true
    request.leave(routed)
    service = present_service(routed)
    may_repeat = had_connected()
    if not may_repeat then
      last.down_until = now + SECONDS_DOWN
    end
  else
    routed.is_stream = ngx.var.slipway_is_stream ~= ""
    if routed.is_stream or service.has_timeouts then
      set_timeouts(service.settings, routed.is_stream)
    end
    ngx_balancer.set_more_tries(MOST_RETRIES)
  end

  local peers = present_peers(routed, service)
  local peer = M.pick(peers, routed.tried or NONE, now)
  if not peer and may_repeat and not routed.repeated then
    -- A container may close an idle connection just as a request takes it: then it gets the request on a new one.
    routed.repeated = true
    peer = M.pick(peers, NONE, now)
  end
  if not peer then
    return -- nginx finds its one other server down, and answers 502
  end
  local chosen, why = ngx_balancer.set_current_peer(peer.address, peer.port)
  if not chosen then
    ngx.log(ngx.ERR, "cannot send to ", peer.address, ":", peer.port, ": ", why)
    return
  end
  request.enter(routed, peer)
end

return M
