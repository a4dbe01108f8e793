-- Requests for the dashboard: what the gateway's own hosts are asked for outside of /projects/. The worker answers them.
local pages = require("slipway.pages")
local rates = require("slipway.rates")
local settings = require("slipway.settings")

-- Files that a person uploads to an environment are the largest; dashboard.conf has the same bound.
local MOST_BODY_BYTES = 1024 ^ 3

local M = {}

-- Ends with a page, or goes on in the location @dashboard. `uri` is the path and the query as they are asked for.
function M.enter(uri)
  local var = ngx.var
  var.slipway_route = "dashboard"
  local client = var.remote_addr
  if client ~= "unix:" then
    local seconds = rates.wait("d " .. client, settings.limits.dashboard, ngx.now())
    if seconds then
      return pages.answer("too_many", nil, seconds)
    end
  end
  local length = tonumber(var.http_content_length)
  if length and length > MOST_BODY_BYTES then
    return pages.answer("too_large")
  end
  var.slipway_uri = uri
  return ngx.exec("@dashboard")
end

-- nginx's own errors on the way to the worker: it is not there, or went away.
function M.error_page()
  return pages.answer("dashboard_away", { place = "dashboard" })
end

return M
