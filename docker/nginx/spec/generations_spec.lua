local generations = require("slipway.generations")

return function(spec)
  spec.it("generations: what was set last is there, and what is asked for stays", function()
    local cache = generations.new(2)
    for _, key in ipairs({ "a", "b", "c", "d" }) do
      cache:set(key, key:upper())
      spec.equal(cache:get("a"), "A")
    end
    spec.equal({ cache:get("d"), cache:get("b") or "gone" }, { "D", "gone" })
  end)

  spec.it("generations: no more than twice its size is kept", function()
    local cache = generations.new(10)
    local kept = 0
    for number = 1, 1000 do
      cache:set(number, number)
    end
    for number = 1, 1000 do
      kept = kept + (cache.young[number] and 1 or 0) + (cache.old[number] and 1 or 0)
    end
    spec.equal({ kept >= 10, kept <= 20 }, { true, true })
  end)

  spec.it("generations: what is deleted is gone from both", function()
    local cache = generations.new(1)
    cache:set("a", 1)
    cache:set("b", 2)
    cache:delete("a")
    cache:delete("b")
    spec.equal({ cache:get("a") or "gone", cache:get("b") or "gone", cache.count }, { "gone", "gone", 0 })
    cache:set("a", 3)
    cache:set("a", 4)
    spec.equal({ cache:get("a"), cache.count }, { 4, 1 })
  end)
end
