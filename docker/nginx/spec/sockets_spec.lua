local sockets = require("slipway.sockets")

return function(spec)
  local function address(...)
    return require("ffi").new("unsigned char[28]", { ... })
  end

  spec.it("sockets: where a connection leads is read like an upstream is written", function()
    spec.equal(sockets.key_of("10.0.0.1:3000"), sockets.key_of_bytes(address(2, 0, 11, 184, 10, 0, 0, 1)))
    spec.equal(sockets.key_of("10.0.0.1:3001") == sockets.key_of_bytes(address(2, 0, 11, 184, 10, 0, 0, 1)), false)
    spec.equal(
      sockets.key_of("fd00::1:3000"),
      sockets.key_of_bytes(address(10, 0, 11, 184, 0, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
    )
    spec.equal(sockets.key_of_bytes(address(1, 0, 11, 184)), nil)
    spec.equal(sockets.key_of("nonsense"), nil)
    spec.equal(sockets.key_of("10.0.0.1:99999"), nil)
  end)
end
