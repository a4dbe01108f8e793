local rates = require("slipway.rates")

return function(spec)
  local function passed(key, rate, at, requests)
    local count = 0
    for _ = 1, requests do
      if not rates.wait(key, rate, at) then
        count = count + 1
      end
    end
    return count
  end

  spec.it("rates: a burst passes, then the average", function()
    local rate = { perSecond = 10, burst = 4 }
    spec.equal(passed("a", rate, 1000, 20), 5)
    spec.equal(passed("a", rate, 1000.1001, 20), 1)
    spec.equal(passed("a", rate, 1001.1002, 20), 5)
  end)

  spec.it("rates: the wait says when the next one may come", function()
    local rate = { perSecond = 2, burst = 0 }
    spec.equal(rates.wait("b", rate, 1000), nil)
    spec.equal(rates.wait("b", rate, 1000), 0.5)
    spec.equal(rates.wait("b", rate, 1000.5), nil)
  end)

  spec.it("rates: a new rate does not inherit an old one's wait", function()
    spec.equal(rates.wait("e", { perSecond = 0.1, burst = 0 }, 1000), nil)
    spec.equal(passed("e", { perSecond = 100, burst = 5 }, 1001, 10), 6)
  end)

  spec.it("rates: a worker that is busy, and so a little behind, does not begin anew", function()
    local rate = { perSecond = 1000, burst = 10 }
    spec.equal(passed("f", rate, 1000.2, 20), 11)
    spec.equal({ passed("f", rate, 1000.19, 20), passed("f", rate, 999.4, 20), passed("f", rate, 1000.2, 20) }, { 0, 0, 0 })
  end)

  spec.it("rates: keys do not know of each other", function()
    local rate = { perSecond = 1, burst = 0 }
    spec.equal({ passed("c", rate, 1000, 3), passed("d", rate, 1000, 3) }, { 1, 1 })
  end)
end
