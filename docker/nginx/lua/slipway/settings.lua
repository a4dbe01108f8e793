-- What the worker says of this gateway once, when it makes the container: its names and its default limits.
-- Shape (worker/gateway/container.ts writes it):
--   { baseDomain, hosts: [names that are the gateway's own], limits: { project: rate, client: rate, dashboard: rate }, upstreamNetworks: [CIDR],
--     httpsPort: as clients know it, httpsRedirect: "domains" | "all" | "off" }
local cjson = require("cjson.safe")
local cidr = require("slipway.cidr")

local PATH = "/etc/slipway/settings.json"

local file = assert(io.open(PATH, "r"))
local settings = assert(cjson.decode(file:read("*a")))
file:close()

local hosts = {}
for _, host in ipairs(settings.hosts) do
  hosts[host] = true
end

return {
  base_suffix = "." .. settings.baseDomain,
  base_domain = settings.baseDomain,
  is_own_host = hosts,
  https_port = settings.httpsPort,
  redirect = settings.httpsRedirect,
  limits = settings.limits,
  upstream_networks = settings.upstreamNetworks and cidr.parse_list(settings.upstreamNetworks),
}
