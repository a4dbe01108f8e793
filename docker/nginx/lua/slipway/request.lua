-- What is known of each request in progress. nginx forgets ngx.ctx when a request moves to another location (an error page,
-- a body class), and a forgotten request would stay counted at its container for ever.
--   { project, environment, service, prefix = public path before the container's root, is_proof = the worker's own asking,
--     is_shared_origin = its address is a path of the gateway's own host,
--     connections_key and counted, both of connections.lua, fares = what a rollout counts of it (counts.lua), and once a container has it
--     peer, side = that of the last container that had it, is_stream, tried = {[peer] = true} }
local connections = require("slipway.connections")
local counts = require("slipway.counts")
local identity = require("slipway.identity")

local handle = identity.handle
local in_progress, turns = {}, {}

local M = {}

function M.begin(project, environment, service, prefix, is_shared_origin, is_proof, connections_key, counted)
  in_progress[handle()] = {
    project = project,
    environment = environment,
    service = service,
    prefix = prefix,
    is_shared_origin = is_shared_origin,
    is_proof = is_proof,
    connections_key = connections_key,
    counted = counted,
    -- What the worker asks itself is no request of a user's.
    fares = not is_proof and counts.begin(project, environment) or nil,
    peer = nil,
    side = nil,
    is_stream = false,
    tried = nil,
  }
end

-- Keeps `turn` (front.lua) until the next thing that nginx does for this request, which is to ask for it.
function M.hold(turn)
  turns[handle()] = turn
end

function M.held()
  local id = handle()
  local turn = turns[id]
  turns[id] = nil
  return turn
end

-- nil where the request is none that goes to a container.
function M.current()
  return in_progress[handle()]
end

-- How a request ended: `aborted` where its client left, or its answer broke off after it had begun. An upgraded
-- connection ends as its two ends like. Pure.
function M.outcome(status, completion)
  if status == 499 then
    return "aborted"
  elseif status >= 500 then
    return "failed"
  elseif completion == "OK" or status == 101 then
    return "served"
  end
  return "aborted"
end

-- Runs once when a request is over, however it ended; every location that a request can end in calls it.
function M.finish()
  local id = handle()
  local request = in_progress[id]
  if request then
    in_progress[id] = nil
    M.leave(request)
    if request.counted then
      connections.leave(request.connections_key, request.counted)
    end
    if request.fares then
      local outcome = M.outcome(ngx.status, ngx.var.request_completion)
      counts.finish(request.fares, outcome, request.side, tonumber(ngx.var.request_time) * 1000)
    end
  end
end

function M.enter(request, peer)
  request.peer, request.side = peer, peer.side
  peer.in_flight = peer.in_flight + 1
  counts.enter(peer, request.is_stream)
end

function M.leave(request)
  local peer = request.peer
  if peer then
    request.peer = nil
    peer.in_flight = peer.in_flight - 1
    counts.leave(peer, request.is_stream)
  end
end

return M
