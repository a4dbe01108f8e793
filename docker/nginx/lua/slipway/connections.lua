-- How many requests one client address has in progress at one project, over all of nginx's workers.
-- The first few each worker counts for itself, which costs next to nothing; only a client with many asks the memory that
-- all share. What a worker may count for itself is taken from the bound, so that it is never passed.
local rates = ngx.shared.rates

-- A worker that dies leaves its requests counted in shared memory; so long after the last one of a client, that starts anew.
local FORGOTTEN_SECONDS = 7200
-- All workers' own shares together are at most this part of a bound: that much less a client has whose requests are
-- all with one worker.
local OWN_PART = 1 / 16

local in_progress = {}

local worker_count
local function all_workers()
  worker_count = worker_count or ngx.worker.count()
  return worker_count
end

local M = {}

-- How many of `most` each of `workers` counts for itself. Pure.
function M.own_share(most, workers)
  return math.floor(most * OWN_PART / workers)
end

-- Where one more is fine it counts until `leave` with the same key and what is returned: "own", "shared" or "none".
-- nil where it is one too many. `workers` is how many of nginx's workers there are, if not as many as run.
function M.enter(key, most, workers)
  workers = workers or all_workers()
  local share = M.own_share(most, workers)
  local own = in_progress[key] or 0
  if own < share then
    in_progress[key] = own + 1
    return "own"
  end
  local count = rates:incr(key, 1, 0, FORGOTTEN_SECONDS)
  if not count then
    return "none" -- memory is full of other counts: nobody is turned away for that
  end
  if count > most - share * workers then
    rates:incr(key, -1)
    return nil
  end
  rates:expire(key, FORGOTTEN_SECONDS)
  return "shared"
end

function M.leave(key, counted)
  if counted == "own" then
    local own = in_progress[key] - 1
    in_progress[key] = own > 0 and own or nil
  elseif counted == "shared" then
    rates:incr(key, -1)
  end
end

return M
