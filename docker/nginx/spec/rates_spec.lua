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

  -- Another of nginx's workers: it has a memory of its own, and the shared one.
  local function another_worker()
    package.loaded["slipway.rates"] = nil
    local other = require("slipway.rates")
    package.loaded["slipway.rates"] = rates
    return other
  end

  local function passed_at_once(workers, key, rate, at, requests)
    local count = 0
    for index = 1, requests do
      if not workers[index % #workers + 1].wait(key, rate, at, #workers) then
        count = count + 1
      end
    end
    return count
  end

  local BROAD = { perSecond = 3200, burst = 3200 }

  spec.it("rates: of a broad one a worker takes some at once, and both together never let more through", function()
    spec.equal({ rates.own_share(BROAD, 2), rates.own_share({ perSecond = 50, burst = 100 }, 2), rates.own_share({ perSecond = 10, burst = 4 }, 2) },
      { 100, 1, 0 })
    -- What the two may have taken for themselves is taken from the bound.
    spec.equal(passed_at_once({ rates, another_worker() }, "g", BROAD, 1000, 5000), 3001)
    spec.equal(passed_at_once({ rates, another_worker() }, "g", BROAD, 1000, 5000), 0)
    spec.equal(passed_at_once({ rates }, "h", BROAD, 1000, 5000), 3001)
  end)

  spec.it("rates: what a worker took and did not need does not widen a burst, and ends", function()
    local workers = { rates, another_worker() }
    spec.equal(passed_at_once(workers, "i", BROAD, 1000, 2), 2)
    local count = passed_at_once(workers, "i", BROAD, 1000.5, 5000)
    spec.equal({ count > 3000, count <= 3201 }, { true, true })
    spec.equal(passed_at_once({ rates }, "j", BROAD, 1000, 1), 1)
    spec.equal(passed_at_once({ rates }, "j", BROAD, 1002, 5000), 3001)
  end)

  spec.it("rates: fifteen of sixteen parts of the average pass for ever, however they come to the workers", function()
    local workers = { rates, another_worker() }
    local waits = 0
    for index = 1, 3000 * 5 do
      local worker = workers[index % 50 == 0 and 2 or 1]
      if worker.wait("k", BROAD, 1000 + index / 3000, 2) then
        waits = waits + 1
      end
    end
    spec.equal(waits, 0)
  end)

  spec.it("rates: another rate ends what a worker took of the one before", function()
    spec.equal(passed_at_once({ rates }, "l", BROAD, 1000, 1), 1)
    spec.equal(passed_at_once({ rates }, "l", { perSecond = 1, burst = 0 }, 1000.5, 10), 1)
  end)

  spec.it("rates: keys do not know of each other", function()
    local rate = { perSecond = 1, burst = 0 }
    spec.equal({ passed("c", rate, 1000, 3), passed("d", rate, 1000, 3) }, { 1, 1 })
  end)
end
