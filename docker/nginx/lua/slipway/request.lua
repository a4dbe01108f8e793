-- What is known of each request in progress, by its id. nginx forgets ngx.ctx when a request moves to another location (an
-- error page, a body class), and a forgotten request would stay counted at its container for ever.
--   { project, environment, service, about, prefix, tried = {[peer] = true}, peer }
local in_progress = {}

local M = {}

function M.begin(request)
  in_progress[ngx.var.request_id] = request
end

-- nil where the request is none that goes to a container.
function M.current()
  return in_progress[ngx.var.request_id]
end

-- Runs once when a request is over, however it ended; every location that a request can end in calls it.
function M.finish()
  local id = ngx.var.request_id
  local request = in_progress[id]
  if request then
    in_progress[id] = nil
    M.leave(request)
  end
end

function M.leave(request)
  if request.peer then
    request.peer.in_flight = request.peer.in_flight - 1
    request.peer = nil
  end
end

return M
