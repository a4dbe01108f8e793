local hosts = require("slipway.hosts")
local store = require("slipway.store")

return function(spec)
  spec.it("hosts: what a header stands for is worked out once, and anew where nginx understood another name", function()
    local host = hosts.of("dev--shop.apps.example.org:80", "dev--shop.apps.example.org")
    spec.equal({ host.is_sound, host.is_own, host.environment, host.slug }, { true, false, "dev", "shop" })
    spec.equal(hosts.of("dev--shop.apps.example.org:80", "dev--shop.apps.example.org") == host, true)
    local other = hosts.of("dev--shop.apps.example.org:80", "shop.example.com")
    spec.equal({ other.name, other.slug or "none" }, { "shop.example.com", "none" })
    spec.equal({ other.is_sound, hosts.of("a:b", "a").is_sound }, { false, false })
    spec.equal({ hosts.of("A.example.:80", "a.example").is_sound, hosts.of("[::1]:80", "[::1]").is_sound }, { true, true })
  end)

  spec.it("hosts: who has a host is asked again after each change of the table, and while it changes", function()
    local function owner(host)
      return hosts.namespace(host, store.revision()) or "none"
    end
    local host = hosts.of("shop.example.com", "shop.example.com")
    spec.equal(owner(host), "none")
    local project = { namespace = "a", slug = "shop", version = 1, environments = {}, domains = { { name = "shop.example.com" } } }
    assert(store.put(project, require("cjson").encode(project)))
    spec.equal({ owner(host), owner(hosts.of("x--shop.apps.example.org", "x--shop.apps.example.org")) }, { "a", "a" })
    ngx.shared.routes:incr("changes", 1)
    ngx.shared.routes:set("domain:shop.example.com", "b")
    spec.equal(owner(host), "b")
    store.remove("a")
    ngx.shared.routes:delete("domain:shop.example.com")
    ngx.shared.routes:incr("changes", 2)
    spec.equal(owner(host), "none")
    ngx.shared.routes:flush_all()
    ngx.shared.routes:flush_expired()
  end)
end
