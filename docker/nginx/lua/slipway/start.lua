-- What nginx does before its first request, and what its health check asks.
local cjson = require("cjson.safe")
local counts = require("slipway.counts")
local endings = require("slipway.endings")
local journal = require("slipway.journal").open("/state/routes.journal")
local identity = require("slipway.identity")
local request = require("slipway.request")
local rotation = require("slipway.rotation")
local schema = require("slipway.schema")
local certificates = require("slipway.certificates")
local store = require("slipway.store")
require("slipway.tls")
require("slipway.front") -- once, here: all workers then share the compiled code

-- What happens to a request is longer than what LuaJIT compiles in one piece by itself; it runs interpreted then. Of loops it
-- takes reads and writes of nginx's variables for one, of which there are more than 15.
require("jit.opt").start("loopunroll=60", "maxrecord=16000", "maxirconst=4000", "maxsnap=2000", "maxtrace=8000", "maxmcode=16384")

local LOOK_SECONDS = 0.25

local M = {}

local function namespace_of(json)
  local project = cjson.decode(json)
  if project and not schema.problem(project) then
    return project.namespace
  end
end

-- Fills the table from the journal. What cannot be read is left out and said; it never keeps the gateway from starting.
function M.load_table()
  local projects, unreadable = journal:read(namespace_of)
  local records = {}
  for namespace, json in pairs(projects) do
    local project = cjson.decode(json)
    local taken = store.conflict(project)
    local put, why = nil, taken
    if not taken then
      put, why = store.put(project, json)
    end
    if put then
      records[#records + 1] = journal.put_record(json)
    else
      ngx.log(ngx.ERR, "routes of ", namespace, " are not loaded: ", why)
    end
  end
  if unreadable > 0 then
    ngx.log(ngx.ERR, unreadable, " records of ", journal.path, " could not be read and are left out")
  end
  local kept, why = journal:rewrite(records)
  if not kept then
    ngx.log(ngx.ERR, journal.path, " cannot be written: ", why)
  end
  certificates.load()
  ngx.shared.routes:set("loaded", true)
end

-- What each of nginx's workers does again and again, because nobody else can for it.
local function look(premature)
  if not premature then
    endings.run()
    counts.settle()
    request.tell_waiting()
  end
end

-- What each of nginx's workers does as it starts.
function M.begin_worker()
  identity.seed()
  counts.forget_worker(ngx.worker.id())
  endings.begin_worker()
  rotation.start()
  assert(ngx.timer.every(LOOK_SECONDS, look))
end

function M.health()
  if ngx.shared.routes:get("loaded") then
    return ngx.say("ok")
  end
  ngx.status = 503
  ngx.say("the route table is not loaded")
end

return M
