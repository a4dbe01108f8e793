-- Ends what containers have in progress once it has had its time. Each nginx worker can end its own connections only, so
-- what is to end is told in shared memory, and all of them look there.
--   endings      rises with each
--   ending <n>   addresses and ports, as JSON; for as long as they are certain to be of the containers that were meant
local cjson = require("cjson.safe")
local sockets = require("slipway.sockets")

local counts = ngx.shared.counts
local KEPT_SECONDS = 2

local seen

local M = {}

-- Has all connections to `upstreams` (a list of texts like 10.0.0.1:3000) end.
function M.ask(upstreams)
  local number = counts:incr("endings", 1, 0)
  counts:set("ending " .. number, cjson.encode(upstreams), KEPT_SECONDS)
end

-- What was asked for before an nginx worker began is none of its connections.
function M.begin_worker()
  seen = counts:get("endings") or 0
end

-- Ends what was asked for since the last time.
function M.run()
  local newest = counts:get("endings") or 0
  for number = math.min(seen, newest) + 1, newest do
    local upstreams = counts:get("ending " .. number)
    if upstreams then
      sockets.shut(cjson.decode(upstreams))
    end
  end
  seen = newest
end

return M
