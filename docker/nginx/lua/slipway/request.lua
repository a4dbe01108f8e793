-- What is known of each request in progress, by its id. nginx forgets ngx.ctx when a request moves to another location (an
-- error page, a body class), and a forgotten request would stay counted at its container for ever.
--   { project, environment, service, about, prefix, tried = {[peer] = true}, peer, counted = key of connections.lua,
--     is_shared_origin = its address is a path of the gateway's own host, is_stream, side = that of the last container that had it, fares = what a rollout counts of it (counts.lua) }
local connections = require("slipway.connections")
local counts = require("slipway.counts")

local in_progress = {}

local M = {}

function M.begin(request)
  -- What the worker asks itself is no request of a user's.
  if ngx.var.remote_addr ~= "unix:" then
    request.fares = counts.begin(request.project, request.environment)
  end
  in_progress[ngx.var.request_id] = request
end

-- nil where the request is none that goes to a container.
function M.current()
  return in_progress[ngx.var.request_id]
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
  local id = ngx.var.request_id
  local request = in_progress[id]
  if request then
    in_progress[id] = nil
    M.leave(request)
    if request.counted then
      connections.leave(request.counted)
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
