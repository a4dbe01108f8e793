local counts = require("slipway.counts")

return function(spec)
  local guard = { errors = 5, points = 5 }
  local function exceeds(totals)
    return counts.exceeds(guard, function(name)
      return totals[name] or 0
    end)
  end

  spec.it("counts: a rollout is undone from so many errors and so much higher a rate on", function()
    spec.equal(exceeds({ ["new failed"] = 4, ["new ended"] = 4 }), false)
    spec.equal(exceeds({ ["new failed"] = 5, ["new ended"] = 10 }), true)
    spec.equal(exceeds({ ["new failed"] = 5, ["new ended"] = 101 }), false)
    spec.equal(exceeds({ ["new failed"] = 5, ["new ended"] = 100 }), true)
  end)

  spec.it("counts: what failed as often before is nobody's fault", function()
    spec.equal(exceeds({ ["new failed"] = 10, ["new ended"] = 100, ["old failed"] = 8, ["old ended"] = 100 }), false)
    spec.equal(exceeds({ ["new failed"] = 13, ["new ended"] = 100, ["old failed"] = 8, ["old ended"] = 100 }), true)
  end)

  spec.it("counts: clients that give up count as failures do, beyond what they did before", function()
    spec.equal(exceeds({ ["new given up"] = 5, ["old ended"] = 98 }), true)
    spec.equal(exceeds({ ["new given up"] = 4, ["old ended"] = 98 }), false)
    spec.equal(exceeds({ ["new given up"] = 5, ["new ended"] = 95, ["old ended"] = 98 }), false)
    spec.equal(exceeds({ ["new given up"] = 20, ["new ended"] = 80, ["old ended"] = 80, ["old given up"] = 18 }), false)
    spec.equal(exceeds({ ["new given up"] = 40, ["new ended"] = 60, ["old ended"] = 80, ["old given up"] = 18 }), true)
  end)

  spec.it("counts: where little came before, what is usual is not known, and only most of all tell", function()
    spec.equal(exceeds({ ["new given up"] = 5, ["new ended"] = 5 }), false)
    spec.equal(exceeds({ ["new given up"] = 6, ["new ended"] = 4 }), true)
    spec.equal(exceeds({ ["new given up"] = 5, ["new ended"] = 25, ["old ended"] = 4 }), false)
  end)

  spec.it("counts: a latency belongs to the first bucket that holds it", function()
    spec.equal(counts.bounds[counts.bucket(0)], 1)
    spec.equal(counts.bounds[counts.bucket(10)], 10)
    spec.equal(counts.bounds[counts.bucket(10.5)], 11)
    spec.equal(counts.bucket(1e12), #counts.bounds)
  end)

  local function peer_of(key, worker)
    local requests_key, streams_key = counts.keys_of(key, worker)
    return { requests_key = requests_key, streams_key = streams_key, in_flight = 0, told = 0 }
  end

  spec.it("counts: what is in progress comes and goes, streams by themselves", function()
    local key = "10.0.0.1:80"
    local peer = peer_of(key)
    counts.enter(peer, false)
    counts.enter(peer, true)
    counts.settle()
    spec.equal({ counts.in_progress(key) }, { 2, 1 })
    counts.leave(peer, true)
    counts.leave(peer, false)
    counts.settle()
    spec.equal({ counts.in_progress(key) }, { 0, 0 })
  end)

  spec.it("counts: never fewer than there are, at any moment, and as many once all is told", function()
    local key = "10.0.0.4:80"
    -- The same container, known anew after a push while the old object still has requests.
    local peers = { peer_of(key), peer_of(key) }
    local fewest, in_progress = 0, 0
    local function step(index, change)
      local peer = peers[index % 2 + 1]
      if change > 0 then
        counts.enter(peer, false)
      else
        counts.leave(peer, false)
      end
      in_progress = in_progress + change
      fewest = math.min(fewest, counts.in_progress(key) - in_progress)
      if index % 7 == 0 then
        counts.settle()
      end
    end
    for index = 1, 100 do
      step(index, 1)
    end
    for index = 1, 60 do
      step(index, -1)
    end
    for index = 1, 30 do
      step(index, 1)
    end
    counts.settle()
    spec.equal({ fewest, (counts.in_progress(key)) }, { 0, 70 })
    for index = 1, 70 do
      step(index, -1)
    end
    counts.settle()
    spec.equal((counts.in_progress(key)), 0)
  end)

  spec.it("counts: what an nginx worker that was killed left is forgotten as the next one starts in its place", function()
    local key, other = "10.0.0.2:80", "10.0.0.3:80"
    counts.enter(peer_of(key, 0), true)
    counts.enter(peer_of(other, 0), false)
    counts.enter(peer_of(key, 1), false)
    counts.settle()
    spec.equal({ counts.in_progress(key, 2) }, { 2, 1 })
    counts.forget_worker(0)
    spec.equal({ counts.in_progress(key, 2) }, { 1, 0 })
    spec.equal({ counts.in_progress(other, 2) }, { 0, 0 })
    counts.forget_worker(1)
    spec.equal({ counts.in_progress(key, 2) }, { 0, 0 })
  end)

  local function begins(project, id)
    return function(phase)
      return counts.begin(project, { name = "deploy", rollout = { id = id, phase = phase, guard = guard } })
    end
  end
  local function side(counted)
    for _, outcome in ipairs({ "served", "failed", "aborted" }) do
      counted[outcome] = counted[outcome] or 0
    end
    counted.givenUp = counted.givenUp or 0
    counted.latencies = counted.latencies or {}
    return counted
  end

  spec.it("counts: a rollout's requests count in the phase that they began in, and undo it together", function()
    local project = { namespace = "project_1_abcd" }
    local begin = begins(project, "r1")
    counts.finish(begin("before"), "served", "old", 3)
    local late = begin("before")
    for _ = 1, 5 do
      spec.equal(counts.is_undone(project, { name = "deploy", rollout = { id = "r1", guard = guard } }), false)
      counts.finish(begin("during"), "failed", "new", 7)
    end
    counts.finish(late, "aborted", "old", 40)
    counts.finish(begin("during"), "failed", nil, 0)
    local found = counts.rollout("project_1_abcd", "deploy", "r1")
    spec.equal(found.undone, true)
    spec.equal(found.phases.before.accepted, 2)
    spec.equal(found.phases.before.old, side({ served = 1, aborted = 1, latencies = { { 3, 1 }, { 41, 1 } } }))
    spec.equal(found.phases.during.new, side({ failed = 5, latencies = { { 7, 5 } } }))
    spec.equal(found.phases.during.none.failed, 1)
    spec.equal(counts.rollout("project_1_abcd", "deploy", "r2").undone, false)
    spec.equal(counts.begin(project, { name = "deploy" }), nil)
  end)

  spec.it("counts: clients that wait in vain undo a rollout; those that leave at once, and streams, do not", function()
    local project = { namespace = "project_2_abcd" }
    local begin = begins(project, "r1")
    local function is_undone()
      return counts.rollout("project_2_abcd", "deploy", "r1").undone
    end
    for _ = 1, 10 do
      counts.finish(begin("before"), "served", "old", 3)
      counts.finish(begin("during"), "aborted", "new", 100)
      counts.finish(begin("during"), "aborted", "new", 20000, true)
    end
    for _ = 1, 4 do
      counts.finish(begin("during"), "aborted", "new", 5000)
    end
    spec.equal(is_undone(), false)
    counts.finish(begin("during"), "aborted", "new", 5000)
    spec.equal(is_undone(), true)
    spec.equal(counts.rollout("project_2_abcd", "deploy", "r1").phases.during.new.givenUp, 5)
  end)

  spec.it("counts: how long a stream was open is no latency, and one that was refused is a failure all the same", function()
    local project = { namespace = "project_3_abcd" }
    local begin = begins(project, "r1")
    counts.finish(begin("during"), "served", "new", 20000, true)
    counts.finish(begin("during"), "served", "new", 3)
    for _ = 1, 5 do
      counts.finish(begin("during"), "failed", "new", 1, true)
    end
    local found = counts.rollout("project_3_abcd", "deploy", "r1")
    spec.equal(found.phases.during.new, side({ served = 2, failed = 5, latencies = { { 3, 1 } } }))
    spec.equal(found.undone, true)
  end)

  spec.it("counts: nginx's workers tell together how many requests wait", function()
    local begun = begins({ namespace = "project_4_abcd" }, "r1")("during")
    local function waiting()
      return counts.rollout("project_4_abcd", "deploy", "r1", 2).waiting
    end
    spec.equal(waiting(), 0)
    counts.tell_waiting(begun, 2, 0)
    counts.tell_waiting(begun, 1, 1)
    spec.equal(waiting(), 3)
    counts.tell_waiting(begun, 0, 0)
    spec.equal(waiting(), 1)
  end)
end
