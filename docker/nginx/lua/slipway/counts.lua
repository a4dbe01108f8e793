-- What is counted in memory that nginx's workers share: how many requests each container has in progress, and while a
-- rollout of an environment goes on how its requests fared. Counting costs a rollout's requests a few microseconds and
-- all others next to nothing.
--   f <nginx worker> <address>:<port>               requests that it has in progress there, and s … of them streams; for
--                                                   a moment more than it has, never fewer
--   <namespace> <environment> <rollout> <what>      what a rollout's requests did; forgotten an hour after the first one
-- What memory has no room for is forgotten, least recently used first: counts decide nothing that has no bound in time.
local counts = ngx.shared.counts

local FORGOTTEN_AFTER_SECONDS = 3600
-- A client that leaves sooner than this has not waited in vain: it went on to another page.
local PATIENCE_MS = 1000
-- What nginx's workers tell of waiting requests is told again before this has passed.
local WAITING_SECONDS = 2
-- So many requests more than it has an nginx worker tells of a container, so that the next few need not be told;
-- `settle` puts it right soon after.
local AHEAD = 8
local PHASES = { "before", "during", "after" }
local SIDES = { "old", "new" }
local OUTCOMES = { "served", "failed", "aborted" }

-- Upper bounds of the latency buckets, in ms: each millisecond to 10, then steps of a tenth, to more than a day.
local BOUNDS = {}
do
  local bound = 1
  while bound < 1e8 do
    BOUNDS[#BOUNDS + 1] = bound
    bound = bound < 10 and bound + 1 or math.ceil(bound * 1.1)
  end
end

local M = { bounds = BOUNDS }

-- The bucket that holds `ms`.
function M.bucket(ms)
  local low, high = 1, #BOUNDS
  while low < high do
    local middle = math.floor((low + high) / 2)
    if ms <= BOUNDS[middle] then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

local function add(key)
  counts:incr(key, 1, 0, FORGOTTEN_AFTER_SECONDS)
end

-- The keys that an nginx worker (default: this one) counts `address:port` under: in progress, and streams of them.
function M.keys_of(key, worker)
  local of = (worker or ngx.worker.id() or 0) .. " " .. key
  return "f " .. of, "s " .. of
end

-- Requests that an nginx worker had in progress ended with it, however it ended: one that was killed could not say so.
function M.forget_worker(worker)
  local prefix = worker .. " "
  for _, key in ipairs(counts:get_keys(0)) do
    local kind = key:sub(1, 2)
    if (kind == "f " or kind == "s ") and key:sub(3, 2 + #prefix) == prefix then
      counts:delete(key)
    end
  end
end

local function prefix_of(namespace, environment, rollout)
  return namespace .. " " .. environment .. " " .. rollout .. " "
end

-- The containers of which was told what may not be so any more, or will not be: all that have requests.
local told = {}

local function tell(peer, requests)
  counts:incr(peer.requests_key, requests - peer.told, 0)
  peer.told = requests
end

-- Marks `peer` for `settle`. Few requests come by here, and LuaJIT must not take this for the usual way.
local function tell_ahead(peer)
  told[peer] = true
  tell(peer, peer.in_flight + AHEAD)
end
jit.off(tell_ahead)

-- A request is on its way to a container; `is_stream`: a WebSocket or an event stream.
function M.enter(peer, is_stream)
  peer.in_flight = peer.in_flight + 1
  if peer.in_flight > peer.told then
    tell_ahead(peer)
  end
  if is_stream then
    counts:incr(peer.streams_key, 1, 0)
  end
end

function M.leave(peer, is_stream)
  peer.in_flight = peer.in_flight - 1
  if is_stream then
    counts:incr(peer.streams_key, -1, 0)
  end
end

-- Tells what this nginx worker has in progress at each container. Runs again and again, because requests end untold.
function M.settle()
  for peer in pairs(told) do
    if peer.told ~= peer.in_flight then
      tell(peer, peer.in_flight)
    end
    if peer.in_flight == 0 then
      told[peer] = nil
    end
  end
end

-- Requests in progress at `address:port`, and how many of them are streams, over all of nginx's `workers`.
function M.in_progress(key, workers)
  local requests, streams = 0, 0
  for worker = 0, (workers or ngx.worker.count()) - 1 do
    local requests_key, streams_key = M.keys_of(key, worker)
    requests = requests + math.max(0, counts:get(requests_key) or 0)
    streams = streams + math.max(0, counts:get(streams_key) or 0)
  end
  return requests, streams
end

-- The counts of a rollout's phase in which a request began; nil outside of a rollout.
function M.begin(project, environment)
  local rollout = environment.rollout
  if not rollout then
    return nil
  end
  local prefix = prefix_of(project.namespace, environment.name, rollout.id)
  add(prefix .. rollout.phase .. " accepted")
  return { prefix = prefix, phase = rollout.phase, guard = rollout.guard, began = ngx.now() }
end

local function fails_more(guard, get)
  local failed, ended = get("new failed"), get("new ended")
  if failed < guard.errors or ended == 0 then
    return false
  end
  local before = get("old ended")
  local usual = before > 0 and get("old failed") / before or 0
  return (failed / ended - usual) * 100 >= guard.points
end

-- Clients leave healthy containers, too, so what is usual has to be known: each side's share, that of the old one as if
-- of two requests more one had been given up. Of a side without any requests, that is half of all.
local function is_given_up_more(guard, get)
  local given_up = get("new given up")
  if given_up < guard.errors then
    return false
  end
  local before = get("old given up")
  local usual = (before + 1) / (get("old ended") + before + 2)
  return (given_up / (get("new ended") + given_up) - usual) * 100 >= guard.points
end

-- Whether the new side failed so often, or was waited for in vain so often, and so much more often than the old one before,
-- that the old one has to go on. `get(name)` reads a total. Pure.
function M.exceeds(guard, get)
  return fails_more(guard, get) or is_given_up_more(guard, get)
end

-- What a request's end says of the container that had it: "failed", "ended", "given up" where its client waited in vain,
-- nil where it says nothing. A stream ends when its client leaves, however long that takes. Pure.
function M.verdict(outcome, ms, is_stream)
  if outcome ~= "aborted" then
    return outcome == "failed" and "failed" or "ended"
  end
  return not is_stream and ms >= PATIENCE_MS and "given up" or nil
end

-- The request is over: `outcome` is one of OUTCOMES, `side` whose container had it last (nil: none).
function M.finish(counted, outcome, side, ms, is_stream)
  local here = counted.prefix .. counted.phase .. " " .. (side or "none")
  add(here .. " " .. outcome)
  if not is_stream then
    add(here .. " ms " .. M.bucket(ms))
  end
  local verdict = M.verdict(outcome, ms, is_stream)
  if not side or not verdict then
    return
  end
  if verdict == "given up" then
    add(here .. " given up")
  end
  -- What the old side did after the switch is no measure of how it did before.
  if side == "new" or counted.phase == "before" then
    add(counted.prefix .. side .. " " .. verdict)
    if verdict == "failed" then
      add(counted.prefix .. side .. " ended")
    end
  end
  if verdict ~= "ended" and side == "new" and counted.guard then
    local exceeds = M.exceeds(counted.guard, function(name)
      return counts:get(counted.prefix .. name) or 0
    end)
    if exceeds then
      counts:set(counted.prefix .. "undone", true, FORGOTTEN_AFTER_SECONDS)
    end
  end
end

-- An nginx worker (default: this one) has `requests` of a rollout's new side that wait for the end of their answers since
-- long; `counted` is what `begin` gave for one of them.
function M.tell_waiting(counted, requests, worker)
  counts:set(counted.prefix .. "waiting " .. (worker or ngx.worker.id()), requests, WAITING_SECONDS)
end

-- Whether the rollout has undone itself: then its requests go to the containers that stand by.
function M.is_undone(project, environment)
  local rollout = environment.rollout
  return rollout ~= nil
    and rollout.guard ~= nil
    and counts:get(prefix_of(project.namespace, environment.name, rollout.id) .. "undone") == true
end

local function side_counts(prefix, side)
  local found = { latencies = {}, givenUp = counts:get(prefix .. side .. " given up") or 0 }
  for _, outcome in ipairs(OUTCOMES) do
    found[outcome] = counts:get(prefix .. side .. " " .. outcome) or 0
  end
  for index, bound in ipairs(BOUNDS) do
    local count = counts:get(prefix .. side .. " ms " .. index)
    if count then
      found.latencies[#found.latencies + 1] = { bound, count }
    end
  end
  return found
end

-- All that was counted of a rollout:
--   { undone, waiting, phases = { <phase> = { accepted, <side> = { served, failed, aborted, givenUp, latencies } } } }
-- `none` is the side of requests that no container had, latencies are {{ms, count}, …}, `waiting` is of this moment.
function M.rollout(namespace, environment, id, workers)
  local prefix = prefix_of(namespace, environment, id)
  local found = { undone = counts:get(prefix .. "undone") == true, waiting = 0, phases = {} }
  for worker = 0, (workers or ngx.worker.count()) - 1 do
    found.waiting = found.waiting + (counts:get(prefix .. "waiting " .. worker) or 0)
  end
  for _, phase in ipairs(PHASES) do
    local phase_counts = { accepted = counts:get(prefix .. phase .. " accepted") or 0 }
    for _, side in ipairs({ SIDES[1], SIDES[2], "none" }) do
      phase_counts[side] = side_counts(prefix .. phase .. " ", side)
    end
    found.phases[phase] = phase_counts
  end
  return found
end

return M
