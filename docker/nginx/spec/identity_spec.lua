local identity = require("slipway.identity")

return function(spec)
  spec.it("identity: ids are 32 hex digits and differ", function()
    identity.seed()
    local seen = {}
    for _ = 1, 1000 do
      local id = identity.new_id()
      spec.equal({ #id, id:find("^[0-9a-f]+$"), seen[id] or false }, { 32, 1, false })
      seen[id] = true
    end
  end)
end
