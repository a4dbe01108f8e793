-- How many requests one client address has in progress at one project, counted over all of nginx's workers. Only projects
-- that ask for it pay for it.
local rates = ngx.shared.rates

-- A worker that dies leaves its requests counted; so long after the last one of a client, its count starts anew.
local FORGOTTEN_SECONDS = 7200

local M = {}

-- Whether one more is fine; then it counts until `leave`.
function M.enter(key, most)
  local count = rates:incr(key, 1, 0, FORGOTTEN_SECONDS)
  if not count then
    return true -- memory is full of other counts: nobody is turned away for that
  end
  if count > most then
    rates:incr(key, -1)
    return false
  end
  rates:expire(key, FORGOTTEN_SECONDS)
  return true
end

function M.leave(key)
  rates:incr(key, -1)
end

return M
