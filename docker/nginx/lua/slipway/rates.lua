-- How many requests a second are let through, on average and at once (a generic cell rate algorithm: one number a key,
-- the instant at which the next request would be on time). Two workers that decide in the same microsecond may let one
-- request too many through; nothing is ever lost by it.
local rates = ngx.shared.rates

-- Sums of instants are this exact at best.
local ROUNDING_SECONDS = 1e-6
-- A worker reads the clock once for all that came in together: one that is busy is behind another.
local BEHIND_SECONDS = 1

local M = {}

-- nil where one more request for `key` is fine now (seconds); else after how many seconds it will be.
-- `rate` is {perSecond, burst}.
function M.wait(key, rate, now)
  local interval = 1 / rate.perSecond
  local due = rates:get(key)
  if not due or due < now then
    due = now
  end
  local early = due - now - rate.burst * interval
  if early > interval + BEHIND_SECONDS then
    -- Only a slower rate can have put it so far ahead, and that one counts no more.
    due, early = now, 0
  end
  if early > ROUNDING_SECONDS then
    return early
  end
  rates:set(key, due + interval, (rate.burst + 2) * interval + 1)
  return nil
end

return M
