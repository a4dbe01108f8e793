local connections = require("slipway.connections")

return function(spec)
  spec.it("connections: as many as allowed, and again once one has left", function()
    spec.equal({ connections.enter("n a", 2), connections.enter("n a", 2), connections.enter("n a", 2) }, { true, true, false })
    spec.equal(connections.enter("n b", 2), true)
    connections.leave("n a")
    spec.equal({ connections.enter("n a", 2), connections.enter("n a", 2) }, { true, false })
  end)
end
