local schema = require("slipway.schema")

return function(spec)
  local function project(change)
    local value = {
      namespace = "project_1700000000001_abcd2345",
      slug = "shop",
      version = 7,
      environments = {
        dev = {
          state = "serving",
          services = {
            { service = "app", prefix = "/", upstreams = { { address = "10.1.2.3", port = 3000, weight = 1, draining = false } } },
          },
        },
      },
      domains = { { name = "shop.example.com", environment = "deploy" } },
    }
    if change then
      change(value, value.environments.dev, value.environments.dev.services[1])
    end
    return value
  end

  spec.it("schema: a good project has no problem", function()
    spec.equal(schema.problem(project()), nil)
    spec.equal(schema.problem(project(function(_, _, service)
      service.upstreams[1].container = "0123456789ab"
    end)), nil)
    spec.equal(schema.problem(project(function(_, environment)
      environment.undone = { id = "r-loyw3v28", revisions = "app:1a2b3c4d", attempt = 1, cause = "It failed." }
    end)), nil)
    spec.equal(schema.problem(project(function(_, _, service)
      service.settings = {
        maxBodyBytes = 10, readTimeoutMs = 1000, redirects = { { from = "/a", to = "/b", status = 301 } },
        allowIps = { "10.0.0.0/8", "::1" }, responseHeaders = { ["X-Frame-Options"] = "DENY" },
        basicAuth = { { user = "ann", saltHex = ("ab"):rep(16), hashHex = ("cd"):rep(32), iterations = 10000 } },
      }
    end)), nil)
  end)

  local wrong = {
    ["project.namespace: a namespace"] = function(p) p.namespace = "project_1_../x" end,
    ["project.slug: a slug"] = function(p) p.slug = "Shop" end,
    ["project.version: a whole number from 1 to 9007199254740991"] = function(p) p.version = 1.5 end,
    ["project.extra: an unknown field"] = function(p) p.extra = true end,
    ["project.environments.prod: an unknown field"] = function(p) p.environments.prod = p.environments.dev end,
    ["project.environments.dev.state: one of serving, starting, paused, hibernated, failed, absent"] = function(_, e) e.state = "up" end,
    ["project.environments.dev.services.0.prefix: a path prefix without a trailing slash"] = function(_, _, s) s.prefix = "/a/" end,
    ["project.environments.dev.services: prefix / is there twice"] = function(_, e) e.services[2] = e.services[1] end,
    ["project.environments.dev.undone.attempt: a whole number from 0 to 9007199254740991"] = function(_, e)
      e.undone = { id = "r-1", revisions = "", attempt = -1, cause = "" }
    end,
    ["project.environments.dev.services.0.upstreams.0.container: 12 hex digits"] = function(_, _, s) s.upstreams[1].container = "web-1" end,
    ["project.environments.dev.services.0.upstreams.0.port: a whole number from 1 to 65535"] = function(_, _, s) s.upstreams[1].port = 0 end,
    ["project.domains.0.name: a lower-case domain name"] = function(p) p.domains[1].name = "evil.com\nx" end,
    ["project.domains: name shop.example.com is there twice"] = function(p) p.domains[2] = p.domains[1] end,
    ["project.environments.dev.services.0.settings: Set-Cookie is the gateway's own to set"] = function(_, _, s)
      s.settings = { responseHeaders = { ["Set-Cookie"] = "a=b" } }
    end,
    ["project.environments.dev.services.0.settings.responseHeaders.X-A: printable ASCII"] = function(_, _, s)
      s.settings = { responseHeaders = { ["X-A"] = "a\r\nb" } }
    end,
    ["project.environments.dev.services.0.settings.allowIps.0: an address or a network in CIDR form"] = function(_, _, s)
      s.settings = { allowIps = { "10.0.0.0/99" } }
    end,
  }
  for message, change in pairs(wrong) do
    spec.it("schema: " .. message, function()
      local problem = schema.problem(project(change))
      if message:find("settings: Set-Cookie", 1, true) then
        problem = problem and problem:gsub("%.responseHeaders", "")
      end
      spec.equal(problem, message)
    end)
  end

  spec.it("schema: no upstream is loopback, link-local, multicast, or no address at all", function()
    for _, address in ipairs({ "127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
      "ff02::1", "::ffff:127.0.0.1", "localhost", "10.1.2.3:80", "unix:/state/door/push.sock", "" }) do
      local problem = schema.problem(project(function(_, _, service)
        service.upstreams[1].address = address
      end))
      spec.equal(problem, "project.environments.dev.services.0.upstreams.0.address: an address that a container can have")
    end
  end)

  spec.it("schema: whatever is not an object is refused, not stumbled over", function()
    for _, value in ipairs({ 1, "x", true, { environments = 1 }, { environments = { dev = 1 } }, { 1, 2, 3 } }) do
      spec.equal(type(schema.problem(value)), "string")
    end
    spec.equal(type(schema.problem(nil)), "string")
  end)
end
