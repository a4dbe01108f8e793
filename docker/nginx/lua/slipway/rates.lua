-- How many requests a second are let through, on average and at once (a generic cell rate algorithm: one number a key,
-- the instant at which the next request would be on time). All of nginx's workers share it. Of a broad rate each takes some
-- requests at once and lets them through by itself, which costs next to nothing; what all workers may have taken is taken
-- from the bound, so that it is never passed. Two workers that decide in the same microsecond may let one request too many
-- through; nothing is ever lost by it.
local generations = require("slipway.generations")
local rates = ngx.shared.rates

-- Sums of instants are this exact at best.
local ROUNDING_SECONDS = 1e-6
-- A worker reads the clock once for all that came in together: one that is busy is behind another.
local BEHIND_SECONDS = 1
-- All workers' own shares together are at most this part of a burst, and of what passes while they hold.
local OWN_PART = 1 / 16
local OWN_SECONDS = 1

-- By key what this worker took: { left, ends, perSecond, burst }, the last two as they were then.
local taken = generations.new(4096)

local M = {}

-- How many requests each of `workers` takes at once. Pure.
function M.own_share(rate, workers)
  return math.floor(math.min(rate.burst, rate.perSecond * OWN_SECONDS) * OWN_PART / workers)
end

local function keep(key, rate, left, now)
  local own = taken:get(key)
  if not own then
    own = { left = 0, ends = 0, perSecond = 0, burst = 0 }
    taken:set(key, own)
  end
  own.left, own.ends, own.perSecond, own.burst = left, now + OWN_SECONDS, rate.perSecond, rate.burst
end

-- nil where one more request for `key` is fine now (seconds); else after how many seconds it will be.
-- `rate` is {perSecond, burst}; `workers` is how many of nginx's workers there are, if not as many as run.
function M.wait(key, rate, now, workers)
  local own = taken:get(key)
  if own and own.left > 0 and now < own.ends and own.perSecond == rate.perSecond and own.burst == rate.burst then
    own.left = own.left - 1
    return nil
  end
  workers = workers or ngx.worker.count()
  local share = M.own_share(rate, workers)
  local at_once = rate.burst - (share > 1 and share * workers or 0)
  local interval = 1 / rate.perSecond
  local due = rates:get(key)
  if not due or due < now then
    due = now
  end
  local early = due - now - at_once * interval
  if early > interval + BEHIND_SECONDS then
    -- Only a slower rate can have put it so far ahead, and that one counts no more.
    due, early = now, -at_once * interval
  end
  if early > ROUNDING_SECONDS then
    return early
  end
  local requests = 1
  if share > 1 and early + (share - 1) * interval <= ROUNDING_SECONDS then
    requests = share
    keep(key, rate, share - 1, now)
  end
  rates:set(key, due + requests * interval, (rate.burst + 2) * interval + 1)
  return nil
end

return M
