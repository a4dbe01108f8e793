-- One request to a container from the gateway's side of the network, before any route leads there: what the worker calls
-- healthy is what the gateway can reach.
local schema = require("slipway.schema")

local M = {}

-- nil where `wanted` ({address, port, path or connectOnly, host?, timeoutMs}) can be probed; else what is wrong with it.
function M.problem(wanted)
  local port, timeout = wanted.port, wanted.timeoutMs
  if type(port) ~= "number" or port % 1 ~= 0 or port < 1 or port > 65535 then
    return "port: a whole number from 1 to 65535"
  end
  if type(timeout) ~= "number" or timeout < 1 or timeout > 60000 then
    return "timeoutMs: from 1 to 60000"
  end
  if wanted.connectOnly == true then
    return schema.container_address(wanted.address, "address")
  end
  if type(wanted.path) ~= "string" or not wanted.path:find("^/[\33-\126]*$") then
    return "path: a path without spaces"
  end
  if wanted.host ~= nil and (type(wanted.host) ~= "string" or not wanted.host:find("^[%w.:%[%]-]+$")) then
    return "host: a host's name"
  end
  return schema.container_address(wanted.address, "address")
end

-- {status} of the answer, or {error}.
function M.run(wanted)
  local socket = ngx.socket.tcp()
  socket:settimeout(wanted.timeoutMs)
  local address = wanted.address:find(":", 1, true) and "[" .. wanted.address .. "]" or wanted.address
  local connected, why = socket:connect(address, wanted.port)
  if not connected then
    return { error = why }
  end
  if wanted.connectOnly then
    socket:close()
    return { status = 0 }
  end
  local sent
  sent, why = socket:send(table.concat({
    "GET " .. wanted.path .. " HTTP/1.1",
    "Host: " .. (wanted.host or address .. ":" .. wanted.port),
    "User-Agent: slipway-probe",
    "Accept: */*",
    "Connection: close",
    "\r\n",
  }, "\r\n"))
  local line
  if sent then
    line, why = socket:receive("*l")
  end
  socket:close()
  local status = line and line:match("^HTTP/1%.[01] (%d%d%d)")
  if not status then
    return { error = line and "not HTTP" or why }
  end
  return { status = tonumber(status) }
end

return M
