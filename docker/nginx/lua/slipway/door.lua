-- The push door: what the worker says over the unix socket.
--   PUT    /routes/<namespace>   one project as JSON       → 200 {"version"}
--   PUT    /routes               all projects, one JSON a line, in place of what is there → 200 {"projects"}
--   DELETE /routes/<namespace>                              → 200 {}
--   GET    /routes/<namespace>                              → 200 as pushed, 404
--   GET    /versions                                        → 200 {"<namespace>": version}
--   PUT    /certificates         {id, names, chain, key, digest}, in place of what has that id → 200 {}
--   DELETE /certificates/<id>                               → 200 {}
--   GET    /certificates                                    → 200 {"<id>": digest}
--   PUT, DELETE /challenges      {host, token, answer}      → 200 {}
--   GET    /rollouts/<namespace>/<environment>/<id>         → 200 what was counted of it (counts.lua)
--   POST   /in-progress          ["address:port", …]        → 200 {"<address:port>": {"requests", "streams"}}
--   POST   /endings              ["address:port", …]        → 200 {}: what is in progress there ends within a second
--   POST   /probe                {address, port, path, host?, timeoutMs} → 200 {"status"} or {"error"}
-- Refusals are {"error": {"code", "message"}}: 422 invalid, 409 stale or taken, 507 full, 503 busy; nothing has changed then.
local certificates = require("slipway.certificates")
local challenges = require("slipway.challenges")
local cjson = require("cjson.safe")
local counts = require("slipway.counts")
local endings = require("slipway.endings")
local journal = require("slipway.journal").open("/state/routes.journal")
local probe = require("slipway.probe")
local schema = require("slipway.schema")
local settings = require("slipway.settings")
local cidr = require("slipway.cidr")
local store = require("slipway.store")

cjson.decode_invalid_numbers(false)
cjson.decode_max_depth(16)

local routes = ngx.shared.routes
local LOCK_SECONDS = 30
local LOCK_WAIT_SECONDS = 5
local REWRITE_AFTER_RECORDS = 2000

local M = {}

local function reply(status, body)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.print(body)
end

local function refuse(status, code, message)
  reply(status, cjson.encode({ error = { code = code, message = message } }))
end

local function body()
  ngx.req.read_body()
  local data = ngx.req.get_body_data()
  if data then
    return data
  end
  local path = ngx.req.get_body_file()
  if not path then
    return ""
  end
  local file = assert(io.open(path, "r"))
  data = file:read("*a")
  file:close()
  return data
end

-- Runs `work` while no other nginx worker writes the table.
local function alone(work)
  local token = ngx.var.request_id
  local give_up = ngx.now() + LOCK_WAIT_SECONDS
  while not routes:safe_add("writer", token, LOCK_SECONDS) do
    if ngx.now() > give_up then
      return refuse(503, "busy", "another push is still being taken over")
    end
    ngx.sleep(0.002)
    ngx.update_time()
  end
  local done, why = pcall(work)
  if routes:get("writer") == token then
    routes:delete("writer")
  end
  if not done then
    ngx.log(ngx.ERR, "push failed: ", why)
    return refuse(500, "broken", "the gateway failed while taking the push over; its log says why")
  end
end

