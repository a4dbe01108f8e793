-- The smallest test runner that says what it ran: TAP on stdout, exit code 1 if anything failed.
local spec = { count = 0, failed = 0 }

local function show(value)
  if type(value) ~= "table" then
    return type(value) == "string" and ("%q"):format(value) or tostring(value)
  end
  local keys, parts = {}, {}
  for key in pairs(value) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    return tostring(a) < tostring(b)
  end)
  for _, key in ipairs(keys) do
    parts[#parts + 1] = tostring(key) .. "=" .. show(value[key])
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

-- Runs `body` under `name`; an error in it is a failure.
function spec.it(name, body)
  spec.count = spec.count + 1
  local passed, why = pcall(body)
  if not passed then
    spec.failed = spec.failed + 1
  end
  print_line(("%s %d - %s%s"):format(passed and "ok" or "not ok", spec.count, name, passed and "" or " # " .. tostring(why)))
end

function spec.equal(actual, expected)
  if show(actual) ~= show(expected) then
    error(("got %s, expected %s"):format(show(actual), show(expected)), 2)
  end
end

function print_line(line)
  io.stdout:write(line, "\n")
end

-- What the worker would have said of this gateway.
package.loaded["slipway.settings"] = {
  base_domain = "apps.example.org", base_suffix = ".apps.example.org", is_own_host = {}, https_port = 8443, redirect = "domains",
}

for _, name in ipairs({ "cidr", "generations", "identity", "target", "hosts", "schema", "compile", "counts", "sockets", "request", "balancer", "response", "rates", "journal", "store", "pages", "password", "certificates", "challenges", "connections", "tls", "origin" }) do
  require("spec." .. name .. "_spec")(spec)
end
print_line("1.." .. spec.count)
io.stdout:flush()
os.exit(spec.failed == 0 and 0 or 1)
