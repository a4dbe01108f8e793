local connections = require("slipway.connections")

return function(spec)
  local function entered(key, most, times, workers)
    local counted = {}
    for index = 1, times do
      counted[index] = connections.enter(key, most, workers) or "no"
    end
    return counted
  end

  spec.it("connections: as many as allowed, and again once one has left", function()
    spec.equal(entered("n a", 2, 3, 2), { "shared", "shared", "no" })
    spec.equal(entered("n b", 2, 1, 2), { "shared" })
    connections.leave("n a", "shared")
    spec.equal(entered("n a", 2, 2, 2), { "shared", "no" })
  end)

  spec.it("connections: a worker's own share comes first, is taken from the bound, and is given back", function()
    spec.equal({ connections.own_share(2048, 2), connections.own_share(2048, 64), connections.own_share(15, 1) }, { 64, 2, 0 })
    spec.equal(entered("n c", 64, 64, 2)[2], "own")
    -- 2 by this worker itself, 60 shared, and 2 that another worker may have: of the 64 asked for, two were too many.
    local counted = entered("n d", 64, 64, 2)
    spec.equal({ counted[1], counted[2], counted[3], counted[62], counted[63], counted[64] },
      { "own", "own", "shared", "shared", "no", "no" })
    connections.leave("n d", "own")
    spec.equal(entered("n d", 64, 2, 2), { "own", "no" })
  end)
end
