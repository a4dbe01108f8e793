local cjson = require("cjson.safe")
local store = require("slipway.store")

return function(spec)
  local function project(namespace, slug, version, domains)
    return { namespace = namespace, slug = slug, version = version, environments = {}, domains = domains }
  end
  local function put(value)
    return store.put(value, cjson.encode(value))
  end
  local function domain(name)
    return { { name = name, environment = "deploy" } }
  end

  spec.it("store: what was put answers, by name, slug and domain", function()
    assert(put(project("a", "shop", 1, domain("shop.example.com"))))
    spec.equal({ store.project("a", store.revision()).version, store.namespace_of_slug("shop"), store.namespace_of_domain("shop.example.com") },
      { 1, "a", "a" })
    spec.equal(store.versions(), { a = 1 })
  end)

  spec.it("store: a new slug and domain replace the old ones", function()
    assert(put(project("a", "store", 2, domain("store.example.com"))))
    spec.equal({ store.namespace_of_slug("shop") or "none", store.namespace_of_domain("shop.example.com") or "none" }, { "none", "none" })
    spec.equal({ store.namespace_of_slug("store"), store.project("a", store.revision()).version }, { "a", 2 })
  end)

  spec.it("store: what a reader knows holds while the table's revision stays", function()
    local revision = store.revision()
    local known = store.project("a", revision)
    spec.equal({ revision % 2, store.project("a", revision) == known }, { 0, true })
    assert(put(project("b", "other", 1)))
    spec.equal({ store.revision() > revision, store.project("a", store.revision()) == known }, { true, true })
    assert(put(project("a", "store", 3, domain("store.example.com"))))
    spec.equal({ store.project("a", store.revision()).version, store.project("a", store.revision()) == known }, { 3, false })
    store.remove("b")
  end)

  spec.it("store: while a change is under way, or its writer was killed in it, nothing is taken for known", function()
    ngx.shared.routes:incr("changes", 1)
    spec.equal({ store.revision() or "none", store.project("a", nil).version }, { "none", 3 })
    local json = cjson.encode(project("a", "store", 4, domain("store.example.com")))
    ngx.shared.routes:set("json:a:999", json)
    ngx.shared.routes:delete("json:a:" .. ngx.shared.routes:get("revision:a"))
    ngx.shared.routes:set("revision:a", 999)
    spec.equal(store.project("a", nil).version, 4)
    assert(put(project("a", "store", 5, domain("store.example.com"))))
    spec.equal({ store.revision() % 2, store.project("a", store.revision()).version }, { 0, 5 })
  end)

  spec.it("store: a slug or domain of another project is a conflict, unless that one goes", function()
    spec.equal(store.conflict(project("b", "store", 1)), "slug:store")
    spec.equal(store.conflict(project("b", "b", 1, domain("store.example.com"))), "domain:store.example.com")
    spec.equal(store.conflict(project("a", "store", 3)), nil)
  end)

  spec.it("store: what is removed leaves nothing", function()
    store.remove("a")
    spec.equal({ store.project("a", store.revision()) or "none", store.versions(), #ngx.shared.routes:get_keys(0) }, { "none", {}, 2 })
    store.remove("a")
  end)

  spec.it("store: full memory refuses and keeps the old one", function()
    assert(put(project("a", "shop", 1)))
    local refused
    for number = 1, 200 do
      local big = project("big" .. number, "big" .. number, 1)
      local stored = store.put(big, cjson.encode(big) .. (" "):rep(200000))
      if not stored then
        refused = number
        break
      end
    end
    spec.equal(type(refused), "number")
    spec.equal(store.version("big" .. refused), nil)
    spec.equal(store.namespace_of_slug("big" .. refused), nil)
    spec.equal(store.has_room(200000), false)
    local again = project("a", "shop", 2)
    local stored = store.put(again, cjson.encode(again) .. (" "):rep(2000000))
    spec.equal({ stored or "refused", store.project("a", store.revision()).version }, { "refused", 1 })
    ngx.shared.routes:flush_all()
    ngx.shared.routes:flush_expired()
  end)
end
