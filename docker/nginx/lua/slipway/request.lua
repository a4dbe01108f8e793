-- What is known of each request in progress. nginx forgets ngx.ctx when a request moves to another location (an error page,
-- a body class), and a forgotten request would stay counted at its container for ever.
--   { project, environment, service, prefix = public path before the container's root, is_proof = the worker's own asking,
--     is_shared_origin = its address is a path of the gateway's own host,
--     connections_key and counted, both of connections.lua, fares = what a rollout counts of it (counts.lua), and once a container has it
--     peer, side = that of the last container that had it, is_stream, tried = {[peer] = true}, repeated }; false: nothing
local connections = require("slipway.connections")
local counts = require("slipway.counts")
local identity = require("slipway.identity")

local handle = identity.handle
local turns = {}

-- One object for each address at which nginx keeps requests, used again and again: nginx takes few of them in turns. Where one
-- was made for each request, LuaJIT could not compile what a request goes through in one piece.
local slots, slot_count = {}, 0
local MOST_SLOTS = 20000
-- How many of those in progress a rollout counts.
local faring = 0

-- An answer that has not ended after so long is told of.
local LONG_SECONDS = 5

local M = {}

local function drop_idle()
  local busy = {}
  slot_count = 0
  for id, request in pairs(slots) do
    if request.is_in_progress then
      busy[id], slot_count = request, slot_count + 1
    end
  end
  slots = busy
end

-- All have the same fields from the beginning: false where there is nothing.
local function new_slot(id)
  if slot_count >= MOST_SLOTS then
    drop_idle()
  end
  slot_count = slot_count + 1
  local request = {
    is_in_progress = false, project = false, environment = false, service = false, prefix = "", is_shared_origin = false,
    is_proof = false, connections_key = "", counted = false, fares = false, peer = false, side = false, is_stream = false,
    tried = false, repeated = false,
  }
  slots[id] = request
  return request
end
-- LuaJIT must not take the rare way for the usual one: it compiles no request that comes by here.
jit.off(new_slot)

function M.begin(project, environment, service, prefix, is_shared_origin, is_proof, connections_key, counted)
  -- What the worker asks itself is no request of a user's.
  local fares = not is_proof and counts.begin(project, environment) or nil
  if fares then
    faring = faring + 1
  end
  local id = handle()
  local request = slots[id] or new_slot(id)
  request.is_in_progress = true
  request.project = project
  request.environment = environment
  request.service = service
  request.prefix = prefix
  request.is_shared_origin = is_shared_origin
  request.is_proof = is_proof
  request.connections_key = connections_key
  request.counted = counted or false
  request.fares = fares or false
  request.peer = false
  request.side = false
  request.is_stream = false
  request.tried = false
  request.repeated = false
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
  local request = slots[handle()]
  return request and request.is_in_progress and request or nil
end

-- How a request ended: `aborted` where its client left; `failed` where its container says so, or broke off an answer whose
-- length it had said (nginx takes that for an end like any other). An upgraded connection ends as its two ends like. Pure.
function M.outcome(status, completion, is_short)
  if status == 499 then
    return "aborted"
  elseif status >= 500 then
    return "failed"
  elseif status == 101 then
    return "served"
  elseif completion ~= "OK" then
    return "aborted"
  end
  return is_short and "failed" or "served"
end

-- Whether fewer bytes came than were said to: `said` is a Content-Length, `received` what nginx lists for each try. Pure.
function M.is_short(method, status, said, received)
  if not said or not received or method == "HEAD" or status == 204 or status == 304 then
    return false
  end
  local last = tonumber(received:match("(%d+)$"))
  return last ~= nil and last < tonumber(said)
end

local function present_outcome()
  local var, status = ngx.var, ngx.status
  local said, received = var.upstream_http_content_length, var.upstream_response_length
  return M.outcome(status, var.request_completion, M.is_short(var.request_method, status, said, received))
end

-- Runs once when a request is over, however it ended; every location that a request can end in calls it.
function M.finish()
  local request = M.current()
  if request then
    request.is_in_progress = false
    M.leave(request)
    if request.counted then
      connections.leave(request.connections_key, request.counted)
    end
    if request.fares then
      faring = faring - 1
      local ms = tonumber(ngx.var.request_time) * 1000
      counts.finish(request.fares, present_outcome(), request.side, ms, request.is_stream)
    end
    -- What it led to may be replaced before the object is used again.
    request.project, request.environment, request.service = false, false, false
    request.fares, request.tried = false, false
  end
end

-- Tells how many of each rollout's requests its new side has not answered since long. Runs again and again; it looks at
-- requests only while a rollout goes on.
function M.tell_waiting()
  if faring == 0 then
    return
  end
  local since = ngx.now() - LONG_SECONDS
  local waiting, of = {}, {}
  for _, request in pairs(slots) do
    local fares = request.is_in_progress and request.fares
    if fares and request.side == "new" and not request.is_stream and fares.began <= since then
      waiting[fares.prefix] = (waiting[fares.prefix] or 0) + 1
      of[fares.prefix] = fares
    end
  end
  for prefix, requests in pairs(waiting) do
    counts.tell_waiting(of[prefix], requests)
  end
end

function M.enter(request, peer)
  request.peer, request.side = peer, peer.side
  counts.enter(peer, request.is_stream)
end

function M.leave(request)
  local peer = request.peer
  if peer then
    request.peer = false
    counts.leave(peer, request.is_stream)
  end
end

return M
