local balancer = require("slipway.balancer")

return function(spec)
  local function peer(name, weight, in_flight, down_until)
    return { name = name, weight = weight, in_flight = in_flight or 0, current = 0, down_until = down_until or 0 }
  end
  local function shares(peers, requests)
    local counts = {}
    for _ = 1, requests do
      local chosen = balancer.pick(peers, {}, 100)
      counts[chosen.name] = (counts[chosen.name] or 0) + 1
    end
    return counts
  end

  spec.it("balancer: idle equals take turns", function()
    spec.equal(shares({ peer("a", 1), peer("b", 1) }, 10), { a = 5, b = 5 })
  end)

  spec.it("balancer: weights are shares, also when nothing is in progress", function()
    spec.equal(shares({ peer("old", 99), peer("canary", 1) }, 200), { old = 198, canary = 2 })
  end)

  spec.it("balancer: the one with fewer requests in progress comes first", function()
    spec.equal(balancer.pick({ peer("a", 1, 3), peer("b", 1, 1) }, {}, 100).name, "b")
    spec.equal(balancer.pick({ peer("a", 10, 3), peer("b", 1, 1) }, {}, 100).name, "a")
  end)

  spec.it("balancer: weight 0 gets nothing", function()
    spec.equal(shares({ peer("a", 0), peer("b", 1) }, 5), { b = 5 })
    spec.equal(balancer.pick({ peer("a", 0) }, {}, 100), nil)
  end)

  spec.it("balancer: one that is down waits, unless there is no other", function()
    spec.equal(shares({ peer("a", 1, 0, 101), peer("b", 1) }, 4), { b = 4 })
    spec.equal(balancer.pick({ peer("a", 1, 0, 101) }, {}, 100).name, "a")
    spec.equal(shares({ peer("a", 1, 0, 99), peer("b", 1) }, 4), { a = 2, b = 2 })
  end)

  spec.it("balancer: what was tried is not tried again", function()
    local a, b = peer("a", 1), peer("b", 1)
    spec.equal(balancer.pick({ a, b }, { [a] = true }, 100).name, "b")
    spec.equal(balancer.pick({ a }, { [a] = true }, 100), nil)
  end)
end
