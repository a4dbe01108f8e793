local cidr = require("slipway.cidr")

return function(spec)
  local function contains(network, address)
    return cidr.any_contains(assert(cidr.parse_list({ network })), address)
  end

  spec.it("cidr: IPv4 networks hold what is below them and nothing beside", function()
    spec.equal(contains("10.249.0.0/16", "10.249.255.1"), true)
    spec.equal(contains("10.249.0.0/16", "10.250.0.1"), false)
    spec.equal(contains("10.1.2.64/26", "10.1.2.127"), true)
    spec.equal(contains("10.1.2.64/26", "10.1.2.128"), false)
    spec.equal(contains("0.0.0.0/0", "203.0.113.9"), true)
    spec.equal(contains("192.0.2.7", "192.0.2.7"), true)
    spec.equal(contains("192.0.2.7", "192.0.2.8"), false)
  end)

  spec.it("cidr: IPv6 in all its spellings", function()
    spec.equal(contains("fd00::/8", "fd12:3456::1"), true)
    spec.equal(contains("fd00::/8", "fe80::1"), false)
    spec.equal(contains("2001:db8:0:0:0:0:0:1", "2001:db8::1"), true)
    spec.equal(contains("::1", "0:0:0:0:0:0:0:1"), true)
  end)

  spec.it("cidr: an IPv4 address inside IPv6 is that IPv4 address", function()
    spec.equal(contains("127.0.0.0/8", "::ffff:127.0.0.1"), true)
    spec.equal(contains("127.0.0.0/8", "::ffff:7f00:1"), true)
  end)

  spec.it("cidr: an IPv4 network holds no IPv6 address", function()
    spec.equal(contains("0.0.0.0/0", "fd00::1"), false)
  end)

  spec.it("cidr: malformed addresses and networks are none", function()
    for _, text in ipairs({ "", "10.0.0", "10.0.0.256", "10.0.0.1.2", "a.b.c.d", "1:2", ":::", "1::2::3", "12345::", "g::",
      "1:2:3:4:5:6:7:8:9", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.1 ", "::1%eth0" }) do
      if cidr.parse_network(text) ~= nil then
        error(("%q was taken for a network"):format(text))
      end
    end
  end)
end
