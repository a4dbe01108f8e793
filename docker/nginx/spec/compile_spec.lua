local compile = require("slipway.compile")

return function(spec)
  local function project(upstreams, weight)
    return {
      namespace = "n", slug = "s", version = 1,
      environments = {
        dev = { state = "serving", services = {
          { service = "web", prefix = "/", upstreams = upstreams },
          { service = "api", prefix = "/api", stripPrefix = true, upstreams = { { address = "10.0.0.9", port = 80, weight = weight } } },
        } },
      },
    }
  end
  local one = { { address = "10.0.0.1", port = 80 }, { address = "10.0.0.2", port = 80, draining = true } }

  spec.it("compile: longest prefix first; draining means weight 0", function()
    local services = compile.project(project(one)).environments.dev.services
    spec.equal({ services[1].prefix, services[2].prefix }, { "/api", "/" })
    spec.equal({ services[2].peers[1].weight, services[2].peers[2].weight }, { 1, 0 })
  end)

  spec.it("compile: a service is served while one of its containers may get requests", function()
    local function is_served(upstreams)
      return compile.project(project(upstreams)).environments.dev.services[2].is_served
    end
    spec.equal({ is_served(one), is_served({ one[2] }), is_served({}) }, { true, false, false })
  end)

  spec.it("compile: a peer that stays keeps its counts, one that goes is forgotten", function()
    local before = compile.project(project(one))
    before.environments.dev.services[2].peers[1].in_flight = 5
    local after = compile.project(project({ { address = "10.0.0.1", port = 80, weight = 3 } }), before)
    local peer = after.environments.dev.services[2].peers[1]
    spec.equal({ peer.in_flight, peer.weight }, { 5, 3 })
    local gone = compile.project(project({}), after)
    local back = compile.project(project(one), gone)
    spec.equal(back.environments.dev.services[2].peers[1].in_flight, 0)
  end)

  spec.it("compile: two services with one container each count for themselves", function()
    local same = { { address = "10.0.0.9", port = 80, weight = 2 } }
    local services = compile.project(project(same, 5)).environments.dev.services
    spec.equal({ services[1].peers[1].weight, services[2].peers[1].weight }, { 5, 2 })
  end)

  spec.it("compile: what counts against a rate is of that rate and project alone", function()
    local function keys(limits, namespace)
      local limited = project(one)
      limited.limits, limited.namespace = limits, namespace or "n"
      local compiled = compile.project(limited)
      return { compiled.client_rate_key, compiled.project_rate_key }
    end
    local slow, quick = { perSecond = 0.2, burst = 1 }, { perSecond = 0.25, burst = 1 }
    local seen, count = {}, 0
    for _, all in ipairs({ keys(nil), keys(nil, "m"), keys({ client = slow, project = slow }), keys({ client = quick, project = quick }) }) do
      for _, key in ipairs(all) do
        count = count + (seen[key] and 0 or 1)
        seen[key] = true
      end
    end
    spec.equal(count, 8)
    spec.equal(keys({ client = slow }), keys({ client = slow }))
  end)

  spec.it("compile: an IPv6 address is written as nginx wants it", function()
    local compiled = compile.project(project({ { address = "fd00::5", port = 80 } }), nil)
    spec.equal(compiled.environments.dev.services[2].peers[1].address, "[fd00::5]")
  end)
end