-- The project in `json`; or nil, a code and what is wrong with it.
local function checked(json)
  local project, not_json = cjson.decode(json)
  if type(project) ~= "table" then
    return nil, "invalid", "not JSON: " .. (not_json or "not an object")
  end
  local problem = schema.problem(project)
  if problem then
    return nil, "invalid", problem
  end
  for _, domain in ipairs(project.domains or {}) do
    if settings.is_own_host[domain.name] or domain.name:sub(-#settings.base_suffix) == settings.base_suffix then
      return nil, "invalid", domain.name .. " is one of the gateway's own names"
    end
  end
  for _, environment in pairs(settings.upstream_networks and project.environments or {}) do
    for _, service in ipairs(environment.services) do
      for _, upstream in ipairs(service.upstreams) do
        if not cidr.any_contains(settings.upstream_networks, upstream.address) then
          return nil, "invalid", upstream.address .. " is in none of this gateway's upstream networks"
        end
      end
    end
  end
  return project
end

local function taken_message(key)
  return (key:gsub(":", " ", 1)) .. " belongs to another project"
end

local function all_records()
  local records = {}
  for namespace in pairs(store.versions()) do
    records[#records + 1] = journal.put_record(store.json(namespace))
  end
  return records
end

-- Writes one record, or now and then the whole table without what is out of date.
local function persist(record)
  local count = routes:incr("records", 1, 0)
  local appended, why = journal:append(record)
  if appended and count > REWRITE_AFTER_RECORDS then
    routes:set("records", 0)
    routes:set("rewrite", true)
  end
  return appended, why
end

local function rewrite_if_due()
  if routes:get("rewrite") then
    routes:delete("rewrite")
    local kept, why = journal:rewrite(all_records())
    if not kept then
      ngx.log(ngx.ERR, journal.path, " cannot be rewritten: ", why)
    end
  end
end

local function put_one(namespace)
  local json = body():gsub("[\r\n]", " ")
  local project, code, message = checked(json)
  if not project then
    return refuse(422, code, message)
  end
  if project.namespace ~= namespace then
    return refuse(422, "invalid", "project.namespace: the namespace in the path")
  end
  return alone(function()
    local version = store.version(namespace)
    if version and (project.version < version or (project.version == version and store.json(namespace) ~= json)) then
      return refuse(409, "stale", ("version %.0f answers already, which is newer"):format(version))
    end
    if version ~= project.version then
      local taken = store.conflict(project)
      if taken then
        return refuse(409, "taken", taken_message(taken))
      end
      if not store.has_room(#json) then
        return refuse(507, "full", "the route table's memory is full")
      end
      local kept, why = persist(journal.put_record(json))
      if not kept then
        return refuse(507, "full", "the route table's file cannot be written: " .. why)
      end
      assert(store.put(project, json))
      rewrite_if_due()
    end
    reply(200, ('{"version":%.0f}'):format(project.version))
  end)
end

-- The pushed projects by namespace and their records; or nil, a code and what is wrong.
local function checked_all(lines)
  local projects, jsons, records, owner, bytes = {}, {}, {}, {}, 0
  for json in lines:gmatch("[^\r\n]+") do
    local project, code, message = checked(json)
    if not project then
      return nil, code, message
    end
    local namespace = project.namespace
    local keys = { "namespace " .. namespace, "slug " .. project.slug }
    for _, domain in ipairs(project.domains or {}) do
      keys[#keys + 1] = "domain " .. domain.name
    end
    for _, key in ipairs(keys) do
      if owner[key] then
        return nil, "taken", key .. " is there twice"
      end
      owner[key] = namespace
    end
    projects[namespace], jsons[namespace] = project, json
    records[#records + 1] = journal.put_record(json)
    bytes = bytes + #json
  end
  return projects, jsons, records, bytes
end

local function put_all()
  local projects, jsons, records, bytes = checked_all(body())
  if not projects then
    return refuse(jsons == "taken" and 409 or 422, jsons, records)
  end
  return alone(function()
    if not store.has_room(bytes) then
      return refuse(507, "full", "the route table's memory is full")
    end
    local kept, why = journal:rewrite(records)
    if not kept then
      return refuse(507, "full", "the route table's file cannot be written: " .. why)
    end
    routes:set("records", 0)
    for namespace in pairs(store.versions()) do
      if not projects[namespace] then
        store.remove(namespace)
      end
    end
    for namespace, project in pairs(projects) do
      if store.json(namespace) ~= jsons[namespace] then
        assert(store.put(project, jsons[namespace]))
      end
    end
    reply(200, ('{"projects":%d}'):format(#records))
  end)
end

local function remove_one(namespace)
  return alone(function()
    if store.version(namespace) then
      local kept, why = persist(journal.remove_record(namespace))
      if not kept then
        return refuse(507, "full", "the route table's file cannot be written: " .. why)
      end
      store.remove(namespace)
      -- Of a project that is gone nothing stays in the file either: removals are rare enough to rewrite it for each.
      routes:set("rewrite", true)
      rewrite_if_due()
    end
    reply(200, "{}")
  end)
end

local function get_one(namespace)
  local json = store.json(namespace)
  if json then
    return reply(200, json)
  end
  return refuse(404, "not_found", "no routes of " .. namespace)
end

local function get_versions()
  local pairs_of = {}
  for namespace, version in pairs(store.versions()) do
    pairs_of[#pairs_of + 1] = ('"%s":%.0f'):format(namespace, version)
  end
  reply(200, "{" .. table.concat(pairs_of, ",") .. "}")
end

-- The body as an object in which `problem_of` finds nothing wrong; nil where it is refused already.
local function checked_body(problem_of)
  local value, not_json = cjson.decode(body())
  if type(value) ~= "table" then
    return refuse(422, "invalid", "not JSON: " .. (not_json or "not an object"))
  end
  local problem = problem_of(value)
  if problem then
    return refuse(422, "invalid", problem)
  end
  return value
end

local function post_probe()
  local wanted = checked_body(probe.problem)
  if wanted then
    reply(200, cjson.encode(probe.run(wanted)))
  end
end

local function put_certificate()
  local certificate = checked_body(certificates.problem)
  return certificate and alone(function()
    local put, why = certificates.put(certificate)
    if not put then
      return refuse(507, "full", "the certificates cannot be kept: " .. why)
    end
    reply(200, "{}")
  end)
end

local function remove_certificate(id)
  return alone(function()
    local removed, why = certificates.remove(id)
    if not removed then
      return refuse(507, "full", "the certificates' file cannot be written: " .. why)
    end
    reply(200, "{}")
  end)
end

local function get_certificates()
  local digests = certificates.digests()
  reply(200, next(digests) and cjson.encode(digests) or "{}")
end

local function change_challenge(change)
  local challenge = checked_body(challenges.problem)
  if challenge then
    change(challenge)
    reply(200, "{}")
  end
end

local function get_rollout(namespace, environment, id)
  reply(200, cjson.encode(counts.rollout(namespace, environment, id)))
end

local MOST_ASKED = 1024

-- The body as a list of texts like 10.0.0.1:3000; nil where it is refused already.
local function asked_upstreams()
  local asked = cjson.decode(body())
  if type(asked) ~= "table" or #asked > MOST_ASKED then
    return refuse(422, "invalid", "a list of at most " .. MOST_ASKED .. " texts like 10.0.0.1:3000")
  end
  for index, upstream in ipairs(asked) do
    asked[index] = tostring(upstream)
  end
  return asked
end

local function post_in_progress()
  local asked = asked_upstreams()
  if not asked then
    return
  end
  local pairs_of = {}
  for _, key in ipairs(asked) do
    local requests, streams = counts.in_progress(key)
    pairs_of[#pairs_of + 1] = ('%s:{"requests":%d,"streams":%d}'):format(cjson.encode(key), requests, streams)
  end
  reply(200, "{" .. table.concat(pairs_of, ",") .. "}")
end

local function post_endings()
  local asked = asked_upstreams()
  if asked then
    endings.ask(asked)
    reply(200, "{}")
  end
end

function M.answer()
  local method, path = ngx.req.get_method(), ngx.var.uri
  local namespace = path:match("^/routes/([a-z0-9_]+)$")
  if namespace and method == "PUT" then
    return put_one(namespace)
  elseif namespace and method == "DELETE" then
    return remove_one(namespace)
  elseif namespace and method == "GET" then
    return get_one(namespace)
  elseif path == "/routes" and method == "PUT" then
    return put_all()
  elseif path == "/versions" and method == "GET" then
    return get_versions()
  elseif path == "/certificates" and method == "PUT" then
    return put_certificate()
  elseif path == "/certificates" and method == "GET" then
    return get_certificates()
  elseif path:sub(1, 14) == "/certificates/" and method == "DELETE" then
    return remove_certificate(path:sub(15))
  elseif path == "/challenges" and method == "PUT" then
    return change_challenge(challenges.put)
  elseif path == "/challenges" and method == "DELETE" then
    return change_challenge(challenges.remove)
  elseif path == "/in-progress" and method == "POST" then
    return post_in_progress()
  elseif path == "/endings" and method == "POST" then
    return post_endings()
  elseif path:sub(1, 10) == "/rollouts/" and method == "GET" then
    local of, environment, id = path:match("^/rollouts/([a-z0-9_]+)/([a-z]+)/([a-z0-9-]+)$")
    if of then
      return get_rollout(of, environment, id)
    end
  elseif path == "/probe" and method == "POST" then
    return post_probe()
  end
  return refuse(404, "not_found", method .. " " .. path .. " is nothing that this door does")
end

return M
