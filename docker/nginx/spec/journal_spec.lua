local Journal = require("slipway.journal")

return function(spec)
  local journal = Journal.open("/tmp/gateway/spec.journal")
  local function namespace_of(json)
    return json:match('^{"n":"(%w+)"')
  end
  local function write(content)
    local file = assert(io.open(journal.path, "w"))
    file:write(content)
    file:close()
  end
  local function read()
    return { journal:read(namespace_of) }
  end

  spec.it("journal: no file is an empty table", function()
    os.remove(journal.path)
    spec.equal(read(), { {}, 0 })
  end)

  spec.it("journal: the last word on a project counts", function()
    assert(journal:rewrite({ journal.put_record('{"n":"a","v":1}'), journal.put_record('{"n":"b","v":1}') }))
    assert(journal:append(journal.put_record('{"n":"a","v":2}')))
    assert(journal:append(journal.remove_record("b")))
    assert(journal:append(journal.put_record('{"n":"c","v":1}')))
    spec.equal(read(), { { a = '{"n":"a","v":2}', c = '{"n":"c","v":1}' }, 0 })
  end)

  spec.it("journal: a torn last line is left out, and spoils nothing that comes after", function()
    write('\nput {"n":"a","v":1}\n\nput {"n":"a","v":2')
    spec.equal(read(), { { a = '{"n":"a","v":1}' }, 1 })
    assert(journal:append(journal.put_record('{"n":"b","v":1}')))
    local projects = read()[1]
    spec.equal(projects.b, '{"n":"b","v":1}')
  end)

  spec.it("journal: a whole line without its end was never answered", function()
    write('\nput {"n":"a","v":1}\n\nput {"n":"a","v":2}')
    spec.equal(read(), { { a = '{"n":"a","v":1}' }, 1 })
  end)

  spec.it("journal: rubbish is counted and left out", function()
    write("\nrubbish\n\nput nonsense\n\nremove\n" .. '\nput {"n":"a"}\n' .. ("\0"):rep(64))
    spec.equal(read(), { { a = '{"n":"a"}' }, 4 })
  end)

  spec.it("journal: a place that cannot be written is said", function()
    local nowhere = Journal.open("/nowhere/journal")
    local appended, why = nowhere:append("put x")
    local rewritten = nowhere:rewrite({})
    spec.equal({ appended, rewritten }, {})
    spec.equal(type(why), "string")
  end)
end
