local origin = require("slipway.origin")
local settings = require("slipway.settings")

return function(spec)
  -- With this base domain, which the specs' settings do not have.
  local function with_base(base_domain, body)
    local before = { settings.base_domain, settings.base_suffix }
    settings.base_domain, settings.base_suffix = base_domain, "." .. base_domain
    body()
    settings.base_domain, settings.base_suffix = before[1], before[2]
  end

  spec.it("origin: what a browser runs or shows as a page goes to the environment's own origin", function()
    for _, dest in ipairs({ "document", "iframe", "frame", "embed", "object", "script", "worker", "sharedworker", "serviceworker" }) do
      spec.equal({ dest, origin.must_be_own(dest, nil, "apps.example.org") }, { dest, true })
    end
    for _, dest in ipairs({ "empty", "image", "style", "font", "video", "", "Document" }) do
      spec.equal({ dest, origin.must_be_own(dest, nil, "apps.example.org") }, { dest, false })
    end
  end)

  spec.it("origin: a program, which says nothing, stays; a browser that says little does not", function()
    spec.equal(origin.must_be_own(nil, nil, "apps.example.org"), false)
    spec.equal(origin.must_be_own(nil, "1", "apps.example.org"), true)
    spec.equal(origin.must_be_own(nil, "0", "apps.example.org"), false)
    spec.equal(origin.must_be_own("empty", "1", "apps.example.org"), false)
  end)

  spec.it("origin: nobody at another machine is sent to a name of his own machine", function()
    with_base("localhost", function()
      for host, expected in pairs({ localhost = true, ["127.0.0.1"] = true, ["[::1]"] = true, ["192.0.2.7"] = false, ["box.lan"] = false }) do
        spec.equal({ host, origin.must_be_own("document", nil, host) }, { host, expected })
      end
    end)
    spec.equal(origin.must_be_own("document", nil, "192.0.2.7"), true)
  end)

  spec.it("origin: the environment's own origin has the client's port, and what was asked for", function()
    local function at(host_header, rest)
      return origin.location("https", "dev", "my-shop", host_header, rest)
    end
    spec.equal(at("apps.example.org:8443", "/a?b=/c"), "https://dev--my-shop.apps.example.org:8443/a?b=/c")
    spec.equal(at("apps.example.org", "/"), "https://dev--my-shop.apps.example.org/")
    spec.equal(at("apps.example.org:", "/"), "https://dev--my-shop.apps.example.org/")
    spec.equal(at("[::1]:8080", "?a"), "https://dev--my-shop.apps.example.org:8080/?a")
    spec.equal(at("[::1]", "//evil.example"), "https://dev--my-shop.apps.example.org//evil.example")
  end)

  spec.it("origin: a confined answer keeps its own policy, gets ours, and says nothing of the whole origin", function()
    local header = { ["Content-Type"] = "text/html", ["Service-Worker-Allowed"] = "/", ["Clear-Site-Data"] = '"*"',
      ["Strict-Transport-Security"] = "max-age=1", NEL = "{}", ["Report-To"] = "{}", ["Alt-Svc"] = "h3" }
    origin.confine(header)
    local ours = "sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"
    spec.equal(header, { ["Content-Type"] = "text/html", ["Content-Security-Policy"] = ours })

    header = { ["Content-Security-Policy"] = "default-src 'self'; sandbox allow-same-origin" }
    origin.confine(header)
    spec.equal(header, { ["Content-Security-Policy"] = { "default-src 'self'; sandbox allow-same-origin", ours } })
    header = { ["Content-Security-Policy"] = { "a", "b" } }
    origin.confine(header)
    spec.equal(header, { ["Content-Security-Policy"] = { "a", "b", ours } })
  end)
end
