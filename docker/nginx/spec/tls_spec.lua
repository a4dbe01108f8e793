local settings = require("slipway.settings")
local tls = require("slipway.tls")

return function(spec)
  local function enforced(host, is_domain)
    return tls.is_enforced(host, is_domain)
  end

  spec.it("tls: only a name with a certificate is ever https alone", function()
    settings.redirect = "all"
    spec.equal(enforced("nosuch.example.com", true), false)
    settings.redirect = "domains"
  end)

  spec.it("tls: a project's own names by default, others where all are asked for, loopback never", function()
    local shared = ngx.shared.certificates
    for _, name in ipairs({ "shop.example.com", "*.apps.example.org", "*.localhost", "localhost" }) do
      shared:set("name:" .. name, "some")
    end
    local function all_enforced()
      return {
        enforced("shop.example.com", true), enforced("dev--shop.apps.example.org", false),
        enforced("dev--shop.localhost", false), enforced("localhost", false),
      }
    end
    spec.equal(all_enforced(), { true, false, false, false })
    settings.redirect = "all"
    spec.equal(all_enforced(), { true, true, false, false })
    settings.redirect = "off"
    spec.equal(all_enforced(), { false, false, false, false })
    settings.redirect = "domains"
    shared:flush_all()
  end)

  spec.it("tls: a redirect keeps the path, and names the port where it is not the usual one", function()
    spec.equal(tls.location("shop.example.com", "/a?b=c"), "https://shop.example.com:8443/a?b=c")
    settings.https_port = 443
    spec.equal(tls.location("shop.example.com", "http://evil.example/a"), "https://shop.example.com/")
    settings.https_port = 8443
  end)
end
